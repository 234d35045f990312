"""Pairs of people who keep doing business while things die, and what they know to have done."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from devkit.client import Person, Refusal, Socket
from tests.faults.fleet import HOUR_MS, Fleet
from tests.faults.truth import assert_truth, calm

PAIRS = 6
STARS = {"punctuality": 5, "condition": 4, "communication": 5}


async def join(socket: Socket, *topics: str) -> None:
    """Topics that exist, or will once a fact has been carried, which takes as long as it takes while things die."""
    deadline = time.monotonic() + 20
    while True:
        try:
            await socket.watch(*topics)
        except Refusal as refusal:
            if refusal.code != "not_found" or time.monotonic() > deadline:
                raise
        else:
            return


class Pair:
    """An owner and a buyer, one order after the other, each to one of its ends. Refusals and lost pushes are failures."""

    def __init__(
        self, fleet: Fleet, dice: random.Random, owner: Person, ones: Socket, buyer: Person, others: Socket,
        listing_id: str,
    ) -> None:  # fmt: skip
        self.fleet = fleet
        self.dice = dice
        self.owner, self.ones = owner, ones
        self.buyer, self.others = buyer, others
        self.listing_id = listing_id
        self.ended: dict[str, str] = {}
        """order -> the state that its end was answered with."""
        self.said: dict[str, list[tuple[str, int, str]]] = {}
        """order -> (sender, number, text) of each line that was acknowledged."""
        self.acknowledged = 0
        self._hours = itertools.count(2, 2)

    async def keep_going(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self.walk(
                self.dice.choice(
                    ("completed", "longer", "claimed", "cancelled", "unpaid", "refunded")
                )
            )

    async def walk(self, end: str) -> None:
        """One order. `end`: completed and rated (after a claim, longer than agreed, or without either), cancelled after it was paid, cancelled unpaid, or disputed and given back."""
        start_ms = (int(time.time() * 1000) // HOUR_MS + next(self._hours)) * HOUR_MS
        wish = {"listing_id": self.listing_id, "start_ms": start_ms, "end_ms": start_ms + HOUR_MS, "terms_version": 1}  # fmt: skip
        if self.dice.random() < 0.5:
            made = await self.others.command("orders.create", wish)
        else:
            made = await self.buyer.rest("POST", "/v1/orders", wish)
        order_id = made["order_id"]
        self._count()
        await asyncio.gather(
            join(self.ones, f"order:{order_id}:owner", f"chat:{order_id}"),
            join(self.others, f"order:{order_id}:buyer", f"chat:{order_id}"),
        )
        if end == "unpaid":
            return await self._move(self.others, "cancel", order_id, "cancelled")
        await self.fleet.pay(self.buyer, order_id)
        self._count()
        lines = [(self.ones, self.owner), (self.others, self.buyer)] * 2
        await asyncio.gather(*(self._say(socket, person, order_id) for socket, person in lines))
        paid = await self.others.until(
            f"order:{order_id}:buyer", lambda t: t.state["state"] == "ready"
        )
        if end == "cancelled":
            return await self._move(self.ones, "cancel", order_id, "cancelled")
        await self._move(self.ones, "start", order_id, "in_use", code=paid.state["code"])
        lent = await self.ones.until(
            f"order:{order_id}:owner", lambda t: t.state["state"] == "in_use"
        )
        if end == "longer":
            await self._use_longer(order_id, start_ms + 2 * HOUR_MS)
        await self._move(self.others, "return", order_id, "returned", code=lent.state["code"])
        if end == "refunded":
            return await self._move(self.others, "dispute", order_id, "disputed")
        if end == "claimed":
            claim = {"amount_fen": 500, "reason": "有划痕"}
            await self._move(self.ones, "claim", order_id, "claimed", **claim)
            await self._move(self.others, "concede", order_id, "completed")
        else:
            await self._move(self.ones, "accept", order_id, "completed")
        await self.others.command("ratings.rate", {"order_id": order_id, **STARS})
        await self.ones.command("ratings.rate", {"order_id": order_id, **STARS})
        self._count(2)
        return None

    async def _use_longer(self, order_id: str, end_ms: int) -> None:
        asked = await self.others.command(
            "orders.extend", {"order_id": order_id, "end_ms": end_ms, "terms_version": 1}
        )
        await self.fleet.pay(self.buyer, order_id, extension_id=asked["extension"]["extension_id"])
        for socket, role in ((self.others, "buyer"), (self.ones, "owner")):
            await socket.until(f"order:{order_id}:{role}", lambda t: t.state["end_ms"] == end_ms)
        self._count(2)

    async def _move(self, socket: Socket, name: str, order_id: str, to: str, **more: Any) -> None:
        moved = await socket.command(f"orders.{name}", {"order_id": order_id, **more})
        assert moved["state"] == to
        self.ended[order_id] = to
        self._count()

    async def _say(self, socket: Socket, person: Person, order_id: str) -> None:
        text = f"明天见 {secrets.token_hex(6)}"
        line = {"conversation_id": order_id, "kind": "text", "text": text}
        sent = await socket.command("chat.send", line)
        self.said.setdefault(order_id, []).append((person.id, sent["seq"], text))
        self._count()

    def _count(self, effects: int = 1) -> None:
        self.acknowledged += effects

    async def assert_as_acknowledged(self) -> None:
        """Each acknowledged step is there once: states, and every line under its number and nothing beside."""
        for order_id, state in self.ended.items():
            assert (await self.buyer.rest("GET", f"/v1/orders/{order_id}"))["state"] == state
        for order_id, said in self.said.items():
            path = f"/v1/conversations/{order_id}"
            found = (await self.owner.rest("GET", f"{path}/messages"))["messages"]
            assert [(m["sender_id"], m["seq"], m["text"]) for m in found] == sorted(
                said, key=lambda s: s[1]
            )
            assert (await self.owner.rest("GET", f"{path}/verify"))["ok"]


class Load:
    """Opened with `under_load`. `steps()` waits until so many more effects have been acknowledged."""

    def __init__(self, fleet: Fleet, pairs: list[Pair]) -> None:
        self.fleet = fleet
        self.pairs = pairs
        self._stop = asyncio.Event()
        self._tasks = [asyncio.create_task(pair.keep_going(self._stop)) for pair in pairs]

    @property
    def acknowledged(self) -> int:
        return sum(pair.acknowledged for pair in self.pairs)

    async def steps(self, more: int, within_s: float = 20.0) -> None:
        goal, deadline = self.acknowledged + more, time.monotonic() + within_s
        while self.acknowledged < goal:
            self._raise_failures()
            assert time.monotonic() < deadline, (
                f"{self.acknowledged} of {goal} steps in {within_s:g} s"
            )
            await asyncio.sleep(0.01)

    async def finish(self) -> None:
        """Let everybody end what they are at; then nothing may be missing anywhere."""
        self._stop.set()
        await asyncio.gather(*self._tasks)
        began = time.monotonic()
        await calm(self.fleet)
        calm_s = time.monotonic() - began
        clients = [(p.owner, p.ones) for p in self.pairs] + [
            (p.buyer, p.others) for p in self.pairs
        ]
        await assert_truth(self.fleet, clients)
        await asyncio.gather(*(pair.assert_as_acknowledged() for pair in self.pairs))
        ends = Counter(state for pair in self.pairs for state in pair.ended.values())
        reconnects = sum(socket.reconnects for _, socket in clients)
        print(
            f"{self.acknowledged} effects, {dict(ends)}, {reconnects} reconnects, calm after {calm_s:.1f} s, "
            f"truth after {time.monotonic() - began:.1f} s"
        )

    def abandon(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _raise_failures(self) -> None:
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()


@contextlib.asynccontextmanager
async def under_load(fleet: Fleet, dice: random.Random) -> AsyncIterator[Load]:
    """Six pairs at work on both hubs; at the end of the block they stop, and everything is checked."""

    async def begin(number: int) -> Pair:
        owner, ones, buyer, others = await fleet.pair(number)
        listing_id = await fleet.listing(owner)
        for socket in (ones, others):
            await socket.watch(f"listing:{listing_id}", f"calendar:{listing_id}")
        return Pair(fleet, random.Random(dice.random()), owner, ones, buyer, others, listing_id)

    load = Load(fleet, await asyncio.gather(*(begin(number) for number in range(PAIRS))))
    try:
        await load.steps(15)
        yield load
        await load.finish()
    finally:
        load.abandon()
        await asyncio.gather(*load._tasks, return_exceptions=True)
