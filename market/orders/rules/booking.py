"""Whether a period can be booked. `Bookable` is this wing's own picture of a listing, and the lock of its calendar."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from market.kernel.availability import Plan
from market.kernel.errors import BadInput, Forbidden, NotBookable, NotYet, SlotTaken, StaleQuote
from market.kernel.geo import Point
from market.kernel.ids import Id
from market.kernel.period import DAY_MS, Period
from market.kernel.seats import Use, clash, taken
from market.kernel.terms import Booking, Terms, check_offered, free_periods

LEASE_MS = 45_000
"""A hold lives this long unless renewed; the client renews every 15 s while the page is open."""

FREE_WINDOW_MS = 32 * DAY_MS
"""How much of the future may be asked for at once: a month, wherever one is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bookable:
    """`version` is the calendar's; `listing_version` and `terms_version` are the listing's as last heard."""

    listing_id: Id
    version: int
    listing_version: int
    terms_version: int
    owner_id: Id
    status: str
    title: str
    category: str
    address: str
    terms: Terms
    cell: str = ""
    """Where on the map it is shown; empty: nowhere."""
    place: Point | None = None
    """Where it really is; None: not heard yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarView:
    """The payload of `calendar:ID`: what the plan offers, less `busy` ([start_ms, end_ms): no seat left, ascending).

    `left`: [start_ms, end_ms, seats] where some seats are taken and so many are left. Both count the buffer after each use; a
    use fits where it and its own buffer find room.
    """

    listing_id: Id
    version: int
    terms_version: int
    live: bool
    plan: Plan
    busy: tuple[tuple[int, int], ...]
    left: tuple[tuple[int, int, int], ...]
    booking: Booking
    capacity: int
    buffer_minutes: int
    notice_minutes: int
    horizon_days: int
    shortest_minutes: int
    longest_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeView:
    """[start_ms, end_ms) periods, ascending, in which so many seats can be booked now: any use inside of one that is as long
    as it may be, and begins before the horizon. `version` is the calendar's.
    """

    listing_id: Id
    version: int
    terms_version: int
    seats: int
    free: tuple[tuple[int, int], ...]


def check_quote(bookable: Bookable, terms_version: int) -> None:
    if terms_version > bookable.terms_version:
        raise NotYet
    if terms_version < bookable.terms_version:
        raise StaleQuote(terms_version=bookable.terms_version)


def check_period(bookable: Bookable, buyer_id: Id, period: Period, now_ms: int) -> None:
    """Everything but what others have taken."""
    if bookable.owner_id == buyer_id:
        raise Forbidden("one does not book one's own listing")
    if bookable.status != "live":
        raise NotBookable("the listing is not live", status=bookable.status)
    check_offered(bookable.terms, period, now_ms)


def check_seats(terms: Terms, seats: int) -> None:
    if seats > terms.capacity:
        raise NotBookable("there are not so many seats", capacity=terms.capacity)


def check_free(terms: Terms, wanted: Use, uses: Iterable[Use]) -> None:
    """Whether the seats are left, at every moment of the use and of the buffer after it."""
    check_seats(terms, wanted.seats)
    stretch = clash(wanted, uses, terms.capacity)
    if stretch is not None:
        raise SlotTaken(
            start_ms=stretch.start_ms, end_ms=stretch.end_ms,
            seats_left=max(terms.capacity - stretch.seats, 0),
        )  # fmt: skip


def calendar(bookable: Bookable, uses: Iterable[Use]) -> CalendarView:
    terms = bookable.terms
    # Of one seat no two uses overlap, and a listing in demand has thousands.
    single = terms.capacity == 1
    stretches = [] if single else taken(uses)
    return CalendarView(
        listing_id=bookable.listing_id, version=bookable.version, terms_version=bookable.terms_version,
        live=bookable.status == "live", plan=terms.plan,
        busy=tuple(
            sorted((use.period.start_ms, use.period.end_ms) for use in uses)
            if single
            else ((s.start_ms, s.end_ms) for s in stretches if s.seats >= terms.capacity)
        ),
        left=tuple(
            (s.start_ms, s.end_ms, terms.capacity - s.seats)
            for s in stretches if s.seats < terms.capacity
        ),
        booking=terms.booking, capacity=terms.capacity, buffer_minutes=terms.buffer_minutes,
        notice_minutes=terms.notice_minutes, horizon_days=terms.horizon_days,
        shortest_minutes=terms.shortest_minutes, longest_minutes=terms.longest_minutes,
    )  # fmt: skip


def free(
    bookable: Bookable, uses: Sequence[Use], within: Period, seats: int, now_ms: int
) -> FreeView:
    """Nothing while the listing is not live. Raise BadInput when too much is asked for at once."""
    if within.length_ms > FREE_WINDOW_MS:
        raise BadInput("that is too long a time to ask for at once", days=FREE_WINDOW_MS // DAY_MS)
    live = bookable.status == "live"
    found = free_periods(bookable.terms, uses, within, seats, now_ms) if live else []
    return FreeView(
        listing_id=bookable.listing_id, version=bookable.version, terms_version=bookable.terms_version,
        seats=seats, free=tuple((period.start_ms, period.end_ms) for period in found),
    )  # fmt: skip
