"""What orders take of listings, as this wing hears of it: which listings it leaves free, and what the map says of them now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from market.kernel.facts import OrderMoved
from market.kernel.ids import Id
from market.kernel.period import DAY_MS, HOUR_MS, MINUTE_MS, Period
from market.kernel.seats import Use, clash
from market.kernel.terms import LATE_START_MS

State = Literal["free", "held", "in_use"]

AHEAD_MS = 2 * HOUR_MS
"""Who comes now wants it for a while: what is taken within this time is not free now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """An order's `seats`, from `start_ms` until after the buffer; 0 once it takes none. `in_use`: handed over and not back yet,
    however late that is; None: as it was."""

    order_id: Id
    version: int
    listing_id: Id
    start_ms: int
    until_ms: int
    seats: int
    in_use: bool | None

    def due_ms(self, now_ms: int) -> int | None:
        """When time alone next changes what it means: it comes near, then it is over and may be forgotten."""
        if self.in_use:
            return None
        near_ms = self.start_ms - AHEAD_MS + 1
        return near_ms if self.seats and near_ms > now_ms else self.until_ms

    def is_near(self, now_ms: int) -> bool:
        return bool(self.in_use) or self.start_ms < now_ms + AHEAD_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked of terms by who wants a period now: each bound is one comparison that a database can make."""

    most_notice_minutes: int
    least_horizon_days: int
    most_shortest_minutes: int
    least_longest_minutes: int


def heard(moved: OrderMoved) -> Taking:
    return Taking(
        order_id=moved.order_id, version=moved.version, listing_id=moved.listing_id, start_ms=moved.start_ms,
        until_ms=max(moved.taken_until_ms, moved.end_ms), seats=moved.taken_seats,
        in_use=None if moved.state == "disputed" else moved.state == "in_use",
    )  # fmt: skip


def touches_now(moved: OrderMoved, now_ms: int) -> bool:
    """Whether a listing's state may be another since this. What was in use may have begun long before its time."""
    return heard(moved).is_near(now_ms) or moved.state in ("returned", "completed", "refunded")


def wanted(period: Period, now_ms: int) -> Wanted:
    """The same as `market.kernel.terms.check_offered`, but for the opening hours."""
    from_now_ms = period.start_ms - now_ms
    return Wanted(
        most_notice_minutes=(from_now_ms + LATE_START_MS) // MINUTE_MS,
        least_horizon_days=-(-from_now_ms // DAY_MS),
        most_shortest_minutes=period.length_ms // MINUTE_MS,
        least_longest_minutes=-(-period.length_ms // MINUTE_MS),
    )


def state_of(takings: Iterable[Taking], capacity: int, now_ms: int) -> State:
    """Free: somebody could have a seat from now on for two hours, as far as others are concerned."""
    soon = Period(now_ms, now_ms + AHEAD_MS)
    uses: list[Use] = []
    is_out = False
    for taking in takings:
        if taking.in_use:
            late = taking.until_ms <= now_ms  # and nobody knows for how long
            uses.append(Use(Period(now_ms, soon.end_ms if late else taking.until_ms), taking.seats))
            is_out = True
        elif taking.seats and taking.until_ms > now_ms:
            uses.append(Use(Period(taking.start_ms, taking.until_ms), taking.seats))
    if clash(Use(soon), uses, capacity) is None:
        return "free"
    return "in_use" if is_out else "held"
