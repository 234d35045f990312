"""Carries facts: from a wing's outbox into the inboxes of the wings that handle them, and once more to Redis.

One relay at a time works on a wing, by a named lock. It inserts first and deletes after, so that dying in between makes a
duplicate, which the inbox's unique key ignores. Facts of one entity are carried in the order of their commits.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from prometheus_client import Counter, Histogram

from infra import failpoints
from infra.mysql import inbox, outbox
from infra.mysql.database import Database
from infra.mysql.exclusive import Exclusive
from infra.redis import keys
from infra.redis.publish import Publisher

log = structlog.get_logger("relay")

BATCH = 200

CARRIED = Counter("sharehub_facts_carried_total", "Facts carried out of a wing's outbox.", ["wing"])
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

    async def run_once(self, now_ms: int) -> int:
        try:
            cursor = await self._mine.cursor()
            if cursor is None:
                return 0
            waiting = await outbox.waiting(cursor, BATCH)
            if not waiting:
                return 0
            for wing, kinds in self._consumers.items():
                heard = [fact for fact in waiting if fact.kind in kinds and wing != self._wing]
                if heard:
                    async with self._databases[wing].read() as other:
                        await inbox.insert(other, self._schemas[wing], heard)
                    self._publisher.wake(keys.wake("inbox", wing))
            failpoints.reach("after_inbox_insert")
            self._publisher.offer(self._wing, waiting)
            await outbox.delete(cursor, [fact.seq for fact in waiting])
        except BaseException:
            await self._mine.let_go()
            raise
        CARRIED.labels(self._wing).inc(len(waiting))
        for fact in waiting:
            AGE_SECONDS.labels(self._wing).observe(
                max(0.0, now_ms / 1000 - fact.committed_us / 1e6)
            )
        return len(waiting)
