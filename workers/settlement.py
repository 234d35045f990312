"""Money on its way out: sends refunds, shares and releases and follows them up. Asks about payments and applications that
WeChat is silent on, and closes what nobody paid.

Each is an errand of its own. Some are under way at a time, and whoever is done makes room for the next: one that WeChat leaves
hanging holds up no other.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from prometheus_client import Counter, Gauge

from infra.mysql.database import Cursor
from market.kernel.errors import MarketError
from market.payments import chores, merchant_store, onboarding, payout_store, payouts, store
from market.payments.wing import Payments

WING = "payments"
EVERY_S = 1.0
BATCH = 100
"""Of each kind, the longest due. They begin in no order, so that two processes seldom take the same."""
AT_ONCE = 16

REFUNDS_WAITING = Gauge("sharehub_refunds_waiting", "Refunds that have not reached the buyer.")
PAYOUTS_WAITING = Gauge(
    "sharehub_payouts_waiting", "Commissions and releases that WeChat has not carried out."
)
FAILED = Counter(
    "sharehub_settlement_failures_total", "Errands that failed and will be tried again.", ["errand"]
)

log = structlog.get_logger("settlement")

Key = tuple[str | int, ...]
"""An errand: its kind, and what it is about."""
Do = Callable[..., Awaitable[bool]]
"""Takes `now_ms` (UTC)."""


class Settlement:
    """The errands under way in this process."""

    def __init__(self, payments: Payments) -> None:
        self._payments = payments
        self._due: list[tuple[Key, Do]] = []
        self._running: dict[asyncio.Task[bool], Key] = {}

    async def run_once(self, now_ms: int) -> int:
        """Begin what is due at `now_ms` (UTC) and has room, and wait for one to end, a second at most: how many have ended
        and did not fail. One that fails delays itself alone."""
        if not self._due:
            self._due = await self._look(now_ms)
        while self._due and len(self._running) < AT_ONCE:
            key, do = self._due.pop()
            self._running[asyncio.create_task(_attempt(key, do, now_ms))] = key
        if not self._running:
            return 0
        ended, _ = await asyncio.wait(
            self._running, timeout=EVERY_S, return_when=asyncio.FIRST_COMPLETED
        )
        for task in ended:
            del self._running[task]
        return sum(task.result() for task in ended)

    async def run_out(self, now_ms: int) -> int:
        """Until nothing is due and nothing is under way: how many have ended and did not fail."""
        done = await self.run_once(now_ms)
        while self._due or self._running:
            done += await self.run_once(now_ms)
        return done

    async def close(self) -> None:
        """What is cut off is taken up again when its lease has ended."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _look(self, now_ms: int) -> list[tuple[Key, Do]]:
        payments = self._payments
        async with payments.db.read() as cursor:
            due = await _find(payments, cursor, now_ms)
            REFUNDS_WAITING.set(await payout_store.refunds_waiting(cursor))
            PAYOUTS_WAITING.set(await payout_store.payouts_waiting(cursor))
        under_way = set(self._running.values())
        due = [(key, do) for key, do in due if key not in under_way]
        random.shuffle(due)
        return due


async def _find(payments: Payments, cursor: Cursor, now_ms: int) -> list[tuple[Key, Do]]:
    refund, pay_out = partial(chores.refund, payments), partial(payouts.pay_out, payments)
    ask_about, check = partial(onboarding.ask_about, payments), partial(chores.check, payments)
    refunds = await payout_store.refunds_due(cursor, now_ms, BATCH)
    shares = await payout_store.payouts_due(cursor, now_ms, BATCH)
    owners = await merchant_store.due(cursor, now_ms, BATCH)
    unsure = await store.payments_due(cursor, now_ms, BATCH)
    return [
        *(
            (("refund", id_), partial(refund, order_id, id_, extension=extension))
            for (order_id, extension), id_ in refunds
        ),
        *(
            (("payout", order_id, extension), partial(pay_out, order_id, extension=extension))
            for order_id, extension in shares
        ),
        *((("onboarding", user_id), partial(ask_about, user_id)) for user_id in owners),
        *(
            (("check", order_id, extension), partial(check, order_id, extension=extension))
            for order_id, extension in unsure
        ),
    ]


async def _attempt(key: Key, do: Do, now_ms: int) -> bool:
    """Whether it did not fail."""
    name = key[0]
    try:
        await do(now_ms=now_ms)
    except MarketError as failure:
        FAILED.labels(name).inc()
        log.warning("errand failed", errand=name, code=failure.code, reason=failure.message)
    except Exception:
        FAILED.labels(name).inc()
        log.exception("errand crashed", errand=name)
    else:
        return True
    return False
