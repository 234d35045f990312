"""The replica dies, hangs and comes back while people read and write: nobody is refused, and nobody sees less than before."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from devkit.client import Person, Refusal
from devkit.replica import ReplicatedServers
from devkit.stack import Layout
from tests.conftest import NewStack
from tests.faults.fleet import HOUR_MS, Fleet, eventually, open_fleet

READERS = 6
SLOWEST_S = 2.0
"""The replica's patience, once, and what is usual on a busy machine."""


class Readers:
    """An owner who goes on changing a listing, a buyer who has an order on it, and people who look at both."""

    def __init__(self, owner: Person, buyer: Person, listing_id: str, order_id: str) -> None:
        self.owner = owner
        self.buyer = buyer
        self.listing = f"/v1/listings/{listing_id}"
        self.order = f"/v1/orders/{order_id}"
        self.seen = 1
        """The listing's newest version that anybody has been shown."""
        self.asked = 0
        self.slowest_s = 0.0

    async def change(self) -> None:
        for number in range(1_000_000):
            body = {"version": self.seen, "title": f"自行车 {number}"}
            try:
                version = (await self.owner.rest("PATCH", self.listing, body))["version"]
            except Refusal as refusal:  # the order has changed it, too
                version = refusal.data["version"]
            self.seen = max(self.seen, version)
            await asyncio.sleep(0.02)

    async def look(self) -> None:
        while True:
            seen = self.seen
            listing = await self._get(self.listing, seen=seen)
            assert listing["version"] >= seen
            self.seen = max(self.seen, listing["version"])
            order = await self._get(self.order, seen=1)
            assert order["version"] >= 1
            await self._get("/v1/orders", seen=f"{order['order_id']}.1")
            await self._get("/v1/listings", lat=31.2304, lng=121.4737, limit=5)

    async def _get(self, path: str, **query: Any) -> Any:
        began_s = time.monotonic()
        answer = await self.buyer.rest("GET", path, query=query, retry=False)
        self.slowest_s = max(self.slowest_s, time.monotonic() - began_s)
        self.asked += 1
        return answer

    async def more(self, answers: int = 60) -> None:
        """Until so many more have been given."""
        wanted = self.asked + answers

        async def too_few() -> str | None:
            return None if self.asked >= wanted else f"{wanted - self.asked} are missing"

        await eventually("readers are answered", too_few)


@asynccontextmanager
async def reading(fleet: Fleet) -> AsyncIterator[Readers]:
    owner, buyer = await fleet.people(2)
    listing_id = await fleet.listing(owner)
    start_ms = (int(time.time() * 1000) // HOUR_MS + 2) * HOUR_MS
    wish = {
        "listing_id": listing_id, "start_ms": start_ms, "end_ms": start_ms + HOUR_MS, "terms_version": 1,
    }  # fmt: skip
    order_id = (await buyer.rest("POST", "/v1/orders", wish))["order_id"]
    readers = Readers(owner, buyer, listing_id, order_id)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(readers.look()) for _ in range(READERS)]
        tasks.append(group.create_task(readers.change()))
        yield readers
        for task in tasks:
            task.cancel()


async def used(fleet: Fleet, wing: str) -> bool:
    _, text = await asyncio.to_thread(fleet.apis[0].get, "/metrics")
    found = re.search(
        rf'^sharehub_replica_used{{wing="{wing}"}} (.*)$', text.decode(), re.MULTILINE
    )
    return found is not None and float(found[1]) == 1


async def until_used(fleet: Fleet, wanted: bool) -> None:
    async def others() -> str | None:
        wrong = [wing for wing in ("orders", "listings") if await used(fleet, wing) != wanted]
        return f"not of {wrong}" if wrong else None

    await eventually("the replica is used" if wanted else "it is left alone", others)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_readers_do_not_notice_that_the_replica_dies_and_hangs(new_stack: NewStack) -> None:
    stack = await asyncio.to_thread(lambda: new_stack(layout=Layout(hubs=1, replica=True)))
    assert isinstance(stack.servers, ReplicatedServers)
    replica = stack.servers.replica
    async with open_fleet(stack) as fleet:
        await until_used(fleet, True)
        async with reading(fleet) as readers:
            await readers.more()
            for leave, come_back in (
                (replica.kill, replica.start),
                (replica.pause, replica.resume),
                (replica.hold_back, replica.catch_up),
            ):
                await asyncio.to_thread(leave)
                await readers.more()
                await until_used(fleet, False)
                await readers.more()
                await asyncio.to_thread(come_back)
                await until_used(fleet, True)
                await readers.more()
        print(
            f"{readers.asked} answers, the slowest after {readers.slowest_s:.2f} s, {readers.seen} versions"
        )
        assert readers.slowest_s < SLOWEST_S
