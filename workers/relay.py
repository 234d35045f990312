"""Carries facts: from a wing's outbox into the inboxes of the wings that handle them, and once more to Redis.

One relay at a time works on a wing, by a named lock. It inserts first and deletes after, so that dying in between makes a
duplicate, which the inbox's unique key ignores. Facts of one entity are carried in the order of their commits.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from prometheus_client import Counter, Gauge, Histogram

from infra import failpoints
from infra.mysql import inbox, outbox
from infra.mysql.database import Database
from infra.mysql.exclusive import Exclusive
from infra.mysql.outbox import Published
from infra.redis import keys
from infra.redis.publish import Publisher
from market.kernel.errors import Unavailable

log = structlog.get_logger("relay")

BATCH = 200
MOST_KEPT = 2000
"""More facts than this are not taken up while a consumer is away."""
RETRY_MS = 1000

CARRIED = Counter("sharehub_facts_carried_total", "Facts carried out of a wing's outbox.", ["wing"])
OWED = Gauge(
    "sharehub_facts_owed", "Facts kept in the outbox for a consumer that is away.", ["wing"]
)
AGE_SECONDS = Histogram(
    "sharehub_fact_carry_seconds", "From the commit of a fact to its being in all inboxes.", ["wing"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)  # fmt: skip


class Relay:
    """`databases`: wing -> its database, as the relay's user. `consumers`: wing -> the kinds of facts it handles."""

    def __init__(
        self,
        wing: str,
        databases: Mapping[str, Database],
        schemas: Mapping[str, str],
        consumers: Mapping[str, frozenset[str]],
        publisher: Publisher,
    ) -> None:
        self._wing = wing
        self._databases = databases
        self._schemas = schemas
        self._consumers = consumers
        self._publisher = publisher
        self._mine = Exclusive(databases[wing], f"{schemas[wing]}.relay")
        self._kept: dict[int, Published] = {}
        """seq -> a fact that has been read and is still in the outbox, because somebody is owed it."""
        self._owed: dict[str, list[Published]] = {}
        self._try_again_ms: dict[str, int] = {}

    async def run_once(self, now_ms: int) -> int:
        """Facts that could be carried to the end. One consumer's database being away does not stop the others: what it is
        owed is remembered, in order, and stays in the outbox."""
        try:
            cursor = await self._mine.cursor()
            if cursor is None:
                return 0
            fresh = []
            if len(self._kept) < MOST_KEPT:
                fresh = await outbox.waiting(cursor, BATCH, self._kept)
            if not fresh and not self._kept:
                return 0
            self._kept.update((fact.seq, fact) for fact in fresh)
            for wing, kinds in self._consumers.items():
                owed = self._owed.setdefault(wing, [])
                owed += [fact for fact in fresh if fact.kind in kinds and wing != self._wing]
                if owed and now_ms >= self._try_again_ms.get(wing, 0):
                    await self._give(wing, now_ms)
            failpoints.reach("after_inbox_insert")
            self._publisher.offer(self._wing, fresh)
            still_owed = {fact.seq for owed in self._owed.values() for fact in owed}
            carried = [fact for seq, fact in self._kept.items() if seq not in still_owed]
            if carried:
                await outbox.delete(cursor, [fact.seq for fact in carried])
        except BaseException:
            await self._mine.let_go()
            self._kept, self._owed = {}, {}
            raise
        for fact in carried:
            del self._kept[fact.seq]
            AGE_SECONDS.labels(self._wing).observe(
                max(0.0, now_ms / 1000 - fact.committed_us / 1e6)
            )
        CARRIED.labels(self._wing).inc(len(carried))
        OWED.labels(self._wing).set(len(self._kept))
        return len(carried)

    async def close(self) -> None:
        await self._mine.let_go()

    async def _give(self, wing: str, now_ms: int) -> None:
        try:
            async with self._databases[wing].read() as cursor:
                await inbox.insert(cursor, self._schemas[wing], self._owed[wing])
        except Unavailable:
            self._try_again_ms[wing] = now_ms + RETRY_MS
            log.warning(
                "a consumer is away", source=self._wing, consumer=wing, owed=len(self._owed[wing])
            )
        else:
            self._owed[wing] = []
            self._publisher.wake(keys.wake("inbox", wing))
