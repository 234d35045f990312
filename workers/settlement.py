"""Sends refunds and follows them up; asks about payments that WeChat is silent on; closes what nobody paid."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import structlog
from prometheus_client import Counter, Gauge

from market.kernel.errors import MarketError
from market.payments import chores, store
from market.payments.wing import Payments

WING = "payments"
EVERY_S = 1.0
BATCH = 50
AT_ONCE = 4
"""Errands under way; while WeChat hangs, the others go on."""

REFUNDS_WAITING = Gauge("sharehub_refunds_waiting", "Refunds that have not reached the buyer.")
FAILED = Counter(
    "sharehub_settlement_failures_total", "Errands that failed and will be tried again.", ["errand"]
)

log = structlog.get_logger("settlement")


async def run_once(payments: Payments, now_ms: int) -> int:
    """Do what is due at `now_ms` (UTC): how many errands were done. One that fails delays itself alone."""
    async with payments.db.read() as cursor:
        refunds = await store.refunds_due(cursor, now_ms, BATCH)
        orders = await store.payments_due(cursor, now_ms, BATCH)
    turn = asyncio.Semaphore(AT_ONCE)
    done = await asyncio.gather(
        *(
            _errand("refund", turn, chores.refund(payments, order_id, refund_id, now_ms))
            for order_id, refund_id in refunds
        ),
        *(_errand("check", turn, chores.check(payments, order_id, now_ms)) for order_id in orders),
    )
    async with payments.db.read() as cursor:
        REFUNDS_WAITING.set(await store.refunds_waiting(cursor))
    return sum(done)


async def _errand(
    name: str, turn: asyncio.Semaphore, work: Coroutine[object, object, bool]
) -> bool:
    async with turn:
        try:
            return await work
        except MarketError as failure:
            FAILED.labels(name).inc()
            log.warning("errand failed", errand=name, code=failure.code, reason=failure.message)
        except Exception:
            FAILED.labels(name).inc()
            log.exception("errand crashed", errand=name)
        return False
