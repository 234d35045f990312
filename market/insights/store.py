"""The insights' SQL."""

from __future__ import annotations

from collections.abc import Mapping

from infra.mysql.database import Cursor, Tx
from market.insights.rules.counting import HourView
from market.kernel.period import Period

COUNT = (
    "INSERT INTO facts_per_hour (hour_ms, kind, facts) VALUES {} "
    "ON DUPLICATE KEY UPDATE facts = facts + VALUES(facts)"
)
READ = (
    "SELECT hour_ms, kind, facts FROM facts_per_hour WHERE hour_ms >= %s AND hour_ms < %s "
    "ORDER BY hour_ms, kind"
)


def count(tx: Tx, facts: Mapping[tuple[int, str], int]) -> None:
    """Add to (hour, kind), in their order, so that two who count never wait for each other. Deferred."""
    rows = ", ".join(["(%s, %s, %s)"] * len(facts))
    values = [
        value for (hour, kind), number in sorted(facts.items()) for value in (hour, kind, number)
    ]
    tx.defer(COUNT.format(rows), *values)


async def read(cursor: Cursor, within: Period) -> list[HourView]:
    rows = await cursor.all(READ, within.start_ms, within.end_ms)
    return [HourView(hour_ms=hour_ms, kind=kind, facts=facts) for hour_ms, kind, facts in rows]
