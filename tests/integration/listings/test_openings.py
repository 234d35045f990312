"""How often a listing is opened by others, as its owner is shown it."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from infra.process import now_ms
from infra.redis.client import connect
from market.kernel.actor import ANONYMOUS, Actor, Call
from market.kernel.availability import ALWAYS
from market.kernel.errors import NotFound, Unauthenticated
from market.kernel.ids import Id
from market.kernel.period import DAY_MS
from market.listings import actions, views
from market.listings.commands import ListMine, Open
from market.listings.openings import Openings
from market.listings.wing import Listings
from tests.integration.conftest import call, new_id, someone
from tests.integration.listings.conftest import publish

NOW_MS = now_ms()


async def opened(listings: Listings, listing_id: Id, who: Actor, at_ms: int = NOW_MS) -> None:
    await actions.open_(listings, Call(actor=who, now_ms=at_ms), Open(listing_id=listing_id))


async def counts(listings: Listings, owner: Actor) -> list[int | None]:
    await listings.openings.flush()
    mine = await views.mine(listings, call(owner), ListMine())
    return [listing.views for listing in mine.listings]


async def test_each_counts_once_a_day_and_owners_not_at_all(listings: Listings) -> None:
    owner, guest = someone(), someone()
    first, second = await publish(listings, owner), await publish(listings, owner, title="另一把")
    assert await counts(listings, owner) == [None, None]
    await opened(listings, first.listing_id, owner)
    await asyncio.gather(*(opened(listings, first.listing_id, guest) for _ in range(5)))
    await opened(listings, second.listing_id, guest)
    assert await counts(listings, owner) == [1, 1]
    await opened(listings, first.listing_id, someone())
    await opened(listings, first.listing_id, guest, NOW_MS + DAY_MS)
    assert await counts(listings, owner) == [1, 3]


async def test_what_nobody_can_see_cannot_be_opened(listings: Listings) -> None:
    owner = someone()
    bare = {"category": "tools", "lat": 31.23, "lng": 121.47, "plan": {"weekly": ALWAYS.weekly}}
    hidden = await actions.draft.perform(listings, owner, NOW_MS, str(new_id()), bare)
    for listing_id in (hidden.listing_id, new_id()):
        with pytest.raises(NotFound):
            await opened(listings, listing_id, someone())
    await opened(listings, hidden.listing_id, owner)
    assert await counts(listings, owner) == [None]
    with pytest.raises(Unauthenticated):
        await actions.open_.perform(listings, ANONYMOUS, NOW_MS, None, {"listing_id": "1"})


async def test_without_redis_nothing_is_counted_and_nobody_is_refused(listings: Listings) -> None:
    away: Redis = connect("redis://127.0.0.1:9/0")
    openings = Openings(listings.db, away)
    await openings.count(new_id(), new_id(), NOW_MS)
    assert await openings.flush() == 0
    await away.aclose()
