"""What has happened in the demo's neighbourhood before one looks: orders that went well, their ratings, and one that is under way.

WeChat's stand-in spoils some calls on purpose, so a deal may stay where it is for a while; nothing waits for it longer than PATIENCE_S.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from typing import Any

import aiohttp

from devkit.client import Person, Refusal
from devkit.loop import CENTER, HOUR_MS
from devkit.seed import KNOWN, OFFERS, PEOPLE, log_in
from devkit.stack import Stack

PATIENCE_S = 12
HALF_HOUR_MS = HOUR_MS // 2
BEGAN_MS, SHORT_MS = 8 * 60_000, 15 * 60_000
"""As short as may be and begun as long ago as may be: what is over still takes its time."""
OPEN_STATES = {"requested", "pending_payment", "ready", "in_use", "returned", "claimed", "disputed"}

Neighbours = dict[str, Person]


@dataclass(frozen=True, slots=True)
class Deal:
    """`stars`: punctuality, condition, communication, as the buyer and as the owner give them."""

    buyer: str
    title: str
    stars: tuple[tuple[int, int, int], tuple[int, int, int]]
    said: tuple[str, str]


PAST = (
    Deal("阿哲", "山地自行车，九成新", ((5, 5, 5), (5, 5, 5)), ("车况很好，变速顺滑，交接也准时", "按时归还，还擦干净了")),
    Deal("小满", "冲击钻套装", ((5, 4, 5), (5, 5, 4)), ("师傅还教了我怎么换钻头", "爱惜东西，欢迎再来")),
    Deal("阿哲", "电动打气泵", ((5, 5, 4), (4, 5, 5)), ("小巧好用，阿姨人很好", "沟通顺畅")),
    Deal("小满", "折叠自行车", ((4, 5, 5), (5, 5, 5)), ("折起来能进地铁，推荐", "守时，放心")),
)  # fmt: skip

UNDER_WAY = "山地自行车，九成新"
TALK = (
    ("buyer", "你好，我下午骑去滨江，方便在小区门口交接吗？"),
    ("owner", "可以的，我在东门等你，头盔也给你带上。"),
    ("buyer", "太好了，到了我把交接码给你看。"),
)


def happen(stack: Stack) -> None:
    """The past once; an order that is under way between the first two whenever there is none."""
    asyncio.run(_happen(stack))


async def _happen(stack: Stack) -> None:
    names = {person["openid"]: person["name"] for person in PEOPLE}
    async with aiohttp.ClientSession() as http:
        known = await asyncio.gather(*(log_in(http, stack, openid) for openid in KNOWN))
        people = {names[person.openid]: person for person in known}
        owner, buyer = (people[person["name"]] for person in PEOPLE[:2])
        orders = (await buyer.rest("GET", "/v1/orders", query={"role": "buyer"}))["orders"]
        listings = await _listings(buyer)
        if not orders:
            await asyncio.gather(*(_patiently(_went_well(people, deal, listings)) for deal in PAST))
            await asyncio.gather(*(_patiently(_reads(person)) for person in known))
        if not any(order["state"] in OPEN_STATES for order in orders):
            await _patiently(_is_under_way(owner, buyer, listings[UNDER_WAY]["listing_id"]))
        await asyncio.gather(*(_patiently(person.allow_messages()) for person in known))


async def _patiently(work: Any) -> None:
    with contextlib.suppress(TimeoutError, Refusal):
        async with asyncio.timeout(PATIENCE_S):
            await work


async def _listings(person: Person) -> dict[str, Any]:
    """Title -> listing, once all that are offered can be found."""
    query = {"lat": CENTER[0], "lng": CENTER[1], "radius_m": 5000, "limit": 50}
    wanted = {offer[0] for offer in OFFERS}
    until = time.monotonic() + PATIENCE_S
    while True:
        hits = (await person.rest("GET", "/v1/listings", query=query))["hits"]
        found = {hit["listing"]["title"]: hit["listing"] for hit in hits}
        if wanted <= found.keys() or time.monotonic() > until:
            return found
        await asyncio.sleep(0.1)


async def _paid(buyer: Person, listing_id: str, start_ms: int, end_ms: int) -> str:
    """The order's id, once it is paid."""
    period = {"listing_id": listing_id, "start_ms": start_ms, "end_ms": end_ms}
    order_id = str(
        (await buyer.rest("POST", "/v1/orders", {**period, "terms_version": 1}))["order_id"]
    )
    prepay = await buyer.rest("POST", "/v1/payments/prepay", {"order_id": order_id})
    await buyer.pay(prepay["params"]["package"].removeprefix("prepay_id="))
    await _is(buyer, order_id, "ready")
    return order_id


async def _is(person: Person, order_id: str, state: str) -> Any:
    while True:
        order = await person.rest("GET", f"/v1/orders/{order_id}")
        if order["state"] == state:
            return order
        await asyncio.sleep(0.05)


async def _went_well(people: Neighbours, deal: Deal, listings: dict[str, Any]) -> None:
    listing = listings[deal.title]
    buyer, owner = people[deal.buyer], people[listing["owner"]["nickname"]]
    start_ms = int(time.time() * 1000) - BEGAN_MS
    order_id = await _paid(buyer, listing["listing_id"], start_ms, start_ms + SHORT_MS)
    path = f"/v1/orders/{order_id}"
    code = (await _is(buyer, order_id, "ready"))["code"]
    await owner.rest("POST", f"{path}/start", {"code": code})
    code = (await _is(owner, order_id, "in_use"))["code"]
    await buyer.rest("POST", f"{path}/return", {"code": code})
    await owner.rest("POST", f"{path}/accept", {})
    for person, stars, words in zip((buyer, owner), deal.stars, deal.said, strict=True):
        marks = dict(zip(("punctuality", "condition", "communication"), stars, strict=True))
        await _once_there(person, f"/v1/ratings/orders/{order_id}", {**marks, "comment": words})


async def _reads(person: Person) -> None:
    """What has come to the inbox so far."""
    entries = (await person.rest("GET", "/v1/notices"))["entries"]
    if entries:
        await person.rest("POST", "/v1/notices/read", {"up_to": max(one["seq"] for one in entries)})


async def _is_under_way(owner: Person, buyer: Person, listing_id: str) -> None:
    """Paid, to be handed over within the hour, and talked about."""
    start_ms = (int(time.time() * 1000) // HALF_HOUR_MS + 3) * HALF_HOUR_MS
    order_id = await _paid(buyer, listing_id, start_ms, start_ms + 4 * HOUR_MS)
    sides = {"buyer": buyer, "owner": owner}
    for side, text in TALK:
        line = {"kind": "text", "text": text}
        await _once_there(sides[side], f"/v1/conversations/{order_id}/messages", line)


async def _once_there(person: Person, path: str, body: dict[str, Any]) -> None:
    """Another wing hears of an order a little later."""
    while True:
        try:
            await person.rest("POST", path, body)
            return
        except Refusal as refusal:
            if refusal.code != "not_found":
                raise
        await asyncio.sleep(0.05)
