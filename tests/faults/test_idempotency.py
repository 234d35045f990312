"""One key, one effect: fifty identical commands raced over two api processes and two hubs, and clients whose socket breaks."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections import Counter
from typing import Any

import pytest

from devkit.client import Person, Refusal, Socket
from tests.faults.fleet import HOUR_MS, Fleet, some_hours
from tests.faults.truth import assert_truth, calm

pytestmark = pytest.mark.timeout(60)

STARS = {"punctuality": 4, "condition": 5, "communication": 3, "comment": "守时"}


class Racer:
    """Somebody with a socket on each hub, who says everything fifty times at once."""

    def __init__(self, person: Person, sockets: list[Socket]) -> None:
        self.person = person
        self.sockets = sockets

    async def race(
        self, name: str, body: dict[str, Any], path: str, rest_body: dict[str, Any]
    ) -> Any:
        """15 times on each hub and 20 times by REST, under one key. The one reply that all of them got."""
        key = secrets.token_hex(8)
        asked = [socket.command(name, body, key) for socket in self.sockets * 15]
        asked += [self.person.rest("POST", path, rest_body, key=key) for _ in range(20)]
        random.shuffle(asked)
        replies = await asyncio.gather(*asked)
        assert len(replies) == 50
        assert all(reply == replies[0] for reply in replies)
        return replies[0]


async def racer(fleet: Fleet) -> Racer:
    person = await fleet.person()
    return Racer(person, [await fleet.socket(person, hub) for hub in (0, 1)])


async def test_fifty_of_each_command(fleet: Fleet, dice: random.Random) -> None:
    """A whole order's life, in which each command is given fifty times, has the effects of one."""
    owner, buyer = await racer(fleet), await racer(fleet)
    thing = {
        "title": "投影仪", "category": "other", "lat": 31.2, "lng": 121.4, "plan": {"weekly": [[[0, 1440]]] * 7},
        "price_hour_fen": 1000, "deposit_fen": 20_000,
    }  # fmt: skip
    listing = await owner.race("listings.publish", thing, "/v1/listings", thing)
    listing_id = listing["listing_id"]
    mine = "SELECT id FROM listings.listings WHERE owner_id = %s"
    assert await fleet.rows(mine, int(owner.person.id)) == [(int(listing_id),)]

    start_ms, end_ms = some_hours(dice, int(time.time() * 1000))
    wish = {"listing_id": listing_id, "start_ms": start_ms, "end_ms": end_ms, "terms_version": 1}
    order = await buyer.race("orders.create", wish, "/v1/orders", wish)
    order_id = order["order_id"]
    bought = "SELECT id, version FROM orders.orders WHERE buyer_id = %s"
    assert await fleet.rows(bought, int(buyer.person.id)) == [(int(order_id), 1)]

    line = {"kind": "text", "text": "几点方便？"}
    path = f"/v1/conversations/{order_id}/messages"
    sent = await buyer.race("chat.send", {**line, "conversation_id": order_id}, path, line)
    assert sent["seq"] == 1
    found = (await owner.person.rest("GET", path))["messages"]
    assert [(m["seq"], m["text"]) for m in found] == [(1, "几点方便？")]

    prepaid = await asyncio.gather(
        *(
            buyer.person.rest("POST", "/v1/payments/prepay", {"order_id": order_id})
            for _ in range(50)
        )
    )
    packages = {(p["payment_id"], p["amount_fen"], p["params"]["package"]) for p in prepaid}
    assert len(packages) == 1  # what is signed for the phone has a nonce of its own each time
    await buyer.person.pay(packages.pop()[2].removeprefix("prepay_id="))
    for socket in (*owner.sockets, *buyer.sockets):
        role = "owner" if socket in owner.sockets else "buyer"
        await socket.watch(f"order:{order_id}:{role}", f"chat:{order_id}", f"calendar:{listing_id}")
    mine_s, theirs = f"order:{order_id}:owner", f"order:{order_id}:buyer"

    ready = await buyer.sockets[0].until(theirs, lambda t: t.state["state"] == "ready")
    body = {"code": ready.state["code"]}
    named = {"order_id": order_id}
    path = f"/v1/orders/{order_id}"
    await owner.race("orders.start", {**body, **named}, f"{path}/start", body)
    in_use = await owner.sockets[1].until(mine_s, lambda t: t.state["state"] == "in_use")
    body = {"code": in_use.state["code"]}
    await buyer.race("orders.return", {**body, **named}, f"{path}/return", body)
    done = await owner.race("orders.accept", named, f"{path}/accept", {})
    assert (done["state"], done["version"]) == ("completed", 5)
    for one in (owner, buyer):
        await one.race("ratings.rate", {**named, **STARS}, f"/v1/ratings/orders/{order_id}", STARS)
    await calm(fleet)
    clients = [(one.person, socket) for one in (owner, buyer) for socket in one.sockets]
    await assert_truth(fleet, clients)


