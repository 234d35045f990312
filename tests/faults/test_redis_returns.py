"""Within two seconds of Redis' return every client is up to date, although nothing else happens that could tell it (rule 11).

The audit is switched off in these tests (once a minute): what is healed here is healed because the hub knows that it missed
something, or was told so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from tests.faults.fleet import Fleet
from tests.faults.quiet import open_quiet

pytestmark = pytest.mark.timeout(60)

Work = Callable[[], Awaitable[None]]


async def killed(fleet: Fleet, work: Work) -> None:
    redis = fleet.stack.servers.redis
    await asyncio.to_thread(redis.kill)
    await work()
    await asyncio.to_thread(redis.start)


async def killed_and_flushed(fleet: Fleet, work: Work) -> None:
    await killed(fleet, work)
    await asyncio.to_thread(fleet.stack.servers.redis.command, "FLUSHALL")


async def flushed(fleet: Fleet, work: Work) -> None:
    await asyncio.to_thread(fleet.stack.servers.redis.command, "FLUSHALL")
    await work()


async def hung(seconds: float, fleet: Fleet, work: Work) -> None:
    redis = fleet.stack.servers.redis
    hanging = asyncio.create_task(
        asyncio.to_thread(redis.command, "DEBUG", "SLEEP", f"{seconds:g}")
    )
    await work()
    assert await hanging == b"+OK\r\n"


async def stopped(fleet: Fleet, work: Work) -> None:
    """Long enough for the hubs to give up on their connection."""
    redis = fleet.stack.servers.redis
    await asyncio.to_thread(redis.pause)
    await work()
    await asyncio.sleep(4.5)
    await asyncio.to_thread(redis.resume)


async def hung_up(fleet: Fleet, work: Work) -> None:
    async def keep_hanging_up() -> None:
        for kind in ("pubsub", "normal") * 20:
            await asyncio.to_thread(
                fleet.stack.servers.redis.command, "CLIENT", "KILL", "TYPE", kind
            )

    await asyncio.gather(keep_hanging_up(), work())


FAULTS: dict[str, Callable[[Fleet, Work], Awaitable[None]]] = {
    "killed": killed,
    "killed and flushed": killed_and_flushed,
    "flushed": flushed,
    "hung for less than the hubs' patience": partial(hung, 2.5),
    "hung for longer": partial(hung, 4.0),
    "stopped": stopped,
    "hung up": hung_up,
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_clients_are_up_to_date(fleet: Fleet, fault: str) -> None:
    quiet = await open_quiet(fleet)

    async def work() -> None:
        """Both speak, and every second order is cancelled; the truth needs no Redis."""
        await quiet.speak()
        await quiet.cancel(1, 3)

    await FAULTS[fault](fleet, work)
    await quiet.assert_up_to_date()
    versions = {name: topic.version for name, topic in quiet.ones.topics.items()}
    assert {version for name, version in versions.items() if name.startswith("chat:")} == {2}
