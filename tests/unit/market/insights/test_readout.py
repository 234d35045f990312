"""When an experiment may be read, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from market.insights.rules.readout import Plan, Tally, read_out
from market.kernel.exposure import ArmShare
from market.kernel.ids import Id
from market.kernel.period import DAY_MS, HOUR_MS

STARTED_MS = 1_800_000_000_000
ARMS = (ArmShare(name="old", share_bp=5_000), ArmShare(name="new", share_bp=5_000))
PLAN = Plan(
    experiment_id=Id(7), version=2, status="running", unit="user", arms=ARMS, window_ms=HOUR_MS,
    started_ms=STARTED_MS, ends_ms=STARTED_MS + 7 * DAY_MS, stopped_ms=0,
)  # fmt: skip
LATE_MS = PLAN.readable_ms


def tally(arm: str, ordered: int, people: int = 1_000, **changes: object) -> Tally:
    made = Tally(
        arm=arm, region="shanghai", people=people, ordered=ordered, empty=0, lost=0, disputed=0
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_nothing_is_compared_before_the_planned_end_and_the_last_ones_time_to_order() -> None:
    tallies = [tally("old", 100), tally("new", 400)]
    early = read_out(PLAN, tallies, 0, LATE_MS - 1)
    assert (early.verdict, early.comparisons) == ("collecting", ())
    assert [(arm.people, arm.ordered) for arm in early.arms] == [(1_000, 100), (1_000, 400)]
    late = read_out(PLAN, tallies, 0, LATE_MS)
    assert late.verdict == "better"
    assert late.comparisons[0].significant
    assert late.comparisons[0].found.lift == pytest.approx(3)


@pytest.mark.parametrize(
    ("old", "new", "verdict"), [(100, 150, "better"), (150, 100, "worse"), (100, 104, "no_difference")]
)  # fmt: skip
def test_what_is_said(old: int, new: int, verdict: str) -> None:
    assert read_out(PLAN, [tally("old", old), tally("new", new)], 0, LATE_MS).verdict == verdict


def test_a_draft_is_a_draft() -> None:
    draft = replace(PLAN, status="draft", started_ms=0, ends_ms=0)
    assert read_out(draft, [], 0, LATE_MS).verdict == "draft"


def test_few_people_say_nothing() -> None:
    few = [tally("old", 0, people=99), tally("new", 99, people=100)]
    assert read_out(PLAN, few, 0, LATE_MS).verdict == "too_few"
    assert read_out(PLAN, [], 0, LATE_MS).verdict == "too_few"


def test_where_people_get_lost_nothing_is_compared() -> None:
    lost = [tally("old", 100), tally("new", 400, people=1_200)]
    seen = read_out(PLAN, lost, 0, LATE_MS)
    assert (seen.verdict, seen.comparisons) == ("mismatch", ())
    assert seen.sample_ratio is not None
    assert not seen.sample_ratio.ok


@pytest.mark.parametrize("harm", ["empty", "lost", "disputed"])
def test_harm_is_told_at_once_and_outweighs_success(harm: str) -> None:
    harmful = [tally("old", 100, **{harm: 20}), tally("new", 400, **{harm: 60})]
    for at_ms in (STARTED_MS + 1, LATE_MS):
        seen = read_out(PLAN, harmful, 0, at_ms)
        assert seen.verdict == "harm"
        assert [g.name for g in seen.guardrails if g.harmed] == [harm]
    harmless = [tally("old", 100, **{harm: 60}), tally("new", 400, **{harm: 20})]
    assert read_out(PLAN, harmless, 0, LATE_MS).verdict == "better"


def test_several_arms_share_the_luck_they_may_have() -> None:
    """p = 0.03: significant for one arm, not for one of three."""
    arms = tuple(ArmShare(name=name, share_bp=2_500) for name in ("old", "a", "b", "c"))
    tallies = [tally("old", 100), tally("a", 131), tally("b", 100), tally("c", 100)]
    alone = read_out(PLAN, [tally("old", 100), tally("new", 131)], 0, LATE_MS)
    assert 0.0167 < alone.comparisons[0].found.p_value < 0.05
    assert alone.verdict == "better"
    assert read_out(replace(PLAN, arms=arms), tallies, 0, LATE_MS).verdict == "no_difference"


def by_region(random: Random, lift: float) -> list[Tally]:
    """Ten regions an arm, which differ among themselves far more than people do."""
    tallies = []
    for arm in ("old", "new"):
        for n in range(10):
            share = max(0.02, random.gauss(0.2, 0.05)) * (1 + lift * (arm == "new"))
            ordered = sum(random.random() < share for _ in range(500))
            tallies.append(tally(arm, ordered, people=500, region=f"{arm}{n}"))
    return tallies


def test_regions_that_differ_by_themselves_are_not_taken_for_an_effect() -> None:
    plan, random = replace(PLAN, unit="region"), Random(11)
    wrong = as_people = 0
    for _ in range(200):
        tallies = by_region(random, 0)
        seen = read_out(plan, tallies, 0, LATE_MS)
        assert seen.sample_ratio is None
        wrong += seen.verdict in ("better", "worse")
        people = [
            tally(arm, sum(t.ordered for t in tallies if t.arm == arm), people=5_000)
            for arm in ("old", "new")
        ]
        as_people += read_out(PLAN, people, 0, LATE_MS).verdict in ("better", "worse")
    assert wrong <= 20
    assert as_people > 60, "which is why regions are compared as regions"


def test_a_great_effect_on_regions_is_found() -> None:
    plan, random = replace(PLAN, unit="region"), Random(12)
    found = [read_out(plan, by_region(random, 0.8), 0, LATE_MS).verdict for _ in range(20)]
    assert found.count("better") >= 19
