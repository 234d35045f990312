"""Within two seconds of Redis' return every client is up to date, although nothing else happens that could tell it (rule 11).

The audit is switched off in these tests (once a minute): what is healed here is healed because the hub knows that it missed
something, or was told so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from devkit.client import Person, Socket
from tests.faults.fleet import HOUR_MS, Fleet
from tests.faults.truth import assert_clients, calm

pytestmark = pytest.mark.timeout(60)

WITHIN_S = 2.0
ORDERS = 4

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


async def hung(fleet: Fleet, work: Work) -> None:
    redis = fleet.stack.servers.redis
    hanging = asyncio.create_task(asyncio.to_thread(redis.command, "DEBUG", "SLEEP", "2.5"))
    await work()
    await hanging


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


@pytest.mark.parametrize("fault", [killed, killed_and_flushed, flushed, hung, stopped, hung_up])
async def test_clients_are_up_to_date(
    fleet: Fleet, fault: Callable[[Fleet, Work], Awaitable[None]]
) -> None:
    owner, ones, buyer, others = await fleet.pair(0)
    third = await fleet.socket(buyer, 0)
    listing_id = await fleet.listing(owner)
    base_ms = (int(time.time() * 1000) // HOUR_MS + 2) * HOUR_MS
    ids = []
    for number in range(ORDERS):
        start_ms = base_ms + number * HOUR_MS
        wish = {"listing_id": listing_id, "start_ms": start_ms, "end_ms": start_ms + HOUR_MS, "terms_version": 1}  # fmt: skip
        ids.append((await buyer.rest("POST", "/v1/orders", wish))["order_id"])
    await calm(fleet)
    clients: list[tuple[Person, Socket]] = [(owner, ones), (buyer, others), (buyer, third)]
    for person, socket in clients:
        role = "owner" if person is owner else "buyer"
        topics = [f"calendar:{listing_id}", f"listing:{listing_id}", f"user:{person.id}"]
        topics += [f"order:{id_}:{role}" for id_ in ids] + [f"chat:{id_}" for id_ in ids]
        await socket.watch(*topics)

    async def work() -> None:
        """Both speak, and every second order is cancelled; the truth needs no Redis."""
        for number, id_ in enumerate(ids):
            line = {"kind": "text", "text": "在吗"}
            for person in (owner, buyer):
                await person.rest("POST", f"/v1/conversations/{id_}/messages", line)
            if number % 2:
                await buyer.rest("POST", f"/v1/orders/{id_}/cancel", {})

    await fault(fleet, work)
    returned_s = time.monotonic()
    await calm(fleet, WITHIN_S)
    await assert_clients(fleet, clients, returned_s + WITHIN_S - time.monotonic())
    print(f"{fault.__name__}: up to date after {time.monotonic() - returned_s:.2f} s")
    assert {topic.version for topic in ones.topics.values() if topic.name[:5] == "chat:"} == {2}
    assert sum(socket.reconnects for _, socket in clients) == 0
