"""A view moves over the map while the map changes; in the end it shows what the database has, and nothing was heard out of turn."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from dataclasses import replace
from typing import Any

import pytest

from infra.process import Process, now_ms
from market.kernel.actor import Actor
from market.kernel.errors import MarketError
from market.kernel.geo import Point, cell
from market.kernel.period import HOUR_MS
from market.kernel.topics import Want
from market.listings import actions, views
from market.listings.commands import Close, Edit, Pause, Resume
from market.listings.rules.shown import ListingCard, ListingView
from market.listings.wing import Listings, open_wing
from market.orders import actions as actions_of_orders
from market.orders.commands import Hold, ReleaseHold
from tests.integration.conftest import call, someone
from tests.integration.hub.conftest import Client, Frame, Hub
from tests.integration.listings.conftest import Says, hear, look, publish
from tests.integration.listings.test_states import Booking
from tests.integration.orders.conftest import Scene

pytestmark = (
    pytest.mark.allow_blocking
)  # wings are opened here which a process would open at its start

WIDTH = 360 / 2**13
LAT = -33.01
WEST = -140.0 + WIDTH / 2
CELLS = [cell(Point(LAT, WEST + n * WIDTH)) for n in range(8)]
IN_VIEW = 3
"""Cells; with those that are being left not more than a connection may have here."""


class Map:
    """What a client knows of the cells it watches, by the rules of docs/protocol.md."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.cells: dict[str, dict[str, tuple[int, dict[str, Any]]]] = {}
        self.heard = 0

    async def move(self, wanted: list[str]) -> None:
        """Those that are entered first, then those that are left."""
        entered = [name for name in wanted if name not in self.cells]
        for name in entered:
            self.cells[name] = {}
        if entered:
            topics = [[f"area:{name}", None] for name in entered]
            answer = await self.client.ask("subscribe", topics=topics)
            assert answer["refused"] == []
        left = [name for name in self.cells if name not in wanted]
        if left:
            await self.client.ask("unsubscribe", topics=[f"area:{name}" for name in left])
        self.apply()
        for name in left:
            del self.cells[name]

    def apply(self) -> None:
        """Everything that has come since the last time, in its order."""
        for frame in self.client.frames[self.heard :]:
            for state in frame.get("topics", ()):
                self._answer(state)
            if frame["op"] == "push":
                self._push(frame)
        self.heard = len(self.client.frames)

    def _answer(self, state: Frame) -> None:
        known = self.cells.get(state["topic"].removeprefix("area:"))
        if known is None:
            return
        given = {entry["key"]: entry for entry in state["entries"]}
        for key in [key for key in known if key not in given]:
            del known[key]
        for key, entry in given.items():
            self._take(known, key, entry["version"], entry["payload"])

    def _push(self, frame: Frame) -> None:
        known = self.cells.get(frame["topic"].removeprefix("area:"))
        if known is not None:
            self._take(known, frame["key"], frame["version"], frame["payload"])

    @staticmethod
    def _take(
        known: dict[str, tuple[int, dict[str, Any]]], key: str, version: int, payload: Any
    ) -> None:
        if key not in known or version > known[key][0]:
            known[key] = (version, payload)

    def shown(self) -> dict[str, dict[str, tuple[int, str]]]:
        return {
            name: {
                key: (version, card["state"])
                for key, (version, card) in cards.items()
                if card["status"] == "live"
            }
            for name, cards in self.cells.items()
        }


async def truth(listings: Listings, names: list[str]) -> dict[str, dict[str, tuple[int, str]]]:
    wants = [Want(topic=f"area:{name}") for name in names]
    found: dict[str, dict[str, tuple[int, str]]] = {}
    for snapshot in await views.snapshot(listings, wants, now_ms()):
        found[snapshot.topic.removeprefix("area:")] = {
            str(entry.key): (entry.version, entry.payload.state)
            for entry in snapshot.entries
            if isinstance(entry.payload, ListingCard) and entry.payload.status == "live"
        }
    return found


