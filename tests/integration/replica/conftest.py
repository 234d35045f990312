"""A real primary with a real replica, whole again before each test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from devkit.replica import ReplicatedServers
from devkit.stack import Layout, Stack
from infra.config import Config
from infra.mysql.database import Database
from infra.mysql.replica import Bounds, Replica, open_replica
from infra.process import Process, open_process
from tests.integration.listings.conftest import listings as listings
from tests.integration.orders.conftest import orders as orders
from tests.integration.orders.conftest import scene as scene

BOUNDS = Bounds(lag_s=0.5, patience_s=2.0, steady_s=0.0)
"""Used as soon as it is seen to be well; a busy machine is no reason to leave it."""


@pytest.fixture(scope="session")
def replicated(workplace: Path) -> Iterator[Stack]:
    layout = Layout(api=(), hubs=0, workers=(), replica=True)
    stack = Stack(workplace / "replicated", layout=layout)
    stack.prepare()
    yield stack
    stack.stop()


@pytest.fixture
async def servers(replicated: Stack) -> ReplicatedServers:
    found = replicated.servers
    assert isinstance(found, ReplicatedServers)

    def mend() -> None:
        for child in found.children:
            child.resume()
            child.start()
        found.replica.catch_up()

    await asyncio.to_thread(mend)
    return found


@pytest.fixture
def config(replicated: Stack) -> Config:
    return Config.from_environment(replicated.environment)


@pytest.fixture
async def process(config: Config, servers: ReplicatedServers) -> AsyncIterator[Process]:
    """Without replicas: a test adds its own, and looks at it when it wants to."""
    alone = {k: v for k, v in config.environment.items() if "REPLICA" not in k}
    async with open_process(Config.from_environment(alone)) as process:
        yield process


class Replicas:
    """Adds replicas that are seen to be well and used."""

    def __init__(self, config: Config, stack: AsyncExitStack) -> None:
        self._config = config
        self._stack = stack

    async def of(self, db: Database, bounds: Bounds = BOUNDS) -> Replica:
        dsn = self._config.replica_dsn(db.wing)
        assert dsn is not None
        replica = await self._stack.enter_async_context(open_replica(db, dsn, bounds=bounds))
        while not replica.used:
            await replica.look()
        return replica


@pytest.fixture
async def replicas(config: Config, process: Process) -> AsyncIterator[Replicas]:
    async with AsyncExitStack() as stack:
        yield Replicas(config, stack)
