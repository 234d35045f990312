"""What a listing offers and at what price: all that booking and a quote depend on, as its owner sets it.

Nothing here is checked when it is made, because stored terms must stay readable when the bounds change; the owner's wishes are
checked where they come in (`market.listings.rules.offer`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

from market.kernel.availability import Plan, offers, open_periods
from market.kernel.errors import BadInput, NotBookable
from market.kernel.period import DAY_MS, MINUTE_MS, Period
from market.kernel.seats import Use, with_room

Policy = Literal["flexible", "moderate", "strict"]
"""What the owner keeps of the rent when the buyer cancels: `market.orders.rules.cancellation`."""

Booking = Literal["instant", "request"]
"""Whether an order is agreed at once, or waits for the owner's yes."""

LATE_START_MS = 10 * MINUTE_MS
"""A period may begin this long ago, so that "from now on" survives a slow thumb."""

FROZEN_DAYS = 170
"""WeChat keeps money frozen for 180 days; ours is decided ten days before that."""

AFTERWARDS_DAYS = 20
"""Kept of these for what may follow a use: a late return, claim, dispute and decision."""

AHEAD_DAYS = FROZEN_DAYS - AFTERWARDS_DAYS
"""The most that horizon and longest use may be together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Prices are integer fen for a begun hour, day (24 hours) or week (168 hours); at least one is set.

    `surcharge_bp`: seven surcharges in basis points, Monday first, on hours and days that begin on that weekday.
    `minimum_fen` is the least rent of an order, `capacity` the number of seats that can be in use at once.
    """

    plan: Plan
    price_hour_fen: int | None = None
    price_day_fen: int | None = None
    price_week_fen: int | None = None
    surcharge_bp: tuple[int, ...] = (0,) * 7
    minimum_fen: int = 0
    deposit_fen: int = 0
    waives_deposit: bool = False
    """Whether buyers of good credit need no deposit, or a part of it only."""
    policy: Policy = "flexible"
    booking: Booking = "instant"
    capacity: int = 1
    buffer_minutes: int = 0
    notice_minutes: int = 0
    horizon_days: int = 90
    shortest_minutes: int = 15
    longest_minutes: int = 60 * 24 * 60

    @property
    def buffer_ms(self) -> int:
        return self.buffer_minutes * MINUTE_MS

    @property
    def notice_ms(self) -> int:
        return self.notice_minutes * MINUTE_MS

    @property
    def horizon_ms(self) -> int:
        return self.horizon_days * DAY_MS

    @property
    def shortest_ms(self) -> int:
        return self.shortest_minutes * MINUTE_MS

    @property
    def longest_ms(self) -> int:
        return self.longest_minutes * MINUTE_MS


TERMS = tuple(field.name for field in fields(Terms))
"""The names of what makes up terms: commands and views have fields of these names."""


def check_offered(terms: Terms, period: Period, now_ms: int) -> None:
    """Whether the terms offer `period` to somebody who asks now; what others have taken is another question."""
    if period.start_ms < now_ms - LATE_START_MS:
        raise BadInput("the period begins in the past")
    if period.start_ms < now_ms + terms.notice_ms - LATE_START_MS:
        raise NotBookable("too soon", notice_minutes=terms.notice_minutes)
    if period.start_ms > now_ms + terms.horizon_ms:
        raise NotBookable("too far ahead", horizon_days=terms.horizon_days)
    if period.length_ms < terms.shortest_ms:
        raise NotBookable("too short", shortest_minutes=terms.shortest_minutes)
    if period.length_ms > terms.longest_ms:
        raise NotBookable("too long", longest_minutes=terms.longest_minutes)
    if not offers(terms.plan, period):
        raise NotBookable("outside the opening hours")


def use_of(terms: Terms, period: Period, seats: int) -> Use:
    """What a use takes: its seats, for the period and the buffer after it."""
    return Use(Period(period.start_ms, period.end_ms + terms.buffer_ms), seats)


def free_periods(
    terms: Terms, uses: Sequence[Use], within: Period, seats: int, now_ms: int
) -> list[Period]:
    """The longest stretches of `within` in which so many seats can be booked now: every period inside of one that is
    neither too short nor too long and begins before the horizon.
    """
    start_ms = max(within.start_ms, now_ms + terms.notice_ms)
    end_ms = min(within.end_ms, now_ms + terms.horizon_ms + terms.longest_ms)
    if start_ms >= end_ms:
        return []
    room = with_room(
        open_periods(terms.plan, Period(start_ms, end_ms)), uses, seats=seats,
        capacity=terms.capacity, buffer_ms=terms.buffer_ms,
    )  # fmt: skip
    latest_ms = now_ms + terms.horizon_ms
    return [p for p in room if p.length_ms >= terms.shortest_ms and p.start_ms <= latest_ms]
