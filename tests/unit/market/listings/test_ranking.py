"""The ranking's promises: what each part is worth, what is never worse, and what an index by one sum says of another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.listings.rules import ranking
from market.listings.rules.ranking import DEFAULT, DISTANCE_ONLY, Merits, Parts, Weights

metres = st.floats(min_value=0, max_value=50_000)
fen = st.integers(min_value=0, max_value=100_000_000)
stars = st.integers(min_value=100, max_value=500)
shares = st.floats(min_value=0, max_value=1)
DAY_MS = 24 * 3_600_000


@st.composite
def merits(draw: st.DrawFn) -> Merits:
    created = draw(st.integers(min_value=0, max_value=10_000))
    return Merits(
        orders_created=created, orders_completed=draw(st.integers(min_value=0, max_value=created)),
        rating_centistars=draw(stars), day_fen=draw(fen), reference_fen=draw(st.none() | fen),
        published_ms=0,
    )  # fmt: skip


@st.composite
def weights(draw: st.DrawFn) -> Weights:
    raw = draw(st.lists(st.integers(0, 100), min_size=4, max_size=4).filter(any))
    distance, deal_rate, rating, price = (value / sum(raw) for value in raw)
    return Weights(distance=distance, deal_rate=deal_rate, rating=rating, price=price)


def scored(one: Merits, far: float) -> float:
    return ranking.score(ranking.parts(one, far))


@given(merits(), metres)
def test_every_part_and_the_score_are_shares(one: Merits, far: float) -> None:
    parts = ranking.parts(one, far)
    score = ranking.score(parts)
    for part in (parts.distance, parts.deal_rate, parts.rating, parts.price, score):
        assert 0 <= part <= 1 + 1e-12
    assert score == pytest.approx(
        0.4 * parts.distance + 0.3 * parts.deal_rate + 0.2 * parts.rating + 0.1 * parts.price
    )


@given(merits(), metres, metres)
def test_nearer_is_never_worse(one: Merits, a: float, b: float) -> None:
    near, far = sorted((a, b))
    assert scored(one, near) >= scored(one, far)


@given(merits(), fen, stars, metres)
def test_what_is_better_in_one_thing_alone_never_scores_lower(
    one: Merits, cheaper: int, better: int, far: float
) -> None:
    for twin in (
        replace(one, rating_centistars=max(better, one.rating_centistars)),
        replace(one, day_fen=min(one.day_fen, cheaper)),
        replace(one, orders_completed=one.orders_created),
    ):
        assert scored(twin, far) >= scored(one, far)


@given(weights(), shares, shares, shares)
def test_nothing_that_comes_to_so_much_has_less_standing(
    other: Weights, deal_rate: float, rating: float, price: float
) -> None:
    parts = Parts(distance=0, deal_rate=deal_rate, rating=rating, price=price)
    least = ranking.least_standing(ranking.score(parts, other), other)
    assert least is not None
    assert least <= ranking.score(parts, DEFAULT) + 1e-9


@given(weights())
def test_nothing_comes_to_more_than_all_of_it(other: Weights) -> None:
    full = Parts(distance=0, deal_rate=1, rating=1, price=1)
    assert ranking.least_standing(ranking.score(full, other) + 1e-6, other) is None
    assert ranking.least_standing(0.0, other) == 0
    assert ranking.least_standing(-1.0, other) == 0


def test_the_published_weights_are_what_the_index_is_by() -> None:
    assert ranking.least_standing(0.35, DEFAULT) == pytest.approx(0.35)
    assert ranking.least_standing(1e-6, DISTANCE_ONLY) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"distance": 0.5},
        {"distance": -0.1, "deal_rate": 0.8},
        {"distance": float("nan")},
        {"distance": float("inf")},
    ],
)
def test_weights_are_shares_of_one(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="weights"):
        Weights(**wrong)


def test_known_values() -> None:
    assert ranking.distance_part(0) == 1
    assert ranking.distance_part(4_000) == 0.25
    assert ranking.deal_rate_part(0, 0) == 0.6
    assert ranking.deal_rate_part(5, 5) == 0.8
    assert [ranking.rating_part(c) for c in (100, 300, 500)] == [0, 0.5, 1]
    assert [ranking.price_part(p, 100) for p in (0, 100, 300)] == [1, 0.5, 0.25]
    assert [ranking.price_part(p, None) for p in (0, 100)] == [1, 0.5]
    assert ranking.price_part(0, 0) == 1
    assert ranking.day_price_fen(100, 700) == 700
    assert ranking.day_price_fen(100, None) == 800
    assert ranking.day_price_fen(None, None, 1_400) == 200
    assert ranking.day_price_fen(100, None, 1_400) == 800
    assert ranking.score(Parts(distance=1, deal_rate=1, rating=1, price=1)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("median", "reference"),
    [(0, 0), (0.4, 0), (0.5, 1), (7, 7), (99, 99), (104, 100), (105, 110), (1_249.5, 1_200), (1_250, 1_300), (99_999, 100_000)],
)  # fmt: skip
def test_a_reference_has_two_significant_digits(median: float, reference: int) -> None:
    assert ranking.reference_fen(median) == reference


def test_what_a_price_is_said_to_be() -> None:
    one = Merits(
        orders_created=0, orders_completed=0, rating_centistars=400, day_fen=880,
        reference_fen=1000, published_ms=0,
    )  # fmt: skip
    assert one.price_percent == -12
    assert replace(one, day_fen=1500).price_percent == 50
    assert replace(one, reference_fen=None).price_percent is None
    assert replace(one, reference_fen=0).price_percent is None


def test_how_long_a_listing_is_new() -> None:
    one = Merits(
        orders_created=2, orders_completed=0, rating_centistars=400, day_fen=1, reference_fen=None,
        published_ms=100 * DAY_MS,
    )  # fmt: skip
    assert one.is_new(114 * DAY_MS - 1)
    assert not one.is_new(114 * DAY_MS)
    assert not replace(one, orders_created=3).is_new(100 * DAY_MS)


@given(merits())
def test_a_deal_rate_is_drawn_around_its_part(one: Merits) -> None:
    wins, losses = ranking.deal_rate_odds(one)
    assert wins / (wins + losses) == pytest.approx(
        ranking.deal_rate_part(one.orders_created, one.orders_completed)
    )
