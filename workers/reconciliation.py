"""Compares WeChat's bills with our books, from ten o'clock in Beijing on for the day before."""

from __future__ import annotations

import structlog
from prometheus_client import Gauge

from market.kernel.errors import MarketError
from market.payments import bill_store, books, reconciliation
from market.payments.rules import reconciling
from market.payments.wing import Payments

WING = "payments"
EVERY_S = 600.0

DIFFERENCES_OPEN = Gauge(
    "sharehub_bill_differences_open", "Differences to WeChat's bills that nobody has resolved."
)
RECONCILED = Gauge(
    "sharehub_bills_reconciled_seconds", "Unix time of the end of the last day that was compared."
)

log = structlog.get_logger("reconciliation")


async def run_once(payments: Payments, now_ms: int) -> int:
    """The number of days compared. A bill that WeChat does not have yet is asked for again in the next round."""
    async with payments.db.read() as cursor:
        last = await bill_store.last_day(cursor)
    done = 0
    for day in reconciling.days_due(last, now_ms):
        try:
            await reconciliation.reconcile(payments, day, now_ms)
        except MarketError as failure:
            log.warning("no bill", day=str(day), code=failure.code, reason=failure.message)
            if not failure.retryable:
                books.alert("reconciliation", day=str(day), reason=failure.message)
            break
        last, done = day, done + 1
    if last is not None:
        RECONCILED.set(reconciling.end_ms(last) / 1000)
    async with payments.db.read() as cursor:
        DIFFERENCES_OPEN.set(await bill_store.open_differences(cursor))
    return done
