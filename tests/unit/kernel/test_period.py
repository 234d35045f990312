"""Half-open periods: overlap, containment, merging."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.kernel.errors import BadInput
from market.kernel.period import Period, merge, without

small = st.tuples(st.integers(0, 40), st.integers(0, 40)).filter(lambda p: p[0] < p[1])
periods = small.map(lambda p: Period(*p))


def instants(period: Period) -> set[int]:
    return set(range(period.start_ms, period.end_ms))


@given(periods, periods)
def test_two_overlap_when_they_share_an_instant(one: Period, other: Period) -> None:
    assert one.overlaps(other) == other.overlaps(one) == bool(instants(one) & instants(other))
    assert one.contains(other) == (instants(one) >= instants(other))


@given(st.lists(periods, max_size=8))
def test_merging_keeps_exactly_the_instants_and_leaves_gaps_between(some: list[Period]) -> None:
    merged = merge(some)
    assert set().union(*map(instants, merged)) == set().union(*map(instants, some))
    assert all(
        a.end_ms < b.start_ms for a, b in itertools.pairwise(merged)
    )  # neither overlapping nor touching, ascending
    assert merge(merged) == merged
    assert merge(reversed(some)) == merged


@given(st.lists(periods, max_size=6), st.lists(periods, max_size=6))
def test_what_is_left_without_others_is_exactly_that(
    some: list[Period], others: list[Period]
) -> None:
    left = without(merge(some), others)
    wanted = set().union(*map(instants, some)) - set().union(*map(instants, others))
    assert set().union(*map(instants, left)) == wanted
    assert merge(left) == left


@given(periods)
def test_length_is_what_it_says(period: Period) -> None:
    assert period.length_ms == len(instants(period)) > 0


@pytest.mark.parametrize(
    ("start", "end"), [(1, 1), (2, 1), (-1, 5), (0, 2**53), (2**53, 2**53 + 1)]
)
def test_what_is_no_period_is_refused(start: int, end: int) -> None:
    with pytest.raises(BadInput):
        Period(start, end)
