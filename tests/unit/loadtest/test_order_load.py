"""What the benchmarks of the orders ask for."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict

import pytest

from loadtest.benches.order_load import HORIZON_MS, SHORT_MS, Demand, Outcome
from market.kernel.period import DAY_MS

NOW_MS = 1_790_000_000_000
SLOTS = HORIZON_MS // SHORT_MS


def test_nobody_asks_for_what_has_been_asked_for() -> None:
    wishes = Demand(range(1000, 1050), 0.8, NOW_MS).wishes(20_000)
    assert len(set(wishes)) == len(wishes)
    of_listing = defaultdict(list)
    for listing, start_ms, end_ms in wishes:
        assert NOW_MS < start_ms < end_ms <= NOW_MS + 90 * DAY_MS
        of_listing[listing].append((start_ms, end_ms))
    for periods in of_listing.values():
        periods.sort()
        assert all(one[1] <= other[0] for one, other in itertools.pairwise(periods))


def test_the_popular_are_asked_for_more_often_as_zipf_says() -> None:
    demand = Demand(range(100), 1.0, NOW_MS)
    asked = Counter(listing for listing, _, _ in demand.wishes(20_000))
    assert asked[0] == demand.most
    assert asked[0] / asked[9] == pytest.approx(10, rel=0.3)


def test_a_listing_has_an_end() -> None:
    demand = Demand([7], 1.0, NOW_MS)
    assert len(set(demand.wishes(SLOTS))) == SLOTS
    with pytest.raises(ValueError, match="sold out"):
        demand.wishes(1)


def test_what_came_of_it_is_laid_together() -> None:
    whole = Outcome()
    for n in (1, 2):
        part = Outcome(accepted=[n], refused=Counter({"busy": n}), unanswered=n, wall_s=n)
        part.took_us.append(n)
        whole.add(part)
    assert (whole.accepted, whole.refused["busy"], whole.unanswered) == ([1, 2], 3, 3)
    assert (list(whole.took_us), whole.wall_s, whole.per_s) == ([1, 2], 2, 1.0)