async def test_fifty_cancellations(fleet: Fleet, dice: random.Random) -> None:
    owner, buyer = await fleet.person(), await racer(fleet)
    listing_id = await fleet.listing(owner)
    start_ms, end_ms = some_hours(dice, int(time.time() * 1000))
    wish = {"listing_id": listing_id, "start_ms": start_ms, "end_ms": end_ms, "terms_version": 1}
    order_id = (await buyer.person.rest("POST", "/v1/orders", wish))["order_id"]
    await fleet.pay(buyer.person, order_id)
    socket = buyer.sockets[0]
    await socket.watch(f"order:{order_id}:buyer")
    await socket.until(f"order:{order_id}:buyer", lambda t: t.state["state"] == "ready")
    body = {"reason": "下雨", "version": 2}
    reply = await buyer.race(
        "orders.cancel", {"order_id": order_id, **body}, f"/v1/orders/{order_id}/cancel", body
    )
    assert (reply["state"], reply["version"]) == ("cancelled", 3)
    await calm(fleet)
    await assert_truth(fleet, [(buyer.person, socket)])
    refunds = await fleet.rows(
        "SELECT COUNT(*) FROM payments.refunds WHERE order_id = %s", int(order_id)
    )
    assert refunds == [(1,)]


async def test_fifty_refreshes(fleet: Fleet) -> None:
    """A refresh that is repeated because its answer got lost is not taken for theft, and gives the same tokens."""
    person = await fleet.person()
    body = {"refresh_token": person.tokens["refresh_token"]}
    key = secrets.token_hex(8)
    replies = await asyncio.gather(
        *(person.rest("POST", "/v1/token/refresh", body, key=key, token=None) for _ in range(50))
    )
    assert {reply["refresh_token"] for reply in replies} == {replies[0]["refresh_token"]}
    assert all(reply == replies[0] for reply in replies)
    person.tokens = replies[0]
    fresh = await person.rest(
        "POST", "/v1/token/refresh", {"refresh_token": person.tokens["refresh_token"]}, token=None
    )
    assert fresh["refresh_token"] != person.tokens["refresh_token"]
    with pytest.raises(Refusal, match="session_revoked"):
        await person.rest("POST", "/v1/token/refresh", body, token=None)  # another key: theft


async def test_one_key_for_two_commands(fleet: Fleet, dice: random.Random) -> None:
    """Whichever of two different commands comes first has the key; the other one is refused, always."""
    owner, buyer = await fleet.people(2)
    listing_id = await fleet.listing(owner)
    base_ms = (int(time.time() * 1000) // HOUR_MS + 2) * HOUR_MS
    key = secrets.token_hex(8)

    async def ask(day: int) -> str:
        start_ms = base_ms + day * 24 * HOUR_MS
        wish = {"listing_id": listing_id, "start_ms": start_ms, "end_ms": start_ms + HOUR_MS, "terms_version": 1}  # fmt: skip
        try:
            made = await buyer.rest("POST", "/v1/orders", wish, key=key)
        except Refusal as refusal:
            return refusal.code
        return f"{day}:{made['order_id']}"

    days = [1, 2] * 25
    dice.shuffle(days)
    answers = Counter(await asyncio.gather(*(ask(day) for day in days)))
    assert len(answers) == 2
    assert answers.pop("key_reused") == 25
    assert (
        len(await fleet.rows("SELECT id FROM orders.orders WHERE buyer_id = %s", int(buyer.id)))
        == 1
    )


async def test_a_socket_that_breaks_all_the_time(fleet: Fleet, dice: random.Random) -> None:
    """Every command is answered, each has one effect, and the log has no gap, although each connection lives for milliseconds."""
    owner, ones, buyer, others = await fleet.pair(0)
    listing_id = await fleet.listing(owner)
    start_ms, end_ms = some_hours(dice, int(time.time() * 1000))
    wish = {"listing_id": listing_id, "start_ms": start_ms, "end_ms": end_ms, "terms_version": 1}
    order_id = (await others.command("orders.create", wish))["order_id"]
    await asyncio.gather(*(socket.watch(f"chat:{order_id}") for socket in (ones, others)))
    texts = [f"第 {n} 句" for n in range(60)]

    async def keep_breaking() -> None:
        while True:
            await asyncio.sleep(dice.uniform(0.005, 0.1))
            await dice.choice((ones, others)).drop()

    async def say(number: int, text: str) -> tuple[int, str]:
        await asyncio.sleep(number * 0.03)
        line = {"conversation_id": order_id, "kind": "text", "text": text}
        return (await (ones, others)[number % 2].command("chat.send", line))["seq"], text

    breaking = asyncio.create_task(keep_breaking())
    said = await asyncio.gather(*(say(number, text) for number, text in enumerate(texts)))
    breaking.cancel()
    print(f"{ones.reconnects} and {others.reconnects} reconnects")
    assert min(ones.reconnects, others.reconnects) >= 5
    assert sorted(seq for seq, _ in said) == list(range(1, 61))
    path = f"/v1/conversations/{order_id}/messages"
    found = (await owner.rest("GET", path, query={"limit": 200}))["messages"]
    assert [(m["seq"], m["text"]) for m in found] == sorted(said)
    await calm(fleet)
    await assert_truth(fleet, [(owner, ones), (buyer, others)])
