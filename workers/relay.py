"""Carries facts: from a wing's outbox into the inboxes of the wings that handle them, and to Redis what has not come there.

One relay at a time works on a wing, by a named lock. It inserts first and deletes after, so that dying in between makes a
duplicate, which the inbox's unique key ignores. Facts of one entity are carried in the order of their commits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import structlog
from prometheus_client import Counter, Gauge, Histogram

from infra import failpoints
from infra.mysql import inbox, outbox
from infra.mysql.database import Database, Tx
from infra.mysql.exclusive import Exclusive
from infra.mysql.outbox import Published
from market.kernel.errors import Unavailable
from workers.republisher import Republisher

log = structlog.get_logger("relay")

BATCH = 500
PACE_S = 0.05
"""Under load: what comes within this time is carried together."""
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
    """As the relay's user: `source` is the wing's own database, `inboxes` gives each wing's server (the same object for those
    on the same server), `schemas` its schema there. `consumers`: wing -> the kinds of facts it handles. `wake` is called
    with the wings that have got something."""

    def __init__(
        self,
        wing: str,
        source: Database,
        inboxes: Mapping[str, Database],
        schemas: Mapping[str, str],
        consumers: Mapping[str, frozenset[str]],
        republisher: Republisher,
        wake: Callable[[str], None],
    ) -> None:
        self._wing = wing
        self._inboxes = inboxes
        self._schemas = schemas
        self._consumers = {w: kinds for w, kinds in consumers.items() if w != wing}
        self._republisher = republisher
        self._wake = wake
        self._mine = Exclusive(source, f"{schemas[wing]}.relay")
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
                self._owed.setdefault(wing, []).extend(f for f in fresh if f.kind in kinds)
            await self._give_all(now_ms)
            failpoints.reach("after_inbox_insert")
            await self._republisher.check(self._wing, fresh, now_ms)
            still_owed = {fact.seq for owed in self._owed.values() for fact in owed}
            carried = [fact for seq, fact in self._kept.items() if seq not in still_owed]
            if carried:
                await outbox.delete(cursor, [fact.seq for fact in carried])
        except BaseException:
            await self._mine.let_go()
            self._kept, self._owed = {}, {}
            raise
        age = AGE_SECONDS.labels(self._wing)
        for fact in carried:
            del self._kept[fact.seq]
            age.observe(max(0.0, now_ms / 1000 - fact.committed_us / 1e6))
        CARRIED.labels(self._wing).inc(len(carried))
        OWED.labels(self._wing).set(len(self._kept))
        return len(carried)

    async def close(self) -> None:
        await self._mine.let_go()

    async def _give_all(self, now_ms: int) -> None:
        """One transaction for all inboxes of a server; when it fails, one for each, so that none waits for another's."""
        due: dict[Database, list[str]] = {}
        for wing, owed in self._owed.items():
            if owed and now_ms >= self._try_again_ms.get(wing, 0):
                due.setdefault(self._inboxes[wing], []).append(wing)
        for server, wings in due.items():
            try:
                await self._give(server, wings, now_ms)
            except Unavailable:
                for wing in wings:
                    await self._give_or_owe(server, wing, now_ms)

    async def _give_or_owe(self, server: Database, wing: str, now_ms: int) -> None:
        try:
            await self._give(server, [wing], now_ms)
        except Unavailable:
            self._try_again_ms[wing] = now_ms + RETRY_MS
            log.warning(
                "a consumer is away", source=self._wing, consumer=wing, owed=len(self._owed[wing])
            )

    async def _give(self, server: Database, wings: Sequence[str], now_ms: int) -> None:
        async def body(tx: Tx) -> None:
            for wing in wings:
                inbox.insert(tx, self._schemas[wing], self._owed[wing])

        await server.act(now_ms, body, type(None))
        for wing in wings:
            self._owed[wing] = []
            self._wake(wing)
