"""The insights' SQL."""

from __future__ import annotations

from infra.mysql.database import Cursor, Tx
from market.insights.rules import HourView
from market.kernel.period import Period

COUNT = (
    "INSERT INTO facts_per_hour (hour_ms, kind, facts) VALUES (%s, %s, 1) "
    "ON DUPLICATE KEY UPDATE facts = facts + 1"
)
READ = (
    "SELECT hour_ms, kind, facts FROM facts_per_hour WHERE hour_ms >= %s AND hour_ms < %s "
    "ORDER BY hour_ms, kind"
)


async def count(tx: Tx, hour_ms: int, kind: str) -> None:
    await tx.execute(COUNT, hour_ms, kind)


async def read(cursor: Cursor, within: Period) -> list[HourView]:
    rows = await cursor.all(READ, within.start_ms, within.end_ms)
    return [HourView(hour_ms=hour_ms, kind=kind, facts=facts) for hour_ms, kind, facts in rows]
