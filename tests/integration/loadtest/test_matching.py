"""A small sample of `./dev bench matching`: the product's experiments find what is there, and little that is not."""

from __future__ import annotations

from random import Random

import pytest

from infra.process import Process
from loadtest.benches.matching import PLANTED, most
from loadtest.choices import TASTES, a_market, settled
from loadtest.pipeline import Pipeline, Trial
from market.insights.wing import open_wing as open_insights
from market.listings.rules.ranking import DEFAULT, DISTANCE_ONLY
from market.listings.wing import open_wing as open_listings

PEOPLE = 300


@pytest.fixture
async def pipeline(process: Process, request: pytest.FixtureRequest) -> Pipeline:
    """Each test has people of its own: ids come out of the seed, too."""
    random = Random(request.node.name)
    markets = [a_market(random) for _ in range(60)]
    taste = settled(TASTES[0], markets)
    return Pipeline(
        await open_listings(process), await open_insights(process), markets, taste, random
    )


async def test_a_planted_effect_is_found(pipeline: Pipeline) -> None:
    planted = Trial(control=DISTANCE_ONLY, treatment=DEFAULT, people=2 * PEOPLE, extra=PLANTED)
    seen = [await pipeline.play(planted) for _ in range(3)]
    assert [one.verdict for one in seen] == ["better"] * 3
    assert all(sum(arm.people for arm in one.arms) == 2 * PEOPLE for one in seen)
    assert all(one.comparisons[0].found.interval.low > 0 for one in seen)


@pytest.mark.slow
async def test_no_effect_is_seldom_taken_for_one(pipeline: Pipeline) -> None:
    same, runs = Trial(control=DEFAULT, treatment=DEFAULT, people=PEOPLE), 10
    wrong = await pipeline.count(same, runs, ("better", "worse"), lambda run: None)
    assert wrong <= most(runs, 0.05)


async def test_people_who_get_lost_in_one_arm_are_noticed(pipeline: Pipeline) -> None:
    lossy = Trial(control=DEFAULT, treatment=DEFAULT, people=2 * PEOPLE, lost=0.5)
    assert await pipeline.count(lossy, 2, ("mismatch",), lambda run: None) == 2
