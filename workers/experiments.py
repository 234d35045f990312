"""Computes what experiments have shown, and forgets what no experiment needs any more."""

from __future__ import annotations

from market.insights import experiment_store
from market.insights.rules import readout
from market.insights.wing import Insights
from market.kernel.period import DAY_MS

WING = "insights"
EVERY_S = 5.0
FRESH_MS = 30_000
"""How old a read-out may be."""

BATCH = 20
KEPT_MS = 30 * DAY_MS
"""Pages that were seen."""

ORDERS_KEPT_MS = 150 * DAY_MS
"""90 days of an experiment, 30 until the last order, 30 until what became of it."""

FORGOTTEN_AT_ONCE = 1_000


async def run_once(insights: Insights, now_ms: int) -> int:
    """The number of read-outs computed, and of rows forgotten."""
    async with insights.db.read() as cursor:
        due = await experiment_store.due(cursor, now_ms - FRESH_MS, BATCH)
        for experiment_id in due:
            found = await experiment_store.read(cursor, experiment_id)
            if found is not None:
                plan, _ = found
                tallies, mixed = await experiment_store.tally(cursor, plan)
                await experiment_store.put_readout(
                    cursor, readout.read_out(plan, tallies, mixed, now_ms)
                )
        forgotten = await experiment_store.forget_old(
            cursor, now_ms - KEPT_MS, now_ms - ORDERS_KEPT_MS, FORGOTTEN_AT_ONCE
        )
    return len(due) + forgotten
