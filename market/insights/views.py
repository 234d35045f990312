"""Reading it: operators only."""

from __future__ import annotations

from collections.abc import Sequence

from infra.action import view
from market.insights import experiment_store, store
from market.insights.commands import FactsPerHour, GetResults
from market.insights.rules import counting, readout
from market.insights.rules.counting import FactsPerHourView
from market.insights.rules.readout import Readout
from market.insights.wing import Insights
from market.kernel.actor import Call, require_operator
from market.kernel.errors import NotFound
from market.kernel.topics import Snapshot, Want


@view("insights.facts_per_hour")
async def facts_per_hour(insights: Insights, call: Call, query: FactsPerHour) -> FactsPerHourView:
    """Operators: how many facts of each kind occurred in each UTC hour."""
    require_operator(call.actor)
    within = counting.span(query.from_ms, query.to_ms)
    async with insights.db.glance() as cursor:
        return FactsPerHourView(hours=tuple(await store.read(cursor, within)))


@view("insights.experiment_results")
async def results(insights: Insights, call: Call, query: GetResults) -> Readout:
    """Operators: what an experiment has shown, as computed within the last half minute."""
    require_operator(call.actor)
    async with insights.db.read() as cursor:
        found = await experiment_store.read(cursor, query.experiment_id)
    if found is None:
        raise NotFound("no such experiment")
    plan, computed = found
    if computed is None:
        return readout.read_out(plan, (), mixed=0, now_ms=0)
    return computed


async def snapshot(insights: Insights, wants: Sequence[Want], now_ms: int) -> list[Snapshot]:
    """No topics."""
    return []


TOPICS: tuple[str, ...] = ()
