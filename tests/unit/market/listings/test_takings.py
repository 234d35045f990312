"""What orders take: when it next matters, and what it makes of a listing; and that the bounds of who searches are booking's own."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from market.kernel.availability import ALWAYS
from market.kernel.errors import MarketError
from market.kernel.ids import Id
from market.kernel.period import DAY_MS, HOUR_MS, MINUTE_MS, Period
from market.kernel.terms import LATE_START_MS, Terms, check_offered
from market.listings.rules.takings import AHEAD_MS, State, Taking, state_of, wanted

NOW_MS = 1_790_000_000_000

near_a_bound = st.builds(
    lambda unit, count, slip: unit * count + slip,
    st.sampled_from([MINUTE_MS, HOUR_MS, DAY_MS]),
    st.integers(-3, 30),
    st.sampled_from([0, -1, 1, LATE_START_MS, -LATE_START_MS, -LATE_START_MS - 1, 12_345]),
)
bounded = st.builds(
    Terms, plan=st.just(ALWAYS), price_hour_fen=st.just(1), notice_minutes=st.sampled_from([0, 1, 60, 1440]),
    horizon_days=st.integers(1, 20), shortest_minutes=st.sampled_from([15, 16, 60]),
    longest_minutes=st.sampled_from([60, 61, 1440, 14400]),
)  # fmt: skip


@settings(max_examples=1000)
@given(bounded, near_a_bound, near_a_bound.filter(lambda ms: ms > 0))
@example(Terms(plan=ALWAYS), -LATE_START_MS, HOUR_MS)
@example(Terms(plan=ALWAYS), -LATE_START_MS - 1, HOUR_MS)
def test_the_bounds_are_those_of_booking(terms: Terms, in_ms: int, length_ms: int) -> None:
    period = Period(NOW_MS + in_ms, NOW_MS + in_ms + length_ms)
    try:
        check_offered(terms, period, NOW_MS)
        offered = True
    except MarketError:
        offered = False
    asked = wanted(period, NOW_MS)
    assert offered == (
        terms.notice_minutes <= asked.most_notice_minutes
        and terms.horizon_days >= asked.least_horizon_days
        and terms.shortest_minutes <= asked.most_shortest_minutes
        and terms.longest_minutes >= asked.least_longest_minutes
    )


def taking(start_ms: int, until_ms: int, *, seats: int = 1, in_use: bool = False) -> Taking:
    return Taking(
        order_id=Id(1), version=1, listing_id=Id(2), start_ms=NOW_MS + start_ms,
        until_ms=NOW_MS + until_ms, seats=seats, in_use=in_use,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("takings", "capacity", "state"),
    [
        ([], 1, "free"),
        ([taking(0, HOUR_MS)], 1, "held"),
        ([taking(-HOUR_MS, 1)], 1, "held"),
        ([taking(-HOUR_MS, 0)], 1, "free"),
        ([taking(AHEAD_MS - 1, DAY_MS)], 1, "held"),
        ([taking(AHEAD_MS, DAY_MS)], 1, "free"),
        ([taking(0, HOUR_MS, seats=0)], 1, "free"),
        ([taking(-HOUR_MS, HOUR_MS, in_use=True)], 1, "in_use"),
        ([taking(-DAY_MS, -HOUR_MS, in_use=True)], 1, "in_use"),
        ([taking(DAY_MS, 2 * DAY_MS, in_use=True)], 1, "in_use"),
        ([taking(-HOUR_MS, HOUR_MS, in_use=True)], 2, "free"),
        ([taking(-HOUR_MS, HOUR_MS, in_use=True), taking(HOUR_MS, DAY_MS)], 2, "free"),
        ([taking(-HOUR_MS, HOUR_MS), taking(HOUR_MS, DAY_MS)], 2, "free"),
        ([taking(-HOUR_MS, HOUR_MS, seats=2)], 2, "held"),
        ([taking(-HOUR_MS, -1, in_use=True), taking(HOUR_MS, DAY_MS)], 2, "in_use"),
    ],
)  # fmt: skip
def test_a_listing_is_free_when_somebody_could_have_it_now_for_two_hours(
    takings: list[Taking], capacity: int, state: State
) -> None:
    assert state_of(takings, capacity, NOW_MS) == state


def test_time_changes_what_a_taking_means_when_it_comes_near_and_when_it_is_over() -> None:
    later = taking(DAY_MS, 2 * DAY_MS)
    near_ms = NOW_MS + DAY_MS - AHEAD_MS + 1
    assert later.due_ms(NOW_MS) == near_ms
    assert later.due_ms(near_ms) == later.until_ms
    assert taking(DAY_MS, 2 * DAY_MS, seats=0).due_ms(NOW_MS) == later.until_ms
    assert taking(-HOUR_MS, 0, in_use=True).due_ms(NOW_MS) is None
    for now_ms in (near_ms - 1, near_ms):
        assert later.is_near(now_ms) == (now_ms >= near_ms)
        assert state_of([later], 1, now_ms) == ("held" if later.is_near(now_ms) else "free")
