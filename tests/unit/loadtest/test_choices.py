"""The buyers that rankings are tried on: their chances are those of their choices, and their assumptions are as they are called."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

import pytest

from loadtest.benches import matching
from loadtest.choices import (
    ORDERING,
    PAGE,
    TASTES,
    Chances,
    Offer,
    Taste,
    a_market,
    chances,
    choose,
    page,
    settled,
)
from market.listings.rules.ranking import DEFAULT, DISTANCE_ONLY

MARKETS = [a_market(Random(seed)) for seed in range(40)]


@pytest.mark.parametrize("taste", TASTES, ids=lambda taste: taste.name)
def test_what_is_drawn_is_as_likely_as_is_said(taste: Taste) -> None:
    random, draws = Random(1), 4_000
    results = page(MARKETS[3], DEFAULT)
    said = chances(taste, results)
    drawn = [choose(taste, results, random) for _ in range(draws)]
    ordered = sum(offer is not None for offer in drawn) / draws
    completed = sum(offer.reliability for offer in drawn if offer is not None) / draws
    assert abs(ordered - said.ordered) < 4 * math.sqrt(said.ordered * (1 - said.ordered) / draws)
    assert completed == pytest.approx(said.completed, abs=0.04)


def test_a_page_is_the_best_by_the_score() -> None:
    for market in MARKETS:
        nearest = [offer.km for offer in page(market, DISTANCE_ONLY)]
        assert nearest == sorted(offer.km for offer in market)[:PAGE]


def test_a_quarter_of_the_buyers_order_when_the_nearest_comes_first() -> None:
    taste = settled(TASTES[0], MARKETS)
    shares = [chances(taste, page(market, DISTANCE_ONLY)).ordered for market in MARKETS]
    assert sum(shares) / len(shares) == pytest.approx(ORDERING, abs=1e-6)


def test_who_cares_for_nothing_orders_as_much_whatever_comes_first() -> None:
    indifferent = next(t for t in TASTES if not (t.km or t.deal_rate or t.star or t.log_price))
    for market in MARKETS:
        one, other = (
            chances(indifferent, page(market, weights)) for weights in (DISTANCE_ONLY, DEFAULT)
        )
        assert one.ordered == pytest.approx(other.ordered)


def test_who_looks_at_all_does_not_mind_the_order_of_a_page() -> None:
    taste = replace(TASTES[0], looks_on=1.0)
    results = page(MARKETS[0], DEFAULT)
    assert chances(taste, results[::-1]).ordered == pytest.approx(chances(taste, results).ordered)


def test_the_lift_of_what_is_always_a_fifth_more_is_a_fifth() -> None:
    pairs = [
        (Chances(ordered=p, completed=p), Chances(ordered=1.2 * p, completed=p))
        for p in (0.1, 0.2, 0.3)
    ]
    lift, half = matching.ratio_of_means(pairs)
    assert lift == pytest.approx(0.2)
    assert half == pytest.approx(0)


def test_a_finding_is_the_same_from_the_same_seed() -> None:
    found = [matching.find(TASTES[0], MARKETS, 500, Random(7)) for _ in range(2)]
    assert found[0] == found[1]
    assert found[0].lift_low <= found[0].lift <= found[0].lift_high
    assert TASTES[0].name in matching.line(found[0])


def test_the_bound_of_two_hundred_runs() -> None:
    """The 97.5 % quantile of Bin(200, 0.05), from its definition and the normal approximation."""
    assert matching.most(200, 0.05) == pytest.approx(10 + 1.96 * math.sqrt(9.5), abs=1)
    assert matching.most(1, 0.0) == 0


def test_offers_are_what_a_market_has() -> None:
    every: list[Offer] = [offer for market in MARKETS for offer in market]
    assert all(10 <= len(market) <= 200 for market in MARKETS)
    assert all(0 <= offer.km <= 5 and 1 <= offer.stars <= 5 for offer in every)
    assert all(0 <= offer.reliability <= 1 for offer in every)
