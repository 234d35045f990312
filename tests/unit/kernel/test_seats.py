"""Seats over time, against counting them at every instant."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from market.kernel.period import Period, merge
from market.kernel.seats import Taken, Use, clash, taken, with_room

END = 50
spans = st.tuples(st.integers(0, 40), st.integers(1, 9)).map(lambda p: Period(p[0], p[0] + p[1]))
uses = st.builds(Use, spans, st.integers(1, 3))
buffers = st.integers(0, 4)
capacities = st.integers(1, 5)


def at(instant: int, some: list[Use], buffer: int) -> int:
    return sum(u.seats for u in some if u.period.start_ms <= instant < u.period.end_ms + buffer)


def fits(wanted: Use, some: list[Use], capacity: int, buffer: int) -> bool:
    """One that is let in leaves the house at no instant fuller than it may be."""
    own = range(wanted.period.start_ms, wanted.period.end_ms + buffer)
    return all(at(instant, [*some, wanted], buffer) <= capacity for instant in own)


@given(st.lists(uses, max_size=7), buffers)
def test_the_sweep_counts_what_counting_counts(some: list[Use], buffer: int) -> None:
    stretches = taken(some, buffer)
    for instant in range(END + 10):
        found = [s.seats for s in stretches if s.start_ms <= instant < s.end_ms]
        assert (found or [0]) == [at(instant, some, buffer)]
    assert all(a.end_ms <= b.start_ms for a, b in itertools.pairwise(stretches))


@given(uses, st.lists(uses, max_size=7), capacities, buffers)
def test_a_use_fits_when_at_no_instant_too_many_seats_are_taken(
    wanted: Use, some: list[Use], capacity: int, buffer: int
) -> None:
    # What is there may be more than fits: the owner may have less to offer now than when it was booked.
    found = clash(wanted, some, capacity=capacity, buffer_ms=buffer)
    if not some and wanted.seats > capacity:
        return  # nobody stands in its way: that there are not so many seats at all is said before
    assert (found is None) == fits(wanted, some, capacity, buffer) or wanted.seats > capacity
    if found is not None:
        assert found.seats == at(found.start_ms, some, buffer) > capacity - wanted.seats


@given(st.lists(uses, max_size=12), capacities, buffers)
def test_those_let_in_one_after_the_other_never_exceed_the_capacity(
    wishes: list[Use], capacity: int, buffer: int
) -> None:
    inside: list[Use] = []
    for wish in wishes:
        if wish.seats <= capacity and not clash(
            wish, inside, capacity=capacity, buffer_ms=buffer
        ):
            inside.append(wish)
    assert all(at(instant, inside, buffer) <= capacity for instant in range(END + 10))


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
            Use(period, seats), some, capacity, buffer
        )
        assert any(r.contains(period) for r in room) == may, period


def test_uses_that_touch_stay_two_and_a_buffer_joins_the_next() -> None:
    one, two = Use(Period(0, 10)), Use(Period(10, 20), 2)
    assert taken([two, one], 0) == [Taken(0, 10, 1), Taken(10, 20, 2)]
    assert taken([two, one], 3) == [Taken(0, 10, 1), Taken(10, 13, 3), Taken(13, 23, 2)]
    assert clash(Use(Period(10, 12)), [one], capacity=1, buffer_ms=0) is None
    assert clash(Use(Period(12, 14)), [one], capacity=1, buffer_ms=3) == Taken(0, 13, 1)
    assert clash(Use(Period(20, 22)), [Use(Period(24, 30))], capacity=1, buffer_ms=3) is not None
