"""Seats over time, against counting them at every instant."""

from __future__ import annotations

import itertools

from hypothesis import assume, given
from hypothesis import strategies as st

from market.kernel.period import Period, merge
from market.kernel.seats import Taken, Use, clash, taken, with_room

END = 60
spans = st.tuples(st.integers(0, 40), st.integers(1, 9)).map(lambda p: Period(p[0], p[0] + p[1]))
uses = st.builds(Use, spans, st.integers(1, 3))
buffers = st.integers(0, 4)
capacities = st.integers(1, 5)


def at(instant: int, some: list[Use]) -> int:
    return sum(u.seats for u in some if u.period.start_ms <= instant < u.period.end_ms)


def fits(wanted: Use, some: list[Use], capacity: int) -> bool:
    """One that is let in leaves the house at no instant fuller than it may be."""
    own = range(wanted.period.start_ms, wanted.period.end_ms)
    return all(at(instant, [*some, wanted]) <= capacity for instant in own)


@given(st.lists(uses, max_size=7))
def test_the_sweep_counts_what_counting_counts(some: list[Use]) -> None:
    stretches = taken(some)
    for instant in range(END):
        found = [s.seats for s in stretches if s.start_ms <= instant < s.end_ms]
        assert (found or [0]) == [at(instant, some)]
    assert all(a.end_ms <= b.start_ms for a, b in itertools.pairwise(stretches))


@given(uses, st.lists(uses, max_size=7), capacities)
def test_a_use_fits_when_at_no_instant_too_many_seats_are_taken(
    wanted: Use, some: list[Use], capacity: int
) -> None:
    """What is there may be more than fits: the owner may have less to offer than when it was booked."""
    assume(wanted.seats <= capacity)
    found = clash(wanted, some, capacity)
    assert (found is None) == fits(wanted, some, capacity)
    if found is not None:
        within = max(found.start_ms, wanted.period.start_ms)
        assert wanted.period.start_ms <= within < wanted.period.end_ms
        assert found.seats == at(within, some) > capacity - wanted.seats


@given(st.lists(uses, max_size=12), capacities)
def test_those_let_in_one_after_the_other_never_exceed_the_capacity(
    wishes: list[Use], capacity: int
) -> None:
    inside: list[Use] = []
    for wish in wishes:
        if wish.seats <= capacity and not clash(wish, inside, capacity):
            inside.append(wish)
    assert all(at(instant, inside) <= capacity for instant in range(END))


@given(
    st.lists(spans, max_size=3).map(merge), st.lists(uses, max_size=6), st.integers(1, 4), capacities,
    buffers,
)  # fmt: skip
def test_what_has_room_is_every_period_that_fits_and_no_other(
    offered: list[Period], some: list[Use], seats: int, capacity: int, buffer: int
) -> None:
    room = with_room(offered, some, seats=seats, capacity=capacity, buffer_ms=buffer)
    assert merge(room) == room
    for start, end in itertools.combinations(range(0, END, 2), 2):
        period = Period(start, end)
        may = any(o.contains(period) for o in offered) and fits(
            Use(Period(start, end + buffer), seats), some, capacity
        )
        assert any(r.contains(period) for r in room) == may, period


def test_uses_that_touch_stay_two() -> None:
    one, two = Use(Period(0, 10)), Use(Period(10, 20), 2)
    assert taken([two, one]) == [Taken(0, 10, 1), Taken(10, 20, 2)]
    assert taken([two, one, Use(Period(5, 12))]) == [
        Taken(0, 5, 1), Taken(5, 10, 2), Taken(10, 12, 3), Taken(12, 20, 2),
    ]  # fmt: skip
    assert clash(Use(Period(10, 12)), [one], 1) is None
    assert clash(Use(Period(9, 12)), [one], 1) == Taken(0, 10, 1)
