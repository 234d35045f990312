"""Random small cities, each far from the others, as the reference and as the product have them."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import get_args

from infra.mysql.database import Tx
from infra.process import now_ms
from market.kernel.availability import ALWAYS
from market.kernel.geo import Point, moved
from market.kernel.ids import Id
from market.kernel.terms import Terms
from market.listings.commands import Category
from market.listings.rules.listing import Listing, OwnerCard
from market.listings.search import mysql
from market.listings.wing import Listings
from tests.integration.conftest import new_id
from tests.integration.listings.search_reference import Query, Thing

CATEGORIES = get_args(Category)
BATCH = 400
WEIGHTS = ((0.4, 0.3, 0.2, 0.1),) * 3 + ((1.0, 0.0, 0.0, 0.0), (0.0, 0.1, 0.3, 0.6), (0.25, 0.25, 0.25, 0.25), (0.7, 0.3, 0.0, 0.0))  # fmt: skip


class City:
    """Some dozen listings around a centre: a few owners, a few categories, prices of one order of magnitude."""

    def __init__(self, center: Point, chance: random.Random) -> None:
        self.center = center
        self._chance = chance
        self._spread_m = chance.choice((300.0, 1_500.0, 6_000.0, 15_000.0))
        self._categories = chance.sample(CATEGORIES, chance.choice((1, 2, 4)))
        owners = [int(new_id()) for _ in range(chance.choice((2, 5, 40)))]
        self.things = [self._thing(owners) for _ in range(chance.choice((0, 3, 12, 30, 60)))]

    def _thing(self, owners: Sequence[int]) -> Thing:
        chance = self._chance
        point = self._somewhere()
        ended = int(chance.expovariate(1 / 6))
        return Thing(
            id=int(new_id()), owner=chance.choice(owners), category=chance.choice(self._categories), lat=point.lat,
            lng=point.lng, day_fen=chance.choice((0, 5_000, int(chance.lognormvariate(8, 0.8)))),
            stars=chance.randint(100, 500) / 100, ended=ended, completed=chance.randint(0, ended),
        )  # fmt: skip

    def _somewhere(self) -> Point:
        chance = self._chance
        if chance.random() < 0.05:
            return self.center
        metres = min(30_000.0, chance.expovariate(1 / self._spread_m))
        return moved(self.center, chance.uniform(0, 2 * math.pi), metres)

    def query(self) -> Query:
        chance = self._chance
        here = moved(self.center, chance.uniform(0, 2 * math.pi), chance.uniform(0, self._spread_m))
        box = chance.random() < 0.3
        half_lat = chance.uniform(0.001, 0.2)
        half_lng = half_lat / max(0.05, math.cos(math.radians(self.center.lat)))
        west, east = self.center.lng - half_lng, self.center.lng + half_lng
        return Query(
            lat=here.lat, lng=here.lng,
            radius_m=None if box else float(chance.choice((400, 2_000, 5_000, 20_000, 50_000))),
            south_west=(max(-90.0, self.center.lat - half_lat), _around(west)) if box else None,
            north_east=(min(90.0, self.center.lat + half_lat), _around(east)) if box else None,
            category=chance.choice((None, None, self._categories[0])),
            cheapest_fen=chance.choice((None, None, None, 2_000)),
            dearest_fen=chance.choice((None, None, None, 4_000)),
            sort=chance.choice(("match",) * 6 + ("distance", "price", "rating")),
            weights=chance.choice(WEIGHTS),
        )  # fmt: skip


def _around(lng: float) -> float:
    return (lng + 180) % 360 - 180


def listing(thing: Thing) -> Listing:
    point = Point(thing.lat, thing.lng)
    owner = OwnerCard(
        user_id=Id(thing.owner), nickname="", avatar_url="", credit_centistars=400, ratings=0
    )
    return Listing(
        id=Id(thing.id), version=1, terms_version=1, owner=owner, status="live", title="题", description="",
        category=thing.category, photos=(), point=point, blurred=point, region="", address="",
        terms=Terms(plan=ALWAYS, price_day_fen=thing.day_fen), rating_centistars=round(thing.stars * 100),
        orders_created=thing.ended, orders_completed=thing.completed, published_ms=0,
    )  # fmt: skip


async def put(listings: Listings, things: Sequence[Thing]) -> None:
    """Make them findable, and nothing more."""
    for at in range(0, len(things), BATCH):

        async def body(tx: Tx, some: Sequence[Thing] = things[at : at + BATCH]) -> None:
            for thing in some:
                mysql.put(tx, listing(thing))

        await listings.db.act(now_ms(), body, type(None))
