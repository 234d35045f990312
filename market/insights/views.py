"""Reading it: operators only."""

from __future__ import annotations

from collections.abc import Sequence

from infra.action import view
from market.insights import rules, store
from market.insights.commands import FactsPerHour
from market.insights.rules import FactsPerHourView
from market.insights.wing import Insights
from market.kernel.actor import Call, require_operator
from market.kernel.topics import Snapshot, Want


@view("insights.facts_per_hour")
async def facts_per_hour(insights: Insights, call: Call, query: FactsPerHour) -> FactsPerHourView:
    """Operators: how many facts of each kind occurred in each UTC hour."""
    require_operator(call.actor)
    within = rules.span(query.from_ms, query.to_ms)
    async with insights.db.glance() as cursor:
        return FactsPerHourView(hours=tuple(await store.read(cursor, within)))


async def snapshot(insights: Insights, wants: Sequence[Want], now_ms: int) -> list[Snapshot]:
    """No topics."""
    return []


TOPICS: tuple[str, ...] = ()
