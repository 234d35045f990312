"""Hands a wing the facts of the others: in batches, one transaction with their effects; singly when a batch fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from prometheus_client import Counter, Histogram

from infra.handlers import Handler, by_handler, handle
from infra.mysql import inbox
from infra.mysql.database import Database, Tx
from infra.mysql.exclusive import Exclusive
from infra.mysql.inbox import Waiting
from infra.process import now_ms as clock_ms
from market.kernel.errors import MarketError, NotYet, Unavailable

log = structlog.get_logger("inbox")

BATCH = 500
PACE_S = 0.1
"""Under load: what comes within this time is handled in one transaction."""

HANDLED = Counter("sharehub_facts_handled_total", "Facts whose effect is committed.", ["wing"])
POSTPONED = Counter(
    "sharehub_facts_postponed_total", "Facts that could not be handled yet.", ["wing", "why"]
)
LAG_SECONDS = Histogram(
    "sharehub_fact_lag_seconds", "From a fact's commit to its effect's.", ["wing"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 5, 10, 60),
)  # fmt: skip


class Overtaken(Exception):
    """Some of the batch has been handled by another process, which had the lock before this one."""


class Inbox:
    """One consumer at a time works on a wing's inbox, by a named lock, so that an entity's facts stay in order."""

    def __init__(
        self, name: str, wing: Any, handlers: Mapping[str, Handler[Any]], db: Database
    ) -> None:
        self._name = name
        self._wing = wing
        self._handlers = handlers
        self._db = db
        self._mine = Exclusive(db, f"{name}.inbox")
        self.at_work = False
        """This process is the one that works on the inbox, as far as it knows."""
        self._handled = HANDLED.labels(name)
        self._lag = LAG_SECONDS.labels(name)

    async def run_once(self, now_ms: int) -> int:
        try:
            cursor = await self._mine.cursor()
            self.at_work = cursor is not None
            if cursor is None:
                return 0
            facts = await inbox.pending(cursor, now_ms, BATCH)
        except BaseException:
            await self.close()
            raise
        if not facts:
            return 0
        try:
            await self._handle(facts, now_ms)
        except Unavailable:
            raise
        except Exception:
            await self._one_by_one(facts, now_ms)
        return len(facts)

    async def close(self) -> None:
        self.at_work = False
        await self._mine.let_go()

    async def _handle(self, facts: Sequence[Waiting], now_ms: int) -> None:
        async def body(tx: Tx) -> int:
            taken = await inbox.take(tx, facts, now_ms)
            if taken == len(facts):
                for handler, some in by_handler(facts, self._handlers):
                    await handle(handler, self._wing, tx, [fact.heard() for fact in some])
            elif len(facts) > 1:
                raise Overtaken
            return taken

        self._handled.inc(await self._db.act(now_ms, body, int))
        done_ms = clock_ms()
        for fact in facts:
            self._lag.observe(max(0.0, (done_ms - fact.occurred_ms) / 1000))

    async def _one_by_one(self, facts: Sequence[Waiting], now_ms: int) -> None:
        blocked: set[int] = set()
        for fact in facts:
            if fact.entity in blocked:
                continue
            try:
                await self._handle([fact], now_ms)
            except Unavailable:
                raise
            except Exception as error:
                blocked.add(fact.entity)
                why = error.code if isinstance(error, MarketError) else type(error).__name__
                POSTPONED.labels(self._name, why).inc()
                if not isinstance(error, NotYet):
                    log.exception(
                        "cannot handle",
                        wing=self._name,
                        kind=fact.kind,
                        fact=str(int(fact.fact_id)),
                    )
                async with self._db.read() as cursor:
                    await inbox.postpone(cursor, fact, f"{why}: {error}", now_ms)
