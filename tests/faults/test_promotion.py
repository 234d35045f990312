"""A replica takes the place of the dead primary and lacks what that had published last: Redis goes back in time, clients do not."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import AsyncIterator

import pytest

from devkit.ports import free_port
from devkit.servers import Redis
from tests.faults.fleet import HOUR_MS, Fleet
from tests.faults.load import under_load
from tests.faults.quiet import Quiet, open_quiet

pytestmark = pytest.mark.timeout(90)

_number = itertools.count(1)


@contextlib.asynccontextmanager
async def behind(fleet: Fleet) -> AsyncIterator[Redis]:
    """A replica that has all of the primary's data and, from now on, gets nothing more. It is the product's Redis afterwards, if
    it was promoted."""
    servers = fleet.stack.servers
    replica = Redis(servers.directory / f"redis-{next(_number)}", port=free_port())
    try:
        await asyncio.to_thread(replica.start)
        await asyncio.to_thread(replica.follow, servers.redis)
        await asyncio.to_thread(replica.detach)
        yield replica
    finally:
        if servers.redis is not replica:
            await asyncio.to_thread(replica.stop)


async def newest(redis: Redis, topic: str) -> int:
    """The version that Redis takes for the topic's newest."""
    answer = await asyncio.to_thread(redis.command, "HGET", f"n:{{{topic}}}", "v")
    return int(answer.split(b"\r\n")[1])


async def assert_delivered(quiet: Quiet, number: int, version: int) -> None:
    """By Redis: nothing is healed, since nothing was subscribed to again."""
    for role, socket in (("owner", quiet.ones), ("buyer", quiet.others), ("buyer", quiet.third)):
        topic = f"order:{quiet.order_ids[number]}:{role}"
        await socket.until(topic, lambda t: t.version == version)


async def test_a_version_that_only_the_dead_primary_had(fleet: Fleet) -> None:
    servers = fleet.stack.servers
    quiet = await open_quiet(fleet)
    async with behind(fleet) as replica:
        await quiet.speak()
        await quiet.cancel(1)
        await assert_delivered(quiet, 1, 2)
        topic = f"order:{quiet.order_ids[1]}:buyer"
        assert (await newest(servers.redis, topic), await newest(replica, topic)) == (2, 1)
        await asyncio.to_thread(servers.redis.kill)
        await quiet.cancel(3)
        await asyncio.to_thread(servers.promote, replica)
        await quiet.assert_up_to_date()
    # what comes now is pushed as ever, although the new primary has not seen the versions before it
    await quiet.speak()
    await quiet.cancel(0)
    await assert_delivered(quiet, 0, 2)
    await quiet.assert_up_to_date()


async def test_promotion_under_load(fleet: Fleet, dice: random.Random) -> None:
    servers = fleet.stack.servers
    async with under_load(fleet, dice) as load, behind(fleet) as replica:
        await load.steps(30)
        await asyncio.to_thread(servers.redis.kill)
        await load.steps(5)
        await asyncio.to_thread(servers.promote, replica)
        await load.steps(60)


async def test_holds_after_the_promotion_are_seen(fleet: Fleet) -> None:
    """Although the new primary counts on from where the old one was before the last holds."""
    servers = fleet.stack.servers
    quiet = await open_quiet(fleet)
    topic = f"hold:{quiet.listing_id}"
    base_ms = (time.time_ns() // 1_000_000 // HOUR_MS + 20) * HOUR_MS

    async def hold(hour: int) -> None:
        start_ms = base_ms + hour * HOUR_MS
        period = {"start_ms": start_ms, "end_ms": start_ms + HOUR_MS}
        lease_id = (
            await quiet.others.command("orders.hold", {"listing_id": quiet.listing_id, **period})
        )["lease_id"]
        for socket in (quiet.ones, quiet.others, quiet.third):
            await socket.until(
                topic, lambda t: any(lease["lease_id"] == lease_id for lease in t.state or ())
            )

    await hold(0)
    async with behind(fleet) as replica:
        for hour in range(1, 4):
            await hold(hour)
        await asyncio.to_thread(servers.redis.kill)
        await asyncio.to_thread(servers.promote, replica)
        await quiet.assert_up_to_date()
    await hold(5)
