"""Whether a period can be booked. `Bookable` is this wing's own picture of a listing, and the lock of its calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from market.kernel.availability import Plan, offers
from market.kernel.errors import BadInput, Forbidden, NotBookable, NotYet, SlotTaken, StaleQuote
from market.kernel.ids import Id
from market.kernel.period import DAY_MS, MINUTE_MS, Period

LATE_START_MS = 10 * MINUTE_MS
"""A period may begin this long ago, so that "from now on" survives a slow thumb."""
HORIZON_MS = 90 * DAY_MS
LONGEST_MS = 60 * DAY_MS
SHORTEST_MS = 15 * MINUTE_MS
"""Horizon, length, claim window and dispute must fit into the 170 days for which WeChat keeps money frozen."""

LEASE_MS = 45_000
"""A hold lives this long unless renewed; the client renews every 15 s while the page is open."""


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
    address: str
    plan: Plan
    price_hour_fen: int | None
    price_day_fen: int | None
    deposit_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarView:
    """The payload of `calendar:ID`: what the plan offers, less `busy` ([start_ms, end_ms) pairs, ascending)."""

    listing_id: Id
    version: int
    terms_version: int
    live: bool
    plan: Plan
    busy: tuple[tuple[int, int], ...]


def check_quote(bookable: Bookable, terms_version: int) -> None:
    if terms_version > bookable.terms_version:
        raise NotYet
    if terms_version < bookable.terms_version:
        raise StaleQuote(terms_version=bookable.terms_version)


def check_period(bookable: Bookable, buyer_id: Id, period: Period, now_ms: int) -> None:
    """Everything but overlaps."""
    if bookable.owner_id == buyer_id:
        raise Forbidden("one does not book one's own listing")
    if bookable.status != "live":
        raise NotBookable("the listing is not live", status=bookable.status)
    if period.start_ms < now_ms - LATE_START_MS:
        raise BadInput("the period begins in the past")
    if period.start_ms > now_ms + HORIZON_MS:
        raise NotBookable("too far ahead", horizon_days=HORIZON_MS // DAY_MS)
    if not SHORTEST_MS <= period.length_ms <= LONGEST_MS:
        raise NotBookable("from a quarter of an hour to sixty days")
    if not offers(bookable.plan, period):
        raise NotBookable("outside the opening hours")


def check_free(period: Period, busy: Sequence[Period]) -> None:
    for other in busy:
        if period.overlaps(other):
            raise SlotTaken(start_ms=other.start_ms, end_ms=other.end_ms)


def calendar(bookable: Bookable, busy: Sequence[Period]) -> CalendarView:
    return CalendarView(
        listing_id=bookable.listing_id,
        version=bookable.version,
        terms_version=bookable.terms_version,
        live=bookable.status == "live",
        plan=bookable.plan,
        busy=tuple((p.start_ms, p.end_ms) for p in sorted(busy)),
    )
