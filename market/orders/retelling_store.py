"""The SQL of telling of orders once more: which come next, and how far that has come."""

from __future__ import annotations

from infra.mysql.database import Tx
from market.kernel.ids import Id

LOCK_RETELLING = "SELECT after_id FROM retelling WHERE id = 1 FOR UPDATE"
STAND_AT = "UPDATE retelling SET after_id = %s WHERE id = 1"
NEXT_ORDERS = (
    "SELECT id, due_ms IS NOT NULL OR (blocking = 1 AND until_ms > %s) FROM orders "
    "WHERE id > %s ORDER BY id LIMIT %s"
)
"""Something is due in every state that is not an end."""


async def lock_retelling(tx: Tx) -> Id:
    row = await tx.one(LOCK_RETELLING)
    assert row is not None
    return Id(row[0])


async def next_orders(tx: Tx, after: Id, limit: int) -> tuple[Id, list[Id]]:
    """(the last of the next `limit` orders, or 0; those of them that go on, or whose time is still taken)."""
    rows = await tx.all(NEXT_ORDERS, tx.now_ms, after, limit)
    return Id(rows[-1][0] if rows else 0), [Id(row[0]) for row in rows if row[1]]


def stand_at(tx: Tx, after: Id) -> None:
    """Deferred."""
    tx.defer(STAND_AT, after)
