"""Experiments on the ranking, run by operators: made, started, stopped, listed. What comes of them: `market.insights`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields

from infra.action import action, view
from infra.mysql.database import Tx
from market.kernel import regions
from market.kernel.actor import Call, require_operator
from market.kernel.errors import BadInput, Conflict, NotFound, VersionConflict
from market.kernel.ids import Id
from market.listings import setting_store
from market.listings.rules import experiments as rules
from market.listings.rules.experiments import Arm, Design, Experiment, Status
from market.listings.rules.ranking import Weights
from market.listings.setting_commands import (
    CreateExperiment,
    GivenWeights,
    ListChanges,
    ListExperiments,
    SetWeights,
    StartExperiment,
    StopExperiment,
)
from market.listings.setting_store import ChangeView
from market.listings.wing import Listings

MAX_LISTED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentView(Design):
    """`ends_ms`: when what was planned is over, 0 for a draft."""

    experiment_id: Id
    version: int
    status: Status
    started_ms: int
    ends_ms: int
    stopped_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentsView:
    """The default `weights`, and the newest 200 experiments, newest first."""

    weights: Weights
    weights_version: int
    experiments: tuple[ExperimentView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsView:
    version: int
    weights: Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesView:
    """Newest first."""

    changes: tuple[ChangeView, ...]


@action("listings.create_experiment")
async def create(listings: Listings, call: Call, command: CreateExperiment) -> ExperimentView:
    """Operators: plan an experiment. It does nothing until it is started, and is not changed any more. Locks the weights."""
    require_operator(call.actor)
    check_regions(command.regions)

    async def body(tx: Tx) -> ExperimentView:
        await setting_store.lock_weights(tx)
        await tx.claim(call, command)
        known = await setting_store.lock_experiments(tx)
        if sum(e.status != "stopped" for e in known.values()) >= rules.MAX_OPEN:
            raise Conflict("stop some experiments first", limit=rules.MAX_OPEN)
        experiment = rules.check(
            Experiment(
                id=tx.new_id(), version=1, name=command.name, unit=command.unit, status="draft",
                arms=_arms(command), regions=command.regions, traffic_bp=command.traffic_bp,
                sample_bp=command.sample_bp, window_hours=command.window_hours, days=command.days,
            )
        )  # fmt: skip
        return _save(tx, call, None, experiment, command.reason)

    return await listings.db.act(call.now_ms, body, ExperimentView)


@action("listings.start_experiment")
async def start(listings: Listings, call: Call, command: StartExperiment) -> ExperimentView:
    """Operators: from now on its arms are drawn, on all nodes within seconds. Locks the weights."""
    return await _move(
        listings, call, command,
        lambda before, others: rules.start(before, command.version, others, call.now_ms),
    )  # fmt: skip


@action("listings.stop_experiment")
async def stop(listings: Listings, call: Call, command: StopExperiment) -> ExperimentView:
    """Operators: everybody has the default weights again. A draft is thrown away. Locks the weights."""
    return await _move(
        listings, call, command,
        lambda before, others: rules.stop(before, command.version, call.now_ms),
    )  # fmt: skip


@action("listings.set_weights")
async def set_weights(listings: Listings, call: Call, command: SetWeights) -> WeightsView:
    """Operators: how search ranks for all who are in no experiment. Locks the weights."""
    require_operator(call.actor)
    weights = _weights(command.weights)

    async def body(tx: Tx) -> WeightsView:
        before = await setting_store.lock_weights(tx)
        await tx.claim(call, command)
        if command.version != before.version:
            raise VersionConflict(version=before.version)
        after = WeightsView(version=before.version + 1, weights=weights)
        setting_store.put(
            tx, call, setting_store.WEIGHTS, after.version, before.weights, weights, command.reason
        )
        return after

    set_ = await listings.db.act(call.now_ms, body, WeightsView)
    await listings.live.follow()
    return set_


@view("listings.experiments")
async def listed(listings: Listings, call: Call, query: ListExperiments) -> ExperimentsView:
    """Operators: the default weights and the experiments."""
    require_operator(call.actor)
    async with listings.db.read() as cursor:
        weights, experiments, _ = await setting_store.read_all(cursor)
    newest = experiments[::-1][:MAX_LISTED]
    return ExperimentsView(
        weights=weights.weights, weights_version=weights.version,
        experiments=tuple(_view(experiment) for experiment in newest),
    )  # fmt: skip


@view("listings.setting_changes")
async def changes(listings: Listings, call: Call, query: ListChanges) -> ChangesView:
    """Operators: who has changed a setting, from what to what, when and why."""
    require_operator(call.actor)
    async with listings.db.read() as cursor:
        found = await setting_store.changes(cursor, query.name, query.before, query.limit)
    return ChangesView(changes=tuple(found))


def check_regions(codes: tuple[str, ...]) -> None:
    """Raise BadInput for a code that no place has."""
    unknown = sorted({*codes} - {region.code for region in regions.REGIONS})
    if unknown:
        raise BadInput("no such region", regions=unknown)


async def _move(
    listings: Listings, call: Call, command: StartExperiment | StopExperiment,
    decide: Callable[[Experiment, list[Experiment]], Experiment],
) -> ExperimentView:  # fmt: skip
    require_operator(call.actor)

    async def body(tx: Tx) -> ExperimentView:
        await setting_store.lock_weights(tx)
        await tx.claim(call, command)
        known = await setting_store.lock_experiments(tx)
        before = known.pop(command.experiment_id, None)
        if before is None:
            raise NotFound("no such experiment")
        return _save(tx, call, before, decide(before, list(known.values())), command.reason)

    moved = await listings.db.act(call.now_ms, body, ExperimentView)
    await listings.live.follow()
    return moved


def _save(
    tx: Tx, call: Call, before: Experiment | None, after: Experiment, reason: str
) -> ExperimentView:
    name = setting_store.experiment_name(after.id)
    setting_store.put(tx, call, name, after.version, before, after, reason)
    tx.emit(rules.changed(after))
    return _view(after)


def _arms(command: CreateExperiment) -> tuple[Arm, ...]:
    if command.arms is None:
        return rules.STANDARD_ARMS
    return tuple(
        Arm(name=arm.name, share_bp=arm.share_bp, weights=_weights(arm.weights))
        for arm in command.arms
    )


def _weights(given: GivenWeights) -> Weights:
    try:
        return Weights(**asdict(given))
    except ValueError as wrong:
        raise BadInput(str(wrong)) from None


def _view(experiment: Experiment) -> ExperimentView:
    planned = {field.name: getattr(experiment, field.name) for field in fields(Design)}
    return ExperimentView(
        experiment_id=experiment.id, version=experiment.version, status=experiment.status,
        started_ms=experiment.started_ms, ends_ms=experiment.ends_ms, stopped_ms=experiment.stopped_ms, **planned,
    )  # fmt: skip
