"""One wing's replica: reads that may be stale, while it is well.

It is well when it answers in time, and when the heartbeat that was written to the primary has come through. Whatever fails
there is read from the primary within the same call, and the replica is left alone until it has been well for a while.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pymysql.err
import structlog
from prometheus_client import Counter, Gauge

from infra.config import Dsn
from infra.mysql.connection import Answer, Connection
from infra.mysql.database import AWAY, Cursor, Database, error_code
from infra.mysql.pool import Pool, pool_of
from market.kernel.errors import Unavailable

log = structlog.get_logger("replica")

NOW_MS = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000"
NEWEST = "SELECT at_ms FROM heartbeat WHERE id = 1"
# Once a second, however many look. BETWEEN: a clock that was set back must not stop the beat.
BEAT = (
    f"INSERT INTO heartbeat (id, at_ms) VALUES (1, {NOW_MS}) ON DUPLICATE KEY UPDATE "
    f"at_ms = IF(at_ms BETWEEN {NOW_MS} - 900 AND {NOW_MS}, at_ms, {NOW_MS})"
)
NEWEST_AND_NOW = f"SELECT at_ms, {NOW_MS} FROM heartbeat WHERE id = 1"

WATCH_S = 1.0
STEADY_S = 3.0
"""How long it has to have been well before it is used: longer than any bound that it may just have slipped under."""

LAG = Gauge(
    "sharehub_replica_lag_seconds",
    "How old the replica's heartbeat was when last looked at; 0: at most one beat missing.",
    ["wing"],
)
USED = Gauge(
    "sharehub_replica_used", "1 while reads that may be stale go to the replica.", ["wing"]
)
READS = Counter(
    "sharehub_stale_reads_total", "Reads that may be stale, by where they began.", ["wing", "where"]
)
FALLBACKS = Counter(
    "sharehub_replica_fallbacks_total",
    "Reads begun on the replica and repeated on the primary: it failed there, or its row was older than what the reader had seen.",
    ["wing", "why"],
)

FAILURES = (pymysql.err.MySQLError, OSError)
"""TimeoutError is an OSError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Beyond `lag_s` seconds of lag, or `patience_s` seconds for an answer, the primary is read."""

    lag_s: float = 2.0
    patience_s: float = 0.25
    steady_s: float = STEADY_S


class Replica:
    """Opened with `open_replica`; judged by `watch`, and until then not used."""

    def __init__(self, primary: Database, pool: Pool, bounds: Bounds) -> None:
        self.primary = primary
        self.bounds = bounds
        self._pool = pool
        self._wing = primary.wing
        self._well_since_s: float | None = None
        self._used = False
        USED.labels(self._wing).set(0)

    @property
    def used(self) -> bool:
        """Whether reads go here at all."""
        return self._used

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Cursor]:
        """Each statement on its own snapshot, of the replica or of the primary, never of an older one than the one before."""
        async with AsyncExitStack() as stack:
            connection = await self._take() if self._used else None
            READS.labels(self._wing, "primary" if connection is None else "replica").inc()
            if connection is None:
                yield await stack.enter_async_context(self.primary.read())
            else:
                stack.callback(self._pool.release, connection)
                yield _Glance(connection, self, stack)

    def was_behind(self) -> None:
        FALLBACKS.labels(self._wing, "behind").inc()

    def failed(self, error: Exception) -> None:
        """A read failed here. A statement's own fault (a table that has not come through) says nothing about the others."""
        FALLBACKS.labels(self._wing, "failed").inc()
        if isinstance(error, OSError | pymysql.err.InterfaceError) or error_code(error) in AWAY:
            self._leave(repr(error))

    async def watch(self) -> None:
        """Look once a second, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(WATCH_S)

    async def look(self) -> None:
        """Move the heartbeat on, and judge the replica by it. While the primary is away the judgement stays: nothing is
        written that the replica could lack."""
        try:
            async with self.primary.read() as cursor:
                before, _, [(newest_ms, now_ms)] = await cursor.together(
                    (NEWEST,), (BEAT,), (NEWEST_AND_NOW,)
                )
        except Unavailable:
            return
        except FAILURES as error:
            self._leave(repr(error))
            return
        try:
            async with asyncio.timeout(self.bounds.patience_s):
                has_ms = await self._heartbeat()
        except FAILURES as error:
            self._leave(repr(error))
            return
        # Either way round: after the primary's clock was set back, what lags seems to come from the future.
        caught_up = has_ms == newest_ms or (has_ms,) in before
        lag_s = 0.0 if caught_up else abs(now_ms - has_ms) / 1000
        LAG.labels(self._wing).set(lag_s)
        if lag_s > self.bounds.lag_s:
            self._leave(f"{lag_s:.1f} s behind")
        else:
            self._is_well(time.monotonic())

    async def _heartbeat(self) -> int:
        """UTC milliseconds by the primary's clock; 0 when none has come through yet."""
        connection = await self._pool.acquire()
        try:
            row = await Cursor(connection).one(NEWEST)
        except FAILURES:
            connection.close()
            raise
        finally:
            self._pool.release(connection)
        return int(row[0]) if row else 0

    async def _take(self) -> Connection | None:
        connection = self._pool.take()
        if connection is not None:
            return connection
        try:
            async with asyncio.timeout(self.bounds.patience_s):
                return await self._pool.acquire()
        except FAILURES as error:
            self.failed(error)
            return None

    def _is_well(self, now_s: float) -> None:
        if self._well_since_s is None:
            self._well_since_s = now_s
        if not self._used and now_s - self._well_since_s >= self.bounds.steady_s:
            self._used = True
            USED.labels(self._wing).set(1)
            log.info("replica used", wing=self._wing)

    def _leave(self, why: str) -> None:
        self._well_since_s = None
        if self._used:
            self._used = False
            USED.labels(self._wing).set(0)
            log.warning("replica left alone", wing=self._wing, why=why)


class _Glance(Cursor):
    """On the replica; from the first statement that fails there, on the primary."""

    def __init__(self, connection: Connection, replica: Replica, stack: AsyncExitStack) -> None:
        super().__init__(connection)
        self._replica = replica
        self._stack = stack
        self._primary: Cursor | None = None

    async def _run(self, *statements: bytes) -> list[Answer]:
        deferred, awaited = self._deferred, self._awaited
        if self._primary is None:
            try:
                async with asyncio.timeout(self._replica.bounds.patience_s):
                    return await super()._run(*statements)
            except FAILURES as error:
                self.drop()
                self._replica.failed(error)
                self._primary = await self._stack.enter_async_context(self._replica.primary.read())
        self._deferred, self._awaited = [], []
        self._primary._deferred, self._primary._awaited = deferred, awaited
        return await self._primary._run(*statements)


@asynccontextmanager
async def open_replica(
    primary: Database, dsn: Dsn, *, size: int = 8, bounds: Bounds
) -> AsyncIterator[Replica]:
    """`primary` glances here from now on, as soon as `watch` runs and finds it well."""
    pool = pool_of(dsn, size)
    replica = Replica(primary, pool, bounds)
    primary.replica = replica
    try:
        yield replica
    finally:
        primary.replica = None
        await pool.close(patience_s=bounds.patience_s)
