"""What every process has: configuration, clock, ids, Redis, a publisher, and databases opened as they are needed."""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import signal
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property
from typing import Any

import structlog
from aiohttp import ClientSession, ClientTimeout
from redis.asyncio import Redis

from infra.config import Config
from infra.mysql.database import Database, open_database
from infra.mysql.replica import Bounds, open_replica
from infra.redis.client import connect
from infra.redis.publish import Publisher
from infra.tokens import Tokens
from market.kernel.ids import IdMaker

log = structlog.get_logger("process")


def now_ms() -> int:
    """UTC milliseconds. The only clock of the product; everything else is told the time."""
    return time.time_ns() // 1_000_000


class Process:
    """Opened with `open_process`; whatever it opens is closed with it."""

    def __init__(
        self, config: Config, stack: AsyncExitStack, pool_size: int, reads_replicas: bool
    ) -> None:
        self.config = config
        self.node = config.text("NODE", "node")
        self.ids = IdMaker(random.SystemRandom().randrange)
        self.redis: Redis = connect(config.redis_url)
        self.publisher = Publisher(self.redis)
        self.stack = stack
        self._pool_size = config.integer("POOL_SIZE", pool_size)
        self._reads_replicas = reads_replicas
        self._databases: dict[str, Database] = {}
        self._http: ClientSession | None = None

    @cached_property
    def tokens(self) -> Tokens:
        """Read only where tokens are checked or made, so that no other process needs the keys."""
        return Tokens(self.config.token_keys, self.config.integer("ACCESS_TOKEN_S", 900))

    async def database(self, wing: str) -> Database:
        if wing not in self._databases:
            database = self._databases[wing] = await self.stack.enter_async_context(
                open_database(
                    wing,
                    self.config.dsn(wing),
                    self.ids,
                    publisher=self.publisher,
                    size=self._pool_size,
                )
            )
            if self._reads_replicas:
                await self._add_replica(database)
        return self._databases[wing]

    async def _add_replica(self, database: Database) -> None:
        dsn = self.config.replica_dsn(database.wing)
        bounds = Bounds(
            lag_s=self.config.number("REPLICA_LAG_S", 2.0),
            patience_s=self.config.number("REPLICA_PATIENCE_S", 0.25),
        )
        if dsn is not None:
            replica = await self.stack.enter_async_context(
                open_replica(database, dsn, size=self._pool_size, bounds=bounds)
            )
            self.background(replica.watch(), f"replica of {database.wing}")

    async def http(self) -> ClientSession:
        if self._http is None:
            self._http = await self.stack.enter_async_context(
                ClientSession(timeout=ClientTimeout(total=10, connect=2))
            )
        return self._http

    def background(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """A task that ends with the process. If it fails the process ends: a silent hole is worse than a restart."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        task.add_done_callback(_must_not_fail)

        async def stop() -> None:
            while not task.done():  # on Python 3.11 asyncio.wait_for can swallow a cancellation
                task.cancel()
                await asyncio.wait({task}, timeout=0.1)

        self.stack.push_async_callback(stop)


def _must_not_fail(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("background task died", task=task.get_name(), exc_info=task.exception())
        signal.raise_signal(signal.SIGTERM)


@asynccontextmanager
async def open_process(
    config: Config, pool_size: int = 8, *, reads_replicas: bool = False
) -> AsyncIterator[Process]:
    async with AsyncExitStack() as stack:
        process = Process(config, stack, pool_size, reads_replicas)
        stack.push_async_callback(process.redis.aclose)
        process.background(process.publisher.run(), "publisher")
        yield process


def leave_garbage_alone() -> None:
    """What has been loaded stays: the collector need not look at it again, nor look for cycles after each request."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def arguments(name: str, description: str, positional: str | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=description)
    if positional:
        parser.add_argument("names", nargs="*", help=positional)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    return parser.parse_args()
