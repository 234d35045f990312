"""What may be said of a thing, what is found in a wording, and what such a thing costs hereabouts."""

from __future__ import annotations

from statistics import quantiles
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import wire
from market.kernel.errors import BadAttribute, Incomplete
from market.listings.commands import Attributes, Category
from market.listings.rules import attributes, pricing, review
from market.listings.rules.attributes import Attribute
from market.listings.rules.pricing import ENOUGH, FEWEST, RADII_M, Comparable
from market.listings.rules.review import Check, Reason, Verdict

EVERY = [(category, a) for category, some in attributes.OF_CATEGORY.items() for a in some]
verdicts = st.sampled_from(get_args(Verdict))
checks = st.lists(st.builds(Check, part=st.text(max_size=5), verdict=verdicts), min_size=1)
reasons = st.lists(st.sampled_from(get_args(Reason)), max_size=2)


def allowed(attribute: Attribute) -> list[Any]:
    match attribute.type:
        case "text":
            return ["x", "長" * attribute.longest]
        case "number":
            return [attribute.low, attribute.high]
        case "choice":
            return [choice.value for choice in attribute.choices]
        case "flag":
            return [True, False]


def test_every_category_has_its_attributes() -> None:
    assert tuple(attributes.OF_CATEGORY) == get_args(Category)
    for some in attributes.OF_CATEGORY.values():
        assert len({a.name for a in some}) == len({a.label for a in some}) == len(some)


@pytest.mark.parametrize(("category", "attribute"), EVERY)
def test_each_takes_what_it_says_and_the_decoder_lets_it_through(
    category: str, attribute: Attribute
) -> None:
    for value in allowed(attribute):
        given_ = {attribute.name: value}
        attributes.check(category, wire.command(given_, Attributes))
    wrong: list[Any] = ["", " ", -1, "no such"] if attribute.type != "text" else ["", " ", 1, True]
    wrong += [attribute.high + 1, True] if attribute.type == "number" else []
    wrong += [1] if attribute.type in ("flag", "choice") else []
    wrong += ["x" * (attribute.longest + 1)] if attribute.type == "text" else []
    for value in wrong:
        with pytest.raises(BadAttribute) as refused:
            attributes.check(category, {attribute.name: value})
        assert refused.value.data["name"] == attribute.name


def test_what_is_required_is_missed_and_what_is_unknown_is_named() -> None:
    with pytest.raises(Incomplete) as missed:
        attributes.check_complete("skills", {"experience_years": 3})
    assert missed.value.data["missing"] == ["mode"]
    attributes.check_complete("skills", {"mode": "online"})
    with pytest.raises(BadAttribute) as refused:
        attributes.check("books", {"power_w": 5})
    assert refused.value.data["name"] == "power_w"


def test_a_thing_of_another_category_keeps_what_that_has_too() -> None:
    said: dict[str, str | int | bool] = {"brand": "博世", "power_w": 500, "condition": "good"}
    assert attributes.kept("cameras", said) == {"brand": "博世", "condition": "good"}


@given(checks, reasons)
def test_one_risky_part_is_enough_and_all_must_pass(found: list[Check], why: list[Reason]) -> None:
    said = {check.verdict for check in found}
    outcome = review.outcome(found, why)
    assert (outcome == "risky") == ("risky" in said)
    assert (outcome == "pass") == (said == {"pass"} and not why)
    if outcome == "waiting":
        assert "" in said


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("博世电钻 GSB 120", "博世电钻gsb120", True),
        ("博世电钻 GSB 120", "博世电钻 GSB 180", False),
        ("山地自行车，九成新", "山地自行车,九成新", True),
        ("电钻", "电锤", False),
        ("书", "书", True),
        ("书", "包", False),
    ],
)
def test_titles_that_say_the_same(one: str, other: str, same: bool) -> None:
    likeness = review.likeness(one, other)
    assert likeness == review.likeness(other, one)
    assert (likeness >= review.SAME_TITLE) == same


# --- prices -----------------------------------------------------------------------------------------------------------------


def comparable(metres: float, day_fen: int | None) -> Comparable:
    return Comparable(
        distance_m=metres, price_hour_fen=None, price_day_fen=day_fen, price_week_fen=None
    )


@given(st.lists(st.integers(0, 10**8), min_size=FEWEST, max_size=60))
def test_a_suggestion_is_the_quartiles(prices: list[int]) -> None:
    found = pricing.suggest([comparable(10, price) for price in prices]).per_day
    assert found is not None
    got = (found.low_fen, found.middle_fen, found.high_fen)
    for ours, theirs in zip(got, quantiles(prices, n=4, method="inclusive"), strict=True):
        assert abs(ours - theirs) <= 0.5
    assert found.n == len(prices)


def test_the_radius_widens_until_there_are_enough() -> None:
    near = [comparable(500, 100)] * (ENOUGH - 1)
    far = [comparable(2_500, 900)]
    assert pricing.suggest(near + far).radius_m == RADII_M[1]
    assert pricing.suggest(near + far).n == ENOUGH
    assert pricing.suggest(near * 2 + far).radius_m == RADII_M[0]
    assert pricing.suggest(near).radius_m == RADII_M[-1]


def test_too_few_say_nothing() -> None:
    few = pricing.suggest([comparable(1, 5)] * (FEWEST - 1) + [comparable(1, None)] * 20)
    assert (few.n, few.per_day, few.per_hour, few.per_week) == (FEWEST + 19, None, None, None)
    assert pricing.suggest([]) == pricing.suggest([comparable(50_000, 1)])