class Owner:
    """Offers things, moves them about, takes them back; and people order them meanwhile."""

    def __init__(self, listings: Listings, chance: random.Random, looking: asyncio.Lock) -> None:
        self.looking = looking
        self.listings = listings
        self.chance = chance
        self.who: Actor = someone()
        self.offered: list[ListingView] = []
        self.orders: list[tuple[Booking, list[str]]] = []

    async def change_something(self) -> None:
        chance = self.chance
        what = chance.choice(["publish", "move", "move", "pause", "resume", "close", "order", "order", "go on", "go on"])  # fmt: skip
        if what == "publish" or not self.offered:
            async with self.looking:  # or one would take for the other what it is asked about
                self.offered.append(await publish(self.listings, self.who, **self._anywhere()))
            return
        listing = await look(self.listings, chance.choice(self.offered).listing_id)
        same: dict[str, Any] = {"listing_id": listing.listing_id, "version": listing.version}
        by = call(self.who)
        with contextlib.suppress(MarketError):  # not in this status
            match what:
                case "move":
                    await actions.edit(self.listings, by, Edit(**same, **self._anywhere()))
                case "pause":
                    await actions.pause(self.listings, by, Pause(**same))
                case "resume":
                    await actions.resume(self.listings, by, Resume(**same))
                case "close":
                    await actions.close(self.listings, by, Close(**same))
                case "order":
                    life = ["ready", "in_use", "returned", "completed"]
                    order = Booking(listing, now_ms() + chance.choice([0, 1, 50]) * HOUR_MS)
                    await hear(self.listings, order.tells("pending_payment"))
                    self.orders.append((order, life if chance.random() < 0.7 else ["cancelled"]))
                case _ if self.orders:
                    order, life = chance.choice(self.orders)
                    if life:
                        await hear(self.listings, order.tells(life.pop(0)))

    def _anywhere(self) -> dict[str, Any]:
        return {"lat": LAT, "lng": WEST + self.chance.randrange(len(CELLS)) * WIDTH}


async def settle(seen: Map, expected: dict[str, dict[str, tuple[int, str]]]) -> None:
    """Until what is shown is what is expected: the last pushes may be on their way."""
    seen.apply()
    async with asyncio.timeout(10):
        while seen.shown() != expected:
            await seen.client.until(lambda frame: frame["op"] == "push")
            seen.apply()


@pytest.mark.parametrize("seed", range(2))
async def test_a_moving_view_ends_with_the_databases_picture(
    hub: Hub, process: Process, seed: int
) -> None:
    chance = random.Random(seed)
    listings = replace(await open_wing(process), check=Says())
    looking = asyncio.Lock()
    owners = [Owner(listings, random.Random(f"{seed}-{n}"), looking) for n in range(3)]
    for owner in owners:
        for _ in range(5):
            await owner.change_something()
    seen = Map(await hub.connect(someone()))
    moving = True

    async def live_on(owner: Owner) -> None:
        while moving:
            await owner.change_something()

    changing = [asyncio.ensure_future(live_on(owner)) for owner in owners]
    first = 0
    for step in itertools.count():
        await seen.move(CELLS[first : first + IN_VIEW])
        for _ in range(chance.randrange(3)):
            with contextlib.suppress(TimeoutError):
                await seen.client.until(lambda frame: frame["op"] == "push", timeout_s=0.2)
        jump = chance.choice([-1, 1, 1, -3, 3])
        first = min(max(first + jump, 0), len(CELLS) - IN_VIEW)
        if step == 25:
            break
    moving = False
    await asyncio.gather(*changing)
    in_view = list(seen.cells)
    expected = await truth(listings, in_view)
    await settle(seen, expected)
    assert sum(map(len, expected.values())) > 0
    # And what comes after is heard once more in all of them.
    for name in in_view:
        place = {"lat": LAT, "lng": WEST + CELLS.index(name) * WIDTH}
        await publish(listings, owners[0].who, **place)
    await settle(seen, await truth(listings, in_view))


async def test_who_watches_a_cell_sees_what_somebody_is_about_to_order(
    hub: Hub, scene: Scene
) -> None:
    """And sees it end; where several seats can be had a hold keeps nobody away."""
    name = "s00tw"
    topic = f"holds:{name}"
    await scene.listing_changes(terms=False, cell=name)
    watcher = await hub.connect(someone(), (topic, None))
    lease = await actions_of_orders.hold(scene.orders, call(scene.buyer), _hold(scene))
    (shown,) = (await watcher.push(topic))["payload"]
    assert shown == {
        "listing_id": str(int(scene.listing)), "start_ms": lease.start_ms, "end_ms": lease.end_ms,
        "until_ms": lease.until_ms,
    }  # fmt: skip
    late = await hub.connect(someone())
    answer = await late.ask("subscribe", topics=[[topic, None], ["holds:x", None]])
    assert [state["state"] for state in answer["topics"]] == [[shown]]
    assert [refusal["topic"] for refusal in answer["refused"]] == ["holds:x"]
    release = ReleaseHold(listing_id=scene.listing, lease_id=lease.lease_id)
    await actions_of_orders.release_hold(scene.orders, call(scene.buyer), release)
    assert (await watcher.push(topic))["payload"] == []


def _hold(scene: Scene) -> Hold:
    wish = scene.wish()
    return Hold(listing_id=wish.listing_id, start_ms=wish.start_ms, end_ms=wish.end_ms)
