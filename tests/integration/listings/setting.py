"""How the tests set things as an operator does."""

from __future__ import annotations

from typing import Any

from infra import wire
from infra.process import now_ms
from market.kernel.actor import Actor
from market.kernel.regions import REGIONS
from market.listings import experiments, flags, views
from market.listings.commands import Search
from market.listings.experiments import ExperimentView
from market.listings.rules.ranking import DEFAULT
from market.listings.rules.shown import SearchView
from market.listings.setting_commands import (
    ListExperiments,
    ListFlags,
)
from market.listings.wing import Listings
from tests.integration.conftest import call, new_id, someone

Asked = dict[str, Any]
WHY = "trying it out"
HALF = {"distance": 1, "deal_rate": 0, "rating": 0, "price": 0}


def region(code: str) -> Asked:
    center = next(r.center for r in REGIONS if r.code == code)
    return {"lat": center.lat, "lng": center.lng}


OPERATOR = someone("operator")


async def do(operation: Any, listings: Listings, actor: Actor = OPERATOR, **body: Any) -> Any:
    return await operation.perform(listings, actor, now_ms(), str(new_id()), body)


async def create(listings: Listings, **body: Any) -> ExperimentView:
    made: ExperimentView = await do(
        experiments.create, listings, **({"name": "第一个", "reason": WHY} | body)
    )
    return made


async def started(listings: Listings, **body: Any) -> ExperimentView:
    draft = await create(listings, **body)
    running: ExperimentView = await do(
        experiments.start, listings, experiment_id=str(int(draft.experiment_id)), version=draft.version, reason=WHY
    )  # fmt: skip
    return running


async def end(listings: Listings, experiment: ExperimentView) -> ExperimentView:
    ended: ExperimentView = await do(
        experiments.stop, listings, experiment_id=str(int(experiment.experiment_id)),
        version=experiment.version, reason=WHY,
    )  # fmt: skip
    return ended


async def search(listings: Listings, actor: Actor, **rest: Any) -> SearchView:
    return await views.search(listings, call(actor), Search(**rest))


async def take_back(listings: Listings) -> None:
    seen = await experiments.listed(listings, call(OPERATOR), ListExperiments())
    for experiment in seen.experiments:
        if experiment.status != "stopped":
            await end(listings, experiment)
    if seen.weights != DEFAULT:
        await do(
            experiments.set_weights, listings, version=seen.weights_version, reason=WHY,
            weights=wire.plain(DEFAULT),
        )  # fmt: skip
    for flag in (await flags.listed(listings, call(OPERATOR), ListFlags())).flags:
        await do(
            flags.set_flag, listings, name=flag.name, version=flag.version, on=True, reason=WHY
        )
