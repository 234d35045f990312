"""What operators have set, as one value: by it every search finds its weights without asking the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from market.kernel import regions
from market.kernel.geo import Point
from market.kernel.ids import Id
from market.listings.rules import experiments, flags
from market.listings.rules.experiments import Experiment
from market.listings.rules.flags import OPEN_EVERYWHERE, REGION_LIVE, Flag
from market.listings.rules.ranking import DEFAULT, Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`running`: the experiments that run, whoever they are for."""

    weights: Weights = DEFAULT
    running: tuple[Experiment, ...] = ()
    flags: Mapping[str, Flag] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ranking:
    """By which weights somebody's search is ranked. Without an `experiment` there is nothing to log."""

    weights: Weights
    experiment: Experiment | None = None
    arm: str = ""


def weights_for(settings: Settings, user_id: Id, place: Point, *, personal: bool = True) -> Ranking:
    """`user_id` 0: nobody is logged in. Who is not, and who does not want it to be about them (`personal` False), is ranked
    by the default weights and leaves no trace."""
    default = Ranking(settings.weights)
    if not settings.running or not personal or not user_id:
        return default
    region: str | None = None
    for experiment in settings.running:
        if region is None and (experiment.regions or experiment.unit == "region"):
            region = regions.code_of(place)
        if experiment.regions and region not in experiment.regions:
            continue
        unit = region if experiment.unit == "region" else int(user_id)
        arm = experiments.arm_of(experiment, unit) if unit else None
        if arm is not None:
            logged = experiments.is_sampled(experiment, user_id)
            return Ranking(arm.weights, experiment if logged else None, arm.name)
    return default


def is_live(settings: Settings, user_id: Id, place: Point) -> bool:
    """Whether the marketplace is open there, for this person."""
    flag = settings.flags.get(REGION_LIVE, OPEN_EVERYWHERE)
    return flags.everywhere(flag) or flags.is_on(flag, user_id, regions.code_of(place), place)
