"""Who may rate, what is hidden, and what credit is."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.kernel.errors import AlreadyDone, Conflict, NotFound
from market.kernel.facts import RatingGiven, RatingsRevealed
from market.kernel.ids import Id
from market.ratings import rules
from market.ratings.rules import Rating, Side, Tally, Window

BUYER, OWNER = Id(1), Id(2)
WINDOW = Window(
    order_id=Id(9),
    version=1,
    listing_id=Id(5),
    buyer_id=BUYER,
    owner_id=OWNER,
    closes_ms=1_000,
    revealed=False,
)


def rating(side: Side, punctuality: int = 5, condition: int = 4, communication: int = 3) -> Rating:
    rater, ratee = (BUYER, OWNER) if side == "buyer" else (OWNER, BUYER)
    return Rating(
        id=Id(100 + rater), order_id=Id(9), side=side, rater_id=rater, ratee_id=ratee,
        listing_id=Id(5), punctuality=punctuality, condition=condition, communication=communication,
        comment=f"from the {side}", given_ms=10, revealed=False,
    )  # fmt: skip


def test_parties_have_sides_and_strangers_none() -> None:
    assert rules.side_of(WINDOW, BUYER) == "buyer"
    assert rules.side_of(WINDOW, OWNER) == "owner"
    assert (rules.ratee(WINDOW, "buyer"), rules.ratee(WINDOW, "owner")) == (OWNER, BUYER)
    with pytest.raises(NotFound):
        rules.side_of(WINDOW, Id(3))


def test_once_per_side_and_in_time() -> None:
    rules.may_rate(WINDOW, [], "buyer", 999)
    rules.may_rate(WINDOW, [rating("owner")], "buyer", 999)
    with pytest.raises(AlreadyDone):
        rules.may_rate(WINDOW, [rating("buyer")], "buyer", 999)
    with pytest.raises(Conflict) as late:
        rules.may_rate(WINDOW, [], "buyer", 1_000)
    assert late.value.data == {"closes_ms": 1_000}
    with pytest.raises(Conflict):
        rules.may_rate(replace(WINDOW, revealed=True), [], "buyer", 0)


def test_what_the_other_said_is_hidden_until_revealed() -> None:
    both = [rating("buyer"), rating("owner")]
    hidden = rules.as_seen_by(WINDOW, both, "buyer")
    assert hidden.mine == rules.view(both[0])
    assert (hidden.theirs, hidden.they_have_rated) == (None, True)
    assert "from the owner" not in repr(hidden)
    shown = rules.as_seen_by(replace(WINDOW, revealed=True), both, "owner")
    assert (shown.mine, shown.theirs) == (rules.view(both[1]), rules.view(both[0]))
    nothing = rules.as_seen_by(replace(WINDOW, revealed=True), [], "owner")
    assert (nothing.mine, nothing.theirs, nothing.they_have_rated) == (None, None, False)


def test_the_windows_facts_are_numbered() -> None:
    window, said = rules.given(WINDOW, rating("buyer"))
    assert (said.entity, said.version) == (Id(9), 2)
    assert said.data == RatingGiven(order_id=Id(9), rater_id=BUYER, ratee_id=OWNER)
    revealed, facts = rules.reveal(window, [rating("buyer")])
    assert (revealed.revealed, revealed.version) == (True, 3)
    (news,) = facts
    assert (news.entity, news.version) == (Id(9), 3)
    assert isinstance(news.data, RatingsRevealed)
    assert rules.reveal(WINDOW, []) == (replace(WINDOW, version=2, revealed=True), ())


def test_when_it_is_due() -> None:
    assert not rules.is_due(WINDOW, 999)
    assert rules.is_due(WINDOW, 1_000)
    assert not rules.is_due(replace(WINDOW, revealed=True), 1_000)
    assert not rules.complete([rating("buyer")])
    assert rules.complete([rating("owner"), rating("buyer")])


def test_known_credit() -> None:
    assert rules.bayesian_centistars(0, 0) == 400
    assert rules.bayesian_centistars(1, 15) == 417  # (20 + 5) / 6
    assert rules.bayesian_centistars(1, 3) == 350  # (20 + 1) / 6
    assert rules.bayesian_centistars(5, 75) == 450


rated = st.lists(st.integers(3, 15), max_size=200)


@given(rated)
def test_credit_is_the_bayesian_average_to_the_nearest_hundredth(points: list[int]) -> None:
    exact = (20 + Fraction(sum(points), 3)) / (5 + len(points)) * 100
    credit = rules.bayesian_centistars(len(points), sum(points))
    assert abs(credit - exact) <= Fraction(1, 2)
    assert 100 <= credit <= 500


@given(rated, st.integers(3, 15), st.integers(3, 15))
def test_a_better_rating_never_makes_less_credit(points: list[int], a: int, b: int) -> None:
    worse, better = sorted((a, b))
    with_worse = rules.bayesian_centistars(len(points) + 1, sum(points) + worse)
    assert with_worse <= rules.bayesian_centistars(len(points) + 1, sum(points) + better)


@given(rated, st.integers(3, 15))
def test_one_rating_moves_credit_towards_itself_and_not_beyond(points: list[int], one: int) -> None:
    before = rules.bayesian_centistars(len(points), sum(points))
    after = rules.bayesian_centistars(len(points) + 1, sum(points) + one)
    stars = one * 100 / 3
    assert min(before, stars) - 1 <= after <= max(before, stars) + 1


@given(st.permutations([rating("buyer", p, 3, 3) for p in (1, 2, 3, 4, 5)]))
def test_the_order_of_ratings_does_not_matter(ratings: list[Rating]) -> None:
    tally = Tally(id=OWNER)
    for one in ratings:
        tally = rules.count(tally, one)
    assert tally == Tally(id=OWNER, version=5, ratings=5, points=45)
    assert rules.credit(tally).credit_centistars == 350
    credit, listing = rules.credit_changed(tally), rules.listing_rated(tally)
    assert (credit.entity, credit.version) == (listing.entity, listing.version) == (OWNER, 5)
