"""Waiting until nothing is under way any more, and comparing with WeChat's bills then."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import pymysql.err

from devkit.stack import Stack
from infra.config import WINGS, Config
from infra.process import now_ms, open_process
from loadtest.soaks.orders_model import Broken
from market.kernel.errors import MarketError
from market.payments import reconciliation
from market.payments.rules import reconciling
from market.payments.wing import Payments, open_wing

STUCK_AFTER_S = 60.0
Row = tuple[Any, ...]

UNDER_WAY = " UNION ALL ".join(
    [
        *(f"SELECT '{w} has to tell', kind, entity, '' FROM {w}.outbox" for w in WINGS),
        *(f"SELECT '{w} has to hear', kind, entity, error FROM {w}.inbox WHERE done = 0" for w in WINGS),
        "SELECT 'refund', status, order_id, error FROM payments.refunds WHERE status <> 'done'",
        "SELECT 'payout', status, order_id, error FROM payments.payouts WHERE status <> 'done'",
        "SELECT 'payment', p.status, p.order_id, '' FROM payments.payments p JOIN payments.payables o USING (order_id, extension) "
        "WHERE p.status IN ('preparing', 'waiting') AND o.state <> 'pending_payment'",
        "SELECT 'order', state, id, '' FROM orders.orders WHERE state = 'expiring' OR extensions LIKE '%expiring%'",
    ]
)  # fmt: skip
"""In one statement, which sees one moment: a fact is always in an outbox, or not done in an inbox, or done."""
HURRY = (
    # A worker that died at an errand leaves a lease of a minute, one that failed often waits for long: that time passes at once.
    "UPDATE payments.refunds SET due_ms = 0 WHERE status <> 'done' AND due_ms > %s",
    "UPDATE payments.payouts SET due_ms = 0 WHERE status <> 'done' AND due_ms > %s",
    "UPDATE payments.payments SET check_ms = 0 WHERE status IN ('preparing', 'waiting') AND check_ms > %s",
)
HURRIES_EVERY_S = 5.0
BILL_ATTEMPTS = 10


async def become_calm(stack: Stack, say: Callable[[str], None]) -> None:
    """Wait until nothing is on its way: no fact, no refund, no payout, no payment that WeChat has and we have not."""
    left: list[Row] = []
    moved_s = hurried_s = time.monotonic()
    while True:
        hurry = time.monotonic() - hurried_s > HURRIES_EVERY_S
        before, left = left, await asyncio.to_thread(_under_way, stack, hurry)
        if not left:
            return
        if hurry:
            hurried_s = time.monotonic()
            say(f"under way: {left[0]}, and {left[-1]}")
        if left != before:
            moved_s = time.monotonic()
        elif time.monotonic() - moved_s > STUCK_AFTER_S:
            raise Broken(f"for {STUCK_AFTER_S:g} s nothing has become of {left}")
        await asyncio.sleep(0.25)


async def reconciled(stack: Stack, from_ms: int) -> int:
    """The product's own comparison with WeChat's bills of the days since `from_ms`: how many days. Raise Broken for a difference."""
    async with open_process(Config.from_environment(stack.environment)) as process:
        payments = await open_wing(process)
        days = sorted({reconciling.day_of(from_ms), reconciling.day_of(now_ms())})
        for day in days:
            differing = await _compared(payments, day)
            if differing:
                raise Broken(f"the bill of {day} has {differing} differences")
    return len(days)


async def _compared(payments: Payments, day: date) -> int:
    for left in reversed(range(BILL_ATTEMPTS)):
        try:
            return await reconciliation.reconcile(payments, day, now_ms())
        except MarketError as failure:
            if not (failure.retryable and left):
                raise Broken(f"there is no bill of {day}: {failure}") from failure
    raise AssertionError


def _under_way(stack: Stack, hurry: bool) -> list[Row]:
    with stack.servers.mariadb.connect() as connection, connection.cursor() as cursor:
        if hurry:
            later_ms = int(time.time() * 1000) + 5000
            for statement in HURRY:
                try:
                    cursor.execute(statement, (later_ms,))
                except pymysql.err.OperationalError:  # locked just now: next time
                    continue
        cursor.execute(f"{UNDER_WAY} LIMIT 5")
        rows = list(cursor.fetchall())
    return rows or [("WeChat knows that it was paid", *row) for row in _unknown_payments(stack)]


def _unknown_payments(stack: Stack) -> list[Row]:
    paid = {
        row[0]
        for row in wechat(stack, "SELECT out_trade_no FROM trades WHERE paid_at_ms IS NOT NULL")
    }
    with stack.servers.mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT out_trade_no FROM payments.payments WHERE status = 'paid'")
        known = {row[0] for row in cursor.fetchall()}
    return [(number,) for number in sorted(paid - known)[:5]]


def wechat(stack: Stack, sql: str) -> list[Row]:
    """The sandbox's own books."""
    file = stack.sandbox_dir / "sandbox.sqlite3"
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)
    try:
        return list(connection.execute(sql))
    finally:
        connection.close()
