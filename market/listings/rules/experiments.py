"""Experiments on the ranking: who sees which weights. Nothing is drawn: an arm follows from a hash of salt and unit.

An experiment takes part of the *traffic*: a range of the ten-thousand buckets into which `hash("ranking:" + unit)` falls. Those
that run at once in one region have the same unit and ranges that do not overlap, so that nobody is in two. Within an experiment
the arm follows from `hash(experiment id + ":" + unit)`, whose salt no other experiment has, so that arms of different
experiments, one after the other or side by side, are independent. (Tang et al., Overlapping Experiment Infrastructure, KDD 2010.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Literal

from market.kernel.errors import BadInput, Conflict, IllegalTransition, VersionConflict
from market.kernel.exposure import ArmShare
from market.kernel.facts import ExperimentChanged, Fact
from market.kernel.ids import Id
from market.kernel.money import BASIS
from market.kernel.period import DAY_MS, HOUR_MS
from market.listings.rules.ranking import DEFAULT, DISTANCE_ONLY, Weights

Unit = Literal["user", "region"]
Status = Literal["draft", "running", "stopped"]

TRAFFIC = "ranking"
MAX_OPEN = 500
"""Drafts and running ones together."""

_NAME = re.compile(r"^[a-z][a-z0-9_]{0,31}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    name: str
    share_bp: int
    weights: Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What is planned. `arms[0]` is the control. `regions` empty: all. `sample_bp` of the units have their exposures logged."""

    name: str
    unit: Unit
    arms: tuple[Arm, ...]
    regions: tuple[str, ...]
    traffic_bp: int
    sample_bp: int
    window_hours: int
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment(Design):
    """`first_bucket` is chosen when it starts."""

    id: Id
    version: int
    status: Status
    first_bucket: int = 0
    started_ms: int = 0
    stopped_ms: int = 0

    @property
    def ends_ms(self) -> int:
        """The planned end: decided before it began, so that nobody stops at the first lucky day."""
        return self.started_ms + self.days * DAY_MS if self.started_ms else 0


STANDARD_ARMS = (
    Arm(name="distance_only", share_bp=BASIS // 2, weights=DISTANCE_ONLY),
    Arm(name="full", share_bp=BASIS // 2, weights=DEFAULT),
)
"""The first arm is the control: the nearest first, and nothing else counts."""


def bucket(salt: str, unit: object) -> int:
    """Within [0, 10,000): the same for ever, on every machine."""
    digest = blake2b(f"{salt}:{unit}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % BASIS


def check(experiment: Experiment) -> Experiment:
    """Raise BadInput unless it could be run."""
    names = [arm.name for arm in experiment.arms]
    if len(set(names)) != len(names) or not all(map(_NAME.match, names)):
        raise BadInput("arms have names of their own, of a-z, 0-9 and _")
    if not 2 <= len(names) <= 4:
        raise BadInput("an experiment has two to four arms")
    if sum(arm.share_bp for arm in experiment.arms) != BASIS:
        raise BadInput("the arms' shares add up to 10000 basis points")
    if any(arm.share_bp <= 0 for arm in experiment.arms):
        raise BadInput("every arm has a share")
    if not 0 < experiment.traffic_bp <= BASIS:
        raise BadInput("an experiment takes some of the traffic, and not more than all")
    if len(set(experiment.regions)) != len(experiment.regions):
        raise BadInput("a region is named once")
    return experiment


def start(
    experiment: Experiment, version: int, others: Iterable[Experiment], now_ms: int
) -> Experiment:
    """Raise Conflict when those that run leave no room for it."""
    _expect(experiment, version, "draft")
    beside = [o for o in others if o.status == "running" and _share_a_region(o, experiment)]
    if any(o.unit != experiment.unit for o in beside):
        raise Conflict("another unit is being drawn in one of these regions")
    return replace(
        experiment, version=version + 1, status="running", started_ms=now_ms,
        first_bucket=_room(beside, experiment.traffic_bp),
    )  # fmt: skip


def stop(experiment: Experiment, version: int, now_ms: int) -> Experiment:
    """For good. A draft is thrown away by it."""
    _expect(experiment, version, "draft", "running")
    return replace(experiment, version=version + 1, status="stopped", stopped_ms=now_ms)


def _expect(experiment: Experiment, version: int, *statuses: Status) -> None:
    if version != experiment.version:
        raise VersionConflict(version=experiment.version)
    if experiment.status not in statuses:
        raise IllegalTransition(status=experiment.status)


def _share_a_region(one: Experiment, other: Experiment) -> bool:
    return not one.regions or not other.regions or bool({*one.regions} & {*other.regions})


def _room(running: Sequence[Experiment], wanted: int) -> int:
    """The first bucket of the first range that is free."""
    free = 0
    for other in sorted(running, key=lambda o: o.first_bucket):
        if other.first_bucket - free >= wanted:
            return free
        free = max(free, other.first_bucket + other.traffic_bp)
    if BASIS - free < wanted:
        raise Conflict("the experiments that run leave less traffic", free_bp=BASIS - free)
    return free


def arm_of(experiment: Experiment, unit: object) -> Arm | None:
    """None for who does not take part."""
    if experiment.traffic_bp < BASIS:
        place = bucket(TRAFFIC, unit) - experiment.first_bucket
        if not 0 <= place < experiment.traffic_bp:
            return None
    drawn = bucket(str(int(experiment.id)), unit)
    for arm in experiment.arms:
        drawn -= arm.share_bp
        if drawn < 0:
            return arm
    raise AssertionError("shares add up to the whole")


def is_sampled(experiment: Experiment, user_id: Id) -> bool:
    """By person, so that somebody's exposures are logged all or not at all."""
    share_bp = experiment.sample_bp
    return share_bp >= BASIS or bucket(f"{int(experiment.id)}.sample", int(user_id)) < share_bp


def changed(experiment: Experiment) -> Fact:
    data = ExperimentChanged(
        experiment_id=experiment.id, version=experiment.version, status=experiment.status,
        unit=experiment.unit, window_ms=experiment.window_hours * HOUR_MS,
        arms=tuple(ArmShare(name=arm.name, share_bp=arm.share_bp) for arm in experiment.arms),
        started_ms=experiment.started_ms, ends_ms=experiment.ends_ms, stopped_ms=experiment.stopped_ms,
    )  # fmt: skip
    return Fact(
        kind=ExperimentChanged.KIND, entity=experiment.id, version=experiment.version, data=data
    )
