"""What terms offer to somebody who asks now: one period, against all free periods."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.kernel.availability import ALWAYS, DAY_MINUTES, Plan, Window
from market.kernel.errors import BadInput, MarketError, NotBookable
from market.kernel.period import DAY_MS, HOUR_MS, MINUTE_MS, Period
from market.kernel.seats import Use, clash
from market.kernel.terms import LATE_START_MS, Terms, check_offered, free_periods, use_of

NOW_MS = 1_790_000_000_000 // HOUR_MS * HOUR_MS
TERMS = Terms(
    plan=ALWAYS, notice_minutes=60, horizon_days=10, shortest_minutes=30, longest_minutes=600
)
ZONES = (
    "Asia/Shanghai",
    "Europe/Berlin",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Asia/Kathmandu",
)


def lasting(ms: int, start_ms: int = NOW_MS + DAY_MS) -> Period:
    return Period(start_ms, start_ms + ms)


@pytest.mark.parametrize(
    ("period", "error"),
    [
        (lasting(HOUR_MS), None),
        (lasting(HOUR_MS, NOW_MS + HOUR_MS - LATE_START_MS), None),
        (lasting(HOUR_MS, NOW_MS + HOUR_MS - LATE_START_MS - 1), NotBookable),
        (lasting(HOUR_MS, NOW_MS - LATE_START_MS - 1), BadInput),
        (lasting(HOUR_MS, NOW_MS + 10 * DAY_MS), None),
        (lasting(HOUR_MS, NOW_MS + 10 * DAY_MS + 1), NotBookable),
        (lasting(30 * MINUTE_MS), None),
        (lasting(30 * MINUTE_MS - 1), NotBookable),
        (lasting(10 * HOUR_MS), None),
        (lasting(10 * HOUR_MS + 1), NotBookable),
        (Period(NOW_MS + DAY_MS, 2**53 - 1), NotBookable),
    ],
)  # fmt: skip
def test_notice_horizon_and_length(period: Period, error: type[MarketError] | None) -> None:
    if error is None:
        check_offered(TERMS, period, NOW_MS)
    else:
        with pytest.raises(error):
            check_offered(TERMS, period, NOW_MS)


windows = st.sets(st.integers(0, 24), min_size=2, max_size=2).map(
    lambda edges: (min(edges) * 60, max(edges) * 60)
)
plans = st.builds(
    lambda weekly, zone: Plan(weekly=tuple(weekly), time_zone=zone),
    st.lists(st.lists(windows, max_size=2).map(tuple), min_size=7, max_size=7), st.sampled_from(ZONES),
)  # fmt: skip
hours = st.integers(-5, 60)
uses = st.builds(
    lambda start, length, seats: Use(lasting(length * HOUR_MS, NOW_MS + start * HOUR_MS), seats),
    hours, st.integers(1, 12), st.integers(1, 2),
)  # fmt: skip
offers = st.builds(
    Terms, plan=plans, capacity=st.integers(1, 3), buffer_minutes=st.sampled_from((0, 30, 120)),
    notice_minutes=st.sampled_from((0, 90)), horizon_days=st.just(2),
    shortest_minutes=st.sampled_from((15, 60)), longest_minutes=st.sampled_from((60, 1440)),
)  # fmt: skip


@settings(deadline=None)
@given(offers, st.lists(uses, max_size=4), st.integers(1, 3), hours, st.integers(1, 48))
def test_free_is_what_one_may_book_and_nothing_else(
    terms: Terms, some: list[Use], seats: int, start: int, half_hours: int
) -> None:
    period = lasting(
        half_hours * 30 * MINUTE_MS, max(NOW_MS + start * HOUR_MS, NOW_MS + terms.notice_ms)
    )
    within = Period(NOW_MS - DAY_MS, NOW_MS + 6 * DAY_MS)
    free = free_periods(terms, some, within, seats, NOW_MS)
    try:
        check_offered(terms, period, NOW_MS)
        may = seats <= terms.capacity and not clash(
            use_of(terms, period, seats), some, terms.capacity
        )
    except NotBookable:
        may = False
    right_length = terms.shortest_ms <= period.length_ms <= terms.longest_ms
    in_time = period.start_ms <= NOW_MS + terms.horizon_ms
    assert may == (right_length and in_time and any(f.contains(period) for f in free))


@pytest.mark.parametrize("zone", ZONES)
def test_the_hours_are_the_listings_own_wherever_the_buyer_is(zone: str) -> None:
    nine_to_five: tuple[Window, ...] = ((9 * 60, 17 * 60),)
    terms = replace(TERMS, plan=Plan(weekly=(nine_to_five,) * 7, time_zone=zone), horizon_days=3)
    free = free_periods(terms, [], Period(NOW_MS, NOW_MS + 3 * DAY_MS), 1, NOW_MS)
    assert free
    for period in free[1:-1]:
        local = [
            datetime.fromtimestamp(ms / 1000, ZoneInfo(zone))
            for ms in (period.start_ms, period.end_ms)
        ]
        assert [(t.hour, t.minute) for t in local] == [(9, 0), (17, 0)]


def test_a_day_that_crosses_midnight_is_one_free_period() -> None:
    weekly = (((22 * 60, DAY_MINUTES), (0, 120)),) * 7
    terms = replace(TERMS, plan=Plan(weekly=weekly))
    free = free_periods(terms, [], Period(NOW_MS, NOW_MS + 5 * DAY_MS), 1, NOW_MS)
    assert {p.length_ms for p in free[1:-1]} == {4 * HOUR_MS}


def test_nothing_is_free_before_the_notice_and_after_the_horizon() -> None:
    within = Period(NOW_MS, NOW_MS + 100 * DAY_MS)
    (free,) = free_periods(TERMS, [], within, 1, NOW_MS)
    assert free == Period(NOW_MS + HOUR_MS, NOW_MS + 10 * DAY_MS + 10 * HOUR_MS)
    assert free_periods(TERMS, [], Period(NOW_MS, NOW_MS + HOUR_MS), 1, NOW_MS) == []
    assert (
        free_periods(TERMS, [], Period(NOW_MS + 11 * DAY_MS, NOW_MS + 12 * DAY_MS), 1, NOW_MS) == []
    )
