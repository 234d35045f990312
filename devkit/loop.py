"""One order's whole life, walked by two people over sockets and REST: found, held, ordered, paid, used, given back, settled,
rated by both, with chat on the way. Each step says whether it happened, and how long it took to reach both.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp

from devkit.client import Person, Push, Refusal, Socket

HOUR_MS = 3_600_000
CENTER = (31.2304, 121.4737)
"""People's Square, Shanghai."""

FOUND_S = 3.0
"""A search may be read from a replica, which may be so old."""

WHOLE_WEEK = {"weekly": [[[0, 1440]]] * 7}
RENT_FEN, DEPOSIT_FEN = 1000, 20_000


@dataclass(slots=True)
class Step:
    """`commit_to_receipt_ms`: from just before the COMMIT to the last of the two; None where nothing is pushed."""

    loop: int
    name: str
    ok: bool
    at_ms: float
    commit_to_receipt_ms: float | None = None
    command_to_receipt_ms: float | None = None
    error: str = ""


@dataclass(slots=True)
class Party:
    person: Person
    socket: Socket

    async def sees(self, matches: Callable[[Push], bool]) -> tuple[int, int]:
        """(UTC us of the receipt, UTC us of the commit) of the first matching push."""
        received = await self.socket.push_where(matches)
        return received.at_us, int(received.push["committed_us"])


async def join(
    http: aiohttp.ClientSession, openid: str, *, api: str, hubs: list[str], sandbox: str, hub: int
) -> Party:
    """Somebody who is logged in, connected and watching their own inbox."""
    person = Person(http, api=api, hubs=hubs, sandbox=sandbox, openid=openid)
    await person.log_in()
    socket = await person.connect(hub=hub)
    await socket.watch(f"user:{person.id}")
    return Party(person, socket)


