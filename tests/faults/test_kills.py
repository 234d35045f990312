"""kill -9 of one process or of Redis while people do business: no fact lost, no effect doubled, every client up to date."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from tests.faults.fleet import Fleet
from tests.faults.load import under_load

pytestmark = pytest.mark.timeout(90)


@pytest.mark.parametrize(
    "names", [("hub-1",), ("api",), ("workers", "workers-2"), ("hub-2", "api-2", "workers")]
)
async def test_processes_are_killed(
    fleet: Fleet, dice: random.Random, names: tuple[str, ...]
) -> None:
    async with under_load(fleet, dice) as load:
        await fleet.kill(*names)
        await asyncio.gather(*(fleet.start(name) for name in names))
        await load.steps(40)


async def test_one_of_two_workers_stays_dead(fleet: Fleet, dice: random.Random) -> None:
    """The other takes over the locks of the dead one at once."""
    async with under_load(fleet, dice) as load:
        await fleet.kill("workers")
        assert fleet.stack["workers-2"].alive
        await load.steps(40)


@pytest.mark.parametrize("also", ["nothing", "flushed"])
async def test_redis_is_killed(fleet: Fleet, dice: random.Random, also: str) -> None:
    redis = fleet.stack.servers.redis
    async with under_load(fleet, dice) as load:
        await asyncio.to_thread(redis.kill)
        await load.steps(5)  # the truth does not need Redis
        await asyncio.to_thread(redis.start)
        if also == "flushed":
            assert await asyncio.to_thread(redis.command, "FLUSHALL") == b"+OK\r\n"
        await load.steps(60)


@pytest.mark.parametrize(
    "command",
    [
        ("FLUSHALL",),
        ("SCRIPT", "FLUSH"),
        ("CLIENT", "KILL", "TYPE", "pubsub"),
    ],
)
async def test_redis_forgets_or_hangs_up(
    fleet: Fleet, dice: random.Random, command: tuple[str, ...]
) -> None:
    redis = fleet.stack.servers.redis
    async with under_load(fleet, dice) as load:
        for _ in range(3):
            answer = await asyncio.to_thread(redis.command, *command)
            assert answer[:1] in (b"+", b":"), answer
            await load.steps(30)


@pytest.mark.parametrize("seconds", [2.5, 4.0])
async def test_redis_hangs(fleet: Fleet, dice: random.Random, seconds: float) -> None:
    redis = fleet.stack.servers.redis
    async with under_load(fleet, dice) as load:
        began = time.monotonic()
        hang = asyncio.to_thread(redis.command, "DEBUG", "SLEEP", str(seconds))
        assert await hang == b"+OK\r\n"
        assert time.monotonic() - began >= seconds
        await load.steps(60)
