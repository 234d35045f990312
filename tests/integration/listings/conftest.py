"""What the listings' tests share: a wing, a thing to publish, facts to hear, the outbox to look into."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest

from infra.mysql.database import Tx
from infra.process import Process, now_ms
from infra.wechat.content_check import Found
from market.kernel.actor import Actor
from market.kernel.errors import Unavailable
from market.kernel.facts import (
    KINDS,
    FactData,
    Heard,
    OrderMoved,
    UserChanged,
)
from market.kernel.ids import Id
from market.listings import actions, views
from market.listings.commands import GetListing
from market.listings.handlers import HANDLERS
from market.listings.rules.shown import ListingView
from market.listings.wing import Listings, open_wing
from tests.integration.conftest import call, new_id, someone
from tests.integration.listings.setting import take_back
from workers import content_checks

WEEK = [[[480, 1320]]] * 7
PLAN = {"weekly": WEEK, "exceptions": [{"day": "2026-10-01", "windows": []}]}
BODY: dict[str, Any] = {
    "title": "电钻",
    "description": "博世,带两块电池",
    "category": "tools",
    "lat": 31.2304,
    "lng": 121.4737,
    "address": "南京东路 1 号",
    "plan": PLAN,
    "price_hour_fen": 500,
    "price_day_fen": 3000,
    "deposit_fen": 10000,
}


@pytest.fixture
async def listings(process: Process) -> Listings:
    return replace(await open_wing(process), check=Says())


class Says:
    """Stands in for WeChat's content check: what it says of texts that contain a word, and of photos; it passes the rest.

    `away`: nobody answers. Photos' trace ids are their keys' last parts.
    """

    def __init__(self) -> None:
        self.of_words: dict[str, Found | Exception] = {}
        self.away = False
        self.texts: list[tuple[str, str]] = []
        self.images: list[tuple[str, str]] = []

    async def text(self, openid: str, text: str) -> Found:
        if self.away:
            raise Unavailable("away")
        self.texts.append((openid, text))
        for word, answer in self.of_words.items():
            if word in text:
                if isinstance(answer, Exception):
                    raise answer
                return answer
        return Found(suggest="pass", label=100)

    async def image(self, openid: str, url: str) -> str:
        if self.away:
            raise Unavailable("away")
        self.images.append((openid, url))
        return trace_of(url)


def trace_of(photo: str) -> str:
    return "-".join(photo.split("/")[-2:])


def says(listings: Listings) -> Says:
    assert isinstance(listings.check, Says)
    return listings.check


async def submit(listings: Listings, owner: Actor, **changes: Any) -> ListingView:
    """Published by somebody whom WeChat knows; nobody has looked at it yet."""
    user = UserChanged(
        user_id=owner.user_id, version=1, nickname="", avatar_url="", role="user",
        openid=f"o-{owner.user_id}",
    )  # fmt: skip
    await hear(listings, heard("user.changed", owner.user_id, 1, user))
    key = str(new_id())
    return await actions.publish.perform(listings, owner, now_ms(), key, BODY | changes)


async def ban(listings: Listings, owner: Actor) -> None:
    """Heard of twice."""
    user = UserChanged(
        user_id=owner.user_id, version=2, nickname="", avatar_url="", role="user", openid="o", banned=True
    )  # fmt: skip
    fact = heard("user.changed", owner.user_id, 2, user)
    await hear(listings, fact, fact)


async def look_at_all(listings: Listings, at_ms: int | None = None) -> None:
    """Everything that is due is asked about, as of now or `at_ms`."""
    while await content_checks.run_once(listings, at_ms or now_ms()):
        pass


@pytest.fixture
async def clean(listings: Listings) -> AsyncIterator[Listings]:
    """What operators set in a test is taken back."""
    yield listings
    await take_back(listings)


async def publish(listings: Listings, owner: Actor, **changes: Any) -> ListingView:
    """As everybody can see it, to its owner's eyes."""
    made = await submit(listings, owner, **changes)
    await look_at_all(listings)
    return await views.get(listings, call(owner), GetListing(listing_id=made.listing_id))


async def hear(listings: Listings, *facts: Heard) -> None:
    async def body(tx: Tx) -> None:
        for fact in facts:
            await HANDLERS[fact.kind](listings, tx, fact)

    await listings.db.act(now_ms(), body, type(None))


def heard(kind: str, entity: Id, version: int, data: FactData) -> Heard:
    assert isinstance(data, KINDS[kind])
    return Heard(
        fact_id=new_id(), kind=kind, entity=entity, version=version, occurred_ms=now_ms(), data=data
    )


def moved(listing: ListingView, state: str) -> Heard:
    order_id = new_id()
    data = OrderMoved(
        order_id=order_id, version=1, transition="accept" if state == "completed" else "create", state=state, by="buyer",
        listing_id=listing.listing_id, buyer_id=new_id(), owner_id=listing.owner.user_id,
        title=listing.title, start_ms=0, end_ms=1, rent_fen=0, deposit_fen=0, fee_fen=0,
        total_fen=0, refund_fen=0,
        refund_deposit_fen=0, owner_fen=0, tells=("buyer", "owner"), pay_by_ms=0,
    )  # fmt: skip
    return heard(f"order.{state}", order_id, 1, data)


@dataclass(frozen=True, slots=True)
class Written:
    """A fact in the outbox, with its pushes as they go over the wire."""

    kind: str
    version: int
    pushes: list[dict[str, Any]]
    raw: bytes


async def facts_of(listings: Listings, listing_id: Id) -> list[Written]:
    """What is in the outbox about a listing, oldest first."""
    sql = "SELECT kind, version, data, pushes FROM outbox WHERE entity = %s ORDER BY seq"
    async with listings.db.read() as cursor:
        rows = await cursor.all(sql, listing_id)
    return [
        Written(kind, version, msgspec.msgpack.decode(pushes), data + pushes)
        for kind, version, data, pushes in rows
    ]


async def look(listings: Listings, listing_id: Id) -> ListingView:
    return await views.get(listings, call(someone()), GetListing(listing_id=listing_id))
