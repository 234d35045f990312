"""Orders told of once more, as they are now, for wings that have learnt to listen since: those that go on, and those whose time is
still taken. Whoever has heard of one already finds nothing newer in it.
"""

from __future__ import annotations

from dataclasses import replace

from infra.mysql.database import Database, Tx
from market.kernel.facts import RETOLD, Fact
from market.orders import retelling_store, store
from market.orders.rules.order import Order, happened

BATCH = 1_000


async def retell(db: Database, now_ms: int, limit: int = BATCH) -> int | None:
    """Go on where the last call has stopped, and look at `limit` orders: how many of them were told of; None at the end, after which
    the next call begins anew. Locks the place where it stands, then the orders, so that nothing newer is told before."""

    async def body(tx: Tx) -> int | None:
        after = await retelling_store.lock_retelling(tx)
        seen, telling = await retelling_store.next_orders(tx, after, limit)
        retelling_store.stand_at(tx, seen)
        for order in await store.lock_orders(tx, telling):
            tx.emit(_retold(order))
        return len(telling) if seen else None

    return await db.act(now_ms, body, int)


def _retold(order: Order) -> Fact:
    """Nothing has happened, and nobody watches for it."""
    return replace(happened(order, "", "time", None), kind=RETOLD, pushes=())