class Loop:
    """One walk. `steps` is complete after `walk`, up to the first step that did not happen."""

    def __init__(self, number: int, owner: Party, buyer: Party) -> None:
        self.number = number
        self.owner = owner
        self.buyer = buyer
        self.steps: list[Step] = []
        self._began = time.monotonic()

    async def walk(self) -> bool:
        """Whether every step happened."""
        try:
            await self._walk()
        except (Refusal, TimeoutError, OSError, AssertionError, aiohttp.ClientError):
            return False  # the step has noted it
        return True

    async def _walk(self) -> None:
        owner, buyer = self.owner, self.buyer
        title = f"山地自行车 {random.randrange(10**9)}"
        listing = await self._step("publish", lambda: self._publish(title))
        listing_id = listing["listing_id"]
        await self._step("find", lambda: self._find(title, listing_id))
        for party in (owner, buyer):
            await party.socket.watch(
                f"listing:{listing_id}", f"calendar:{listing_id}", f"hold:{listing_id}"
            )

        start_ms = int(time.time() * 1000)
        period = {"listing_id": listing_id, "start_ms": start_ms, "end_ms": start_ms + HOUR_MS}
        hold = await self._step(
            "hold", lambda: buyer.socket.command("orders.hold", period),
            push=lambda reply: on(f"hold:{listing_id}", lambda p: leased(p, reply["lease_id"])),
        )  # fmt: skip
        terms_version = buyer.socket.topics[f"calendar:{listing_id}"].state["terms_version"]
        order = await self._step(
            "order",
            lambda: buyer.socket.command(
                "orders.create",
                {**period, "terms_version": terms_version, "lease_id": hold["lease_id"]},
            ),
            push=lambda reply: on(f"calendar:{listing_id}", lambda p: [start_ms, start_ms + HOUR_MS] in p["payload"]["busy"]),
        )  # fmt: skip
        order_id = order["order_id"]
        await owner.socket.watch(f"order:{order_id}:owner", f"chat:{order_id}")
        await buyer.socket.watch(f"order:{order_id}:buyer", f"chat:{order_id}")

        await self._step(
            "pay", lambda: self._pay(order_id), push=lambda _: moved(order_id, "ready")
        )
        for name, sender, text in (
            ("chat", buyer, "你好，我到楼下了"),
            ("chat reply", owner, "马上下来"),
        ):
            await self._step(
                name,
                partial(self._say, sender, order_id, text),
                push=partial(said, order_id, text),
            )
        code = buyer.socket.topics[f"order:{order_id}:buyer"].state["code"]
        await self._step(
            "start", lambda: owner.socket.command("orders.start", {"order_id": order_id, "code": code}),
            push=lambda _: moved(order_id, "in_use"),
        )  # fmt: skip
        await owner.socket.until(f"order:{order_id}:owner", lambda t: t.state["state"] == "in_use")
        code = owner.socket.topics[f"order:{order_id}:owner"].state["code"]
        await self._step(
            "return", lambda: buyer.socket.command("orders.return", {"order_id": order_id, "code": code}),
            push=lambda _: moved(order_id, "returned"),
        )  # fmt: skip
        await self._step(
            "accept", lambda: owner.socket.command("orders.accept", {"order_id": order_id}),
            push=lambda _: moved(order_id, "completed"),
        )  # fmt: skip
        await self._step("settle", lambda: self._settled(order_id))
        scores = {"punctuality": 5, "condition": 4, "communication": 5}
        await self._step(
            "rate by buyer",
            lambda: buyer.socket.command(
                "ratings.rate", {"order_id": order_id, **scores, "comment": "很好用"}
            ),
        )
        await self._step(
            "rate by owner",
            lambda: owner.socket.command(
                "ratings.rate", {"order_id": order_id, **scores, "comment": "准时"}
            ),
            push=lambda _: notice("ratings.revealed", order_id),
        )
        await self._step("balance", lambda: self._balance(order_id))

    async def _step(
        self, name: str, act: Callable[[], Awaitable[Any]],
        push: Callable[[Any], Callable[[Party], Callable[[Push], bool]]] | None = None,
    ) -> Any:  # fmt: skip
        """Act, then wait until both have received the push (`push(reply)(party)` says which)."""
        step = Step(self.number, name, False, (time.monotonic() - self._began) * 1000)
        self.steps.append(step)
        began_us = time.time_ns() // 1000
        try:
            reply = await act()
            if push is not None:
                seen = [await p.sees(push(reply)(p)) for p in (self.owner, self.buyer)]
                last_us = max(at_us for at_us, _ in seen)
                committed_us = min(committed or began_us for _, committed in seen)
                step.commit_to_receipt_ms = (last_us - committed_us) / 1000
                step.command_to_receipt_ms = (last_us - began_us) / 1000
        except BaseException as error:
            step.error = f"{type(error).__name__}: {error}"
            raise
        step.ok = True
        return reply

    async def _publish(self, title: str) -> Any:
        lat, lng = (c + random.uniform(-0.01, 0.01) for c in CENTER)
        return await self.owner.person.publish(
            {
                "title": title, "description": "九成新，刹车灵", "category": "bicycles", "lat": lat, "lng": lng,
                "address": "人民广场 1 号", "plan": WHOLE_WEEK, "price_hour_fen": RENT_FEN,
                "deposit_fen": DEPOSIT_FEN,
            },
        )  # fmt: skip

    async def _find(self, title: str, listing_id: str) -> None:
        query = {"lat": CENTER[0], "lng": CENTER[1], "radius_m": 5000, "text": title}
        deadline = time.monotonic() + FOUND_S
        while True:
            found = await self.buyer.person.rest("GET", "/v1/listings", query=query)
            ids = [hit["listing"]["listing_id"] for hit in found["hits"]]
            if listing_id in ids:
                return
            assert time.monotonic() < deadline, f"{listing_id} not among {ids}"
            await asyncio.sleep(0.05)

    async def _say(self, sender: Party, order_id: str, text: str) -> Any:
        line = {"conversation_id": order_id, "kind": "text", "text": text}
        return await sender.socket.command("chat.send", line)

    async def _pay(self, order_id: str) -> None:
        prepay = await self.buyer.person.rest("POST", "/v1/payments/prepay", {"order_id": order_id})
        await self.buyer.person.pay(prepay["params"]["package"].removeprefix("prepay_id="))

    async def _settled(self, order_id: str) -> None:
        """The owner is told of the money, the buyer of the deposit that came back."""
        await self.owner.sees(notice("payment.settled", order_id)(self.owner))
        await self.buyer.sees(notice("payment.refunded", order_id)(self.buyer))

    async def _balance(self, order_id: str) -> None:
        """Every fen of this order is where it belongs."""
        path = f"/v1/payments/orders/{order_id}"
        paid = await self.buyer.person.rest("GET", path)
        earned = await self.owner.person.rest("GET", path)
        assert paid["paid"]["status"] == "paid", paid
        assert paid["paid"]["total_fen"] == RENT_FEN + DEPOSIT_FEN, paid
        assert paid["paid"]["refunded_fen"] == DEPOSIT_FEN, paid
        assert earned["due"]["settled_fen"] == RENT_FEN - RENT_FEN // 10, earned


def on(topic: str, also: Callable[[Push], bool]) -> Callable[[Party], Callable[[Push], bool]]:
    return lambda _party: lambda push: push["topic"] == topic and also(push)


def said(order_id: str, text: str, _reply: Any) -> Callable[[Party], Callable[[Push], bool]]:
    return on(f"chat:{order_id}", lambda push: text in str(push["payload"]))


def leased(push: Push, lease_id: str) -> bool:
    return any(lease["lease_id"] == lease_id for lease in push["payload"])


def moved(order_id: str, state: str) -> Callable[[Party], Callable[[Push], bool]]:
    """Each party's own topic says that the order is in that state."""
    return lambda _party: (
        lambda push: (
            push["topic"].startswith(f"order:{order_id}:") and push["payload"]["state"] == state
        )
    )


def notice(kind: str, order_id: str) -> Callable[[Party], Callable[[Push], bool]]:
    return lambda party: (
        lambda push: (
            push["topic"] == f"user:{party.person.id}"
            and push["payload"].get("kind") == kind
            and order_id in str(push["payload"])
        )
    )
