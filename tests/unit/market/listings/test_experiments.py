"""Who sees which arm: always the same, in the shares that were asked for, and independent of every other experiment."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.kernel.errors import BadInput, Conflict, IllegalTransition, VersionConflict
from market.kernel.geo import Point
from market.kernel.ids import Id
from market.kernel.money import BASIS
from market.kernel.period import DAY_MS
from market.kernel.regions import REGIONS
from market.listings.rules import experiments
from market.listings.rules.experiments import Arm, Experiment
from market.listings.rules.ranking import DEFAULT, DISTANCE_ONLY, Weights
from market.listings.rules.settings import Settings, weights_for

PEOPLE = 20_000
SHANGHAI, BEIJING = (
    next(r.center for r in REGIONS if r.code == code) for code in ("shanghai", "beijing")
)


def an_experiment(id_: int = 1, **changes: object) -> Experiment:
    made = Experiment(
        id=Id(id_), version=1, name="a", unit="user", status="draft", arms=experiments.STANDARD_ARMS,
        regions=(), traffic_bp=BASIS, sample_bp=BASIS, window_hours=24, days=7,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def drawn(experiment: Experiment, units: range = range(PEOPLE)) -> list[str]:
    arms = [experiments.arm_of(experiment, unit) for unit in units]
    return [arm.name if arm else "" for arm in arms]


@given(st.text(max_size=40), st.integers(0, 2**63 - 1))
def test_a_bucket_is_one_of_ten_thousand_and_stays_the_same(salt: str, unit: int) -> None:
    assert 0 <= experiments.bucket(salt, unit) < BASIS
    assert experiments.bucket(salt, unit) == experiments.bucket(salt, str(unit))


def test_a_bucket_is_the_documented_hash() -> None:
    digest = hashlib.blake2b(b"ranking:42", digest_size=8).hexdigest()
    assert experiments.bucket("ranking", 42) == int(digest, 16) % 10_000


def within(found: int, expected: float, of: int) -> bool:
    """Five standard deviations of a binomial count."""
    share = expected / of
    return abs(found - expected) <= 5 * math.sqrt(of * share * (1 - share))


@settings(max_examples=20)
@given(st.integers(0, 2**63 - 1))
def test_arms_get_their_shares(id_: int) -> None:
    arms = (
        Arm(name="a0", share_bp=1_000, weights=DISTANCE_ONLY),
        Arm(name="a1", share_bp=9_000, weights=DEFAULT),
    )
    counted = Counter(drawn(an_experiment(id_, arms=arms), range(4_000)))
    assert within(counted["a0"], 400, 4_000)
    assert counted["a0"] + counted["a1"] == 4_000


def test_the_traffic_is_a_part_of_all() -> None:
    counted = Counter(drawn(an_experiment(traffic_bp=2_500)))
    assert within(PEOPLE - counted[""], PEOPLE / 4, PEOPLE)


def test_arms_of_two_experiments_are_independent() -> None:
    pairs = Counter(zip(drawn(an_experiment(7)), drawn(an_experiment(8)), strict=True))
    assert len(pairs) == 4
    assert all(within(found, PEOPLE / 4, PEOPLE) for found in pairs.values())


def test_who_takes_part_says_nothing_of_the_arm() -> None:
    counted = Counter(drawn(an_experiment(9, traffic_bp=3_000)))
    assert within(counted["full"], (counted["full"] + counted["distance_only"]) / 2, PEOPLE)


def test_the_sample_is_a_share_of_the_people_in_each_arm() -> None:
    experiment = an_experiment(3, sample_bp=2_000)
    sampled = [n for n in range(PEOPLE) if experiments.is_sampled(experiment, Id(n))]
    assert within(len(sampled), PEOPLE / 5, PEOPLE)
    names = drawn(experiment)
    arms = Counter(names[n] for n in sampled)
    assert within(arms["full"], len(sampled) / 2, len(sampled))


@pytest.mark.parametrize(
    "changes",
    [
        {"arms": experiments.STANDARD_ARMS[:1]},
        {"arms": (*experiments.STANDARD_ARMS, experiments.STANDARD_ARMS[0])},
        {"arms": (replace(experiments.STANDARD_ARMS[0], share_bp=5_001), experiments.STANDARD_ARMS[1])},
        {"arms": tuple(replace(a, share_bp=s) for a, s in zip(experiments.STANDARD_ARMS, (0, BASIS), strict=True))},
        {"arms": tuple(replace(a, name="Full!") for a in experiments.STANDARD_ARMS)},
        {"traffic_bp": 0},
        {"regions": ("shanghai", "shanghai")},
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        experiments.check(an_experiment(**changes))  # type: ignore[arg-type]


def test_the_life_of_an_experiment() -> None:
    draft = an_experiment()
    with pytest.raises(VersionConflict):
        experiments.start(draft, 2, [], 5)
    running = experiments.start(draft, 1, [], 5)
    assert (running.status, running.version, running.ends_ms) == ("running", 2, 5 + 7 * DAY_MS)
    with pytest.raises(IllegalTransition):
        experiments.start(running, 2, [], 6)
    stopped = experiments.stop(running, 2, 7)
    assert (stopped.status, stopped.stopped_ms) == ("stopped", 7)
    with pytest.raises(IllegalTransition):
        experiments.stop(stopped, 3, 8)


def test_traffic_is_given_once() -> None:
    first = experiments.start(an_experiment(1, traffic_bp=4_000), 1, [], 5)
    second = experiments.start(an_experiment(2, traffic_bp=6_000), 1, [first], 5)
    both = list(zip(drawn(first), drawn(second), strict=True))
    assert all(bool(one) != bool(other) for one, other in both)
    with pytest.raises(Conflict):
        experiments.start(an_experiment(3, traffic_bp=1), 1, [first, second], 5)
    stopped = experiments.stop(first, first.version, 6)
    third = experiments.start(an_experiment(3, traffic_bp=4_000), 1, [stopped, second], 6)
    assert third.first_bucket == 0


def test_regions_have_traffic_of_their_own_and_one_unit_at_a_time() -> None:
    here = experiments.start(an_experiment(1, regions=("shanghai",)), 1, [], 5)
    experiments.start(an_experiment(2, regions=("beijing",), unit="region"), 1, [here], 5)
    with pytest.raises(Conflict):
        experiments.start(
            an_experiment(3, regions=("shanghai", "beijing"), unit="region"), 1, [here], 5
        )


def running(**changes: object) -> Settings:
    return Settings(running=(experiments.start(an_experiment(**changes), 1, [], 5),))  # type: ignore[arg-type]


def test_without_an_experiment_the_weights_are_the_defaults() -> None:
    mine = Weights(distance=0.1, deal_rate=0.2, rating=0.3, price=0.4)
    ranking = weights_for(Settings(weights=mine), Id(5), SHANGHAI)
    assert (ranking.weights, ranking.experiment) == (mine, None)


@given(st.integers(1, 2**63 - 1))
def test_one_who_is_not_to_be_drawn_has_the_defaults_and_no_trace(user: int) -> None:
    known = running()
    assert weights_for(known, Id(user), SHANGHAI).experiment is not None
    for ranking in (
        weights_for(known, Id(0), SHANGHAI),
        weights_for(known, Id(user), SHANGHAI, personal=False),
    ):
        assert (ranking.weights, ranking.experiment, ranking.arm) == (DEFAULT, None, "")


def test_each_arm_has_its_weights() -> None:
    rankings = [weights_for(running(), Id(n), SHANGHAI) for n in range(1, 100)]
    assert {(r.arm, r.weights) for r in rankings} == {
        ("distance_only", DISTANCE_ONLY),
        ("full", DEFAULT),
    }


def test_who_is_not_sampled_has_the_arm_but_no_trace() -> None:
    rankings = [weights_for(running(sample_bp=0), Id(n), SHANGHAI) for n in range(1, 50)]
    assert {r.weights for r in rankings} == {DEFAULT, DISTANCE_ONLY}
    assert {r.experiment for r in rankings} == {None}


def test_a_regional_experiment_stays_in_its_region() -> None:
    known = running(regions=("shanghai",))
    assert weights_for(known, Id(5), SHANGHAI).experiment is not None
    assert weights_for(known, Id(5), BEIJING).experiment is None
    assert weights_for(known, Id(5), Point(0, 0)).experiment is None


def test_drawn_by_region_all_people_of_a_region_are_alike() -> None:
    known = running(unit="region")
    arms = {
        region.code: {weights_for(known, Id(n), region.center).arm for n in range(1, 30)}
        for region in REGIONS
    }
    assert all(len(of_region) == 1 for of_region in arms.values())
    assert len(set.union(*arms.values())) == 2
    assert weights_for(known, Id(5), Point(0, 0)).experiment is None
