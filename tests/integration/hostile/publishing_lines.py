"""The lines of what is published: drafts, and the looking at them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tests.integration.hostile.asking import Ask, Line, by, get
from tests.integration.hostile.scene import Somebody, World, a_listing

STALE = (("version", 999, "version_conflict"),)
WORDS = {"power_w": 500, "brand": "博世😀", "cordless": True}
FOR_PEOPLE = "可疑"
"""What the sandbox's content check would rather have people look at."""


async def a_draft(world: World) -> Ask:
    return Ask(await world.log_in(), a_listing(attributes=WORDS))


def on_draft(**fields: Any) -> Callable[[World], Awaitable[Ask]]:
    async def build(world: World) -> Ask:
        owner = await world.log_in()
        made = await world.do(owner, "POST", "/v1/listings/drafts", a_listing())
        return Ask(owner, {**await settled(world, owner, made["listing_id"]), **fields})

    return build


async def settled(world: World, owner: Somebody, listing_id: str) -> dict[str, Any]:
    """Once its owner has been heard of, which shows on it."""
    path = f"/v1/listings/{listing_id}"
    found = await world.known(owner, path, lambda v: v["owner"]["nickname"])
    return {"listing_id": listing_id, "version": found["version"]}


async def waiting(world: World) -> Ask:
    """A listing that an operator has to look at."""
    owner, offer = await world.log_in(), a_listing(description=FOR_PEOPLE)
    made = await world.do(owner, "POST", "/v1/listings", offer)
    id_ = made["listing_id"]
    await world.known(
        world.operator, "/v1/listings/reviews?limit=50",
        lambda queue: any(item["listing"]["listing_id"] == id_ for item in queue["items"]),
    )  # fmt: skip
    return Ask(owner, await settled(world, owner, id_))


async def a_verdict(world: World) -> Ask:
    return Ask(
        world.operator, {**(await waiting(world)).fields, "verdict": "reject", "note": "请写清楚"}
    )


async def drafts_of_title(world: World, ask: Ask) -> Any:
    assert ask.who is not None
    mine = await world.ask("GET", "/v1/listings/mine?limit=50", token=ask.who.token)
    return sum(listing["title"] == ask.fields["title"] for listing in mine.json["listings"])


async def state_of(world: World, ask: Ask) -> Any:
    """As its owner sees it, once nothing is under way; what was rejected, nobody else does."""
    path = f"/v1/listings/{ask.fields['listing_id']}"
    if ask.who is world.operator:
        return (await world.ask("GET", path, token=world.operator.token)).status
    assert ask.who is not None
    found = await world.known(ask.who, path, lambda v: v["status"] != "review")
    return found["status"], found["version"]


PUBLISHING_LINES: dict[str, Line] = {
    "listings.draft": Line(build=a_draft, see=drafts_of_title),
    "listings.submit": Line(
        build=on_draft(), stranger="forbidden", see=state_of, stale=STALE
    ),
    "listings.withdraw": Line(
        build=waiting, stranger="forbidden", see=get("/v1/listings/{listing_id}", len), stale=STALE
    ),
    "listings.review": Line(build=a_verdict, stranger="forbidden", see=state_of, stale=STALE),
    "listings.review_queue": Line(build=by("operator", limit=5), stranger="forbidden"),
    "listings.suggest_price": Line(build=by("owner", category="tools", lat=31.2304, lng=121.4737)),
}  # fmt: skip
