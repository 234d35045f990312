"""Fires what the orders' transition table says happens by itself."""

from __future__ import annotations

import structlog

from market.kernel.errors import Unavailable
from market.orders import actions, store
from market.orders.wing import Orders

WING = "orders"
EVERY_S = 0.5
BATCH = 100
RETRY_MS = 30_000

log = structlog.get_logger("order_timers")


async def run_once(orders: Orders, now_ms: int) -> int:
    """Each order in its own transaction; one that fails is tried again later and blocks nobody."""
    async with orders.db.read() as cursor:
        due = await store.due_orders(cursor, now_ms, BATCH)
    fired = 0
    for order_id in due:
        try:
            fired += await actions.fire_timer(orders, order_id, now_ms)
        except Unavailable:
            raise
        except Exception:
            log.exception("timer failed", order_id=str(int(order_id)))
            async with orders.db.read() as cursor:
                await store.postpone_timer(cursor, order_id, now_ms, RETRY_MS)
    return fired
