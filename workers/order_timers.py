"""Fires what the orders' transition table says happens by itself."""

from __future__ import annotations

import asyncio

import structlog
from prometheus_client import Counter

from market.kernel.errors import Unavailable
from market.orders import actions, store
from market.orders.wing import Orders

WING = "orders"
EVERY_S = 0.5
BATCH = 100
RETRY_MS = 30_000

log = structlog.get_logger("order_timers")

TIMERS = Counter(
    "sharehub_order_timers_total",
    "What was to happen by itself to orders: fired, late (the order had moved on), or failed, to be tried again.",
    ["outcome"],
)


async def run_once(orders: Orders, now_ms: int) -> int:
    """One that fails is tried again later and blocks nobody."""
    async with orders.db.read() as cursor:
        due = await store.due_orders(cursor, now_ms, BATCH)
    outcomes = await asyncio.gather(
        *(actions.fire_timer(orders, order_id, now_ms) for order_id in due),
        return_exceptions=True,
    )
    for order_id, outcome in zip(due, outcomes, strict=True):
        if isinstance(outcome, Unavailable) or (
            isinstance(outcome, BaseException) and not isinstance(outcome, Exception)
        ):
            raise outcome
        if isinstance(outcome, bool):
            TIMERS.labels("fired" if outcome else "late").inc()
        if isinstance(outcome, Exception):
            TIMERS.labels("failed").inc()
            log.error("timer failed", order_id=str(int(order_id)), exc_info=outcome)
            async with orders.db.read() as cursor:
                await store.postpone_timer(cursor, order_id, now_ms, RETRY_MS)
    return sum(outcome is True for outcome in outcomes)
