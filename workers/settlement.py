"""Money on its way out: sends refunds, shares and releases and follows them up. Asks about payments and applications that
WeChat is silent on, and closes what nobody paid."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import structlog
from prometheus_client import Counter, Gauge

from market.kernel.errors import MarketError
from market.payments import chores, merchant_store, onboarding, payout_store, payouts, store
from market.payments.wing import Payments

WING = "payments"
EVERY_S = 1.0
BATCH = 50
AT_ONCE = 4
"""Errands under way; while WeChat hangs, the others go on."""

REFUNDS_WAITING = Gauge("sharehub_refunds_waiting", "Refunds that have not reached the buyer.")
PAYOUTS_WAITING = Gauge(
    "sharehub_payouts_waiting", "Commissions and releases that WeChat has not carried out."
)
FAILED = Counter(
    "sharehub_settlement_failures_total", "Errands that failed and will be tried again.", ["errand"]
)

log = structlog.get_logger("settlement")


async def run_once(payments: Payments, now_ms: int) -> int:
    """Do what is due at `now_ms` (UTC): how many errands were done. One that fails delays itself alone."""
    async with payments.db.read() as cursor:
        refunds = await payout_store.refunds_due(cursor, now_ms, BATCH)
        shares = await payout_store.payouts_due(cursor, now_ms, BATCH)
        owners = await merchant_store.due(cursor, now_ms, BATCH)
        unsure = await store.payments_due(cursor, now_ms, BATCH)
    turn = asyncio.Semaphore(AT_ONCE)
    done = await asyncio.gather(
        *(
            _errand("refund", turn, chores.refund(payments, order_id, refund_id, now_ms, extension))
            for (order_id, extension), refund_id in refunds
        ),
        *(
            _errand("payout", turn, payouts.pay_out(payments, order_id, now_ms, extension))
            for order_id, extension in shares
        ),
        *(
            _errand("onboarding", turn, onboarding.ask_about(payments, user_id, now_ms))
            for user_id in owners
        ),
        *(
            _errand("check", turn, chores.check(payments, order_id, now_ms, extension))
            for order_id, extension in unsure
        ),
    )
    async with payments.db.read() as cursor:
        REFUNDS_WAITING.set(await payout_store.refunds_waiting(cursor))
        PAYOUTS_WAITING.set(await payout_store.payouts_waiting(cursor))
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
