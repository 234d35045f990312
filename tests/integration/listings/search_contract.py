"""What every engine behind `market.listings.search.port` must do. A suite for one inherits these tests and brings the engine.

What the engine finds in random cities is compared with the reference in test_search_reference.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from infra.process import now_ms
from market.kernel.geo import Point, moved
from market.kernel.ids import Id
from market.listings import actions
from market.listings.commands import Edit, Pause, Resume
from market.listings.rules import searching
from market.listings.rules.ranking import DISTANCE_ONLY, Weights
from market.listings.rules.searching import Area, Wish
from market.listings.search.port import Engine, New
from market.listings.wing import Listings
from tests.integration.conftest import call, new_id, someone
from tests.integration.listings.cities import put
from tests.integration.listings.conftest import publish
from tests.integration.listings.search_reference import Thing


def thing(at: Point, **changes: Any) -> Thing:
    return Thing(
        **{
            "id": int(new_id()), "owner": int(new_id()), "category": "tools", "lat": at.lat, "lng": at.lng,
            "day_fen": 1_000, "stars": 4.0, "ended": 0, "completed": 0, **changes,
        }
    )  # fmt: skip


async def ids(engine: Engine, area: Area, *without: int, limit: int = 50, **rest: Any) -> list[int]:
    hidden = [Id(id_) for id_ in without]
    return [int(one.id) for one in await engine.best(Wish(area=area, **rest), hidden, limit)]


class SearchContract:
    """`engine` is a fixture of whoever inherits."""

    async def test_nothing_is_found_where_nothing_is(self, engine: Engine) -> None:
        area = searching.around(Point(-78.0, -150.0), 50_000)
        assert await engine.best(Wish(area=area), (), 20) == []
        first = await engine.first(Wish(area=area), (), 20, new=New(since_ms=0, limit=20), most=20)
        assert (list(first.best), list(first.newest), first.count) == ([], [], 0)

    async def test_the_radius_is_a_circle(self, engine: Engine, listings: Listings) -> None:
        here = Point(-50.0, 10.0)
        inside = [thing(moved(here, bearing, 2_990)) for bearing in (0.0, 0.8, 2.0, 4.0)]
        outside = [thing(moved(here, bearing, 3_010)) for bearing in (0.0, 0.8, 2.0, 4.0)]
        await put(listings, [*inside, *outside])
        found = await engine.best(Wish(area=searching.around(here, 3_000)), (), 50)
        assert {int(one.id) for one in found} == {one.id for one in inside}
        assert all(one.metres == pytest.approx(2_990, abs=0.01) for one in found)

    @pytest.mark.parametrize("lng", [179.999, -179.999])
    async def test_the_antimeridian_divides_nothing(
        self, engine: Engine, listings: Listings, lng: float
    ) -> None:
        lat = -51.0 + lng / 1000
        east, west = thing(Point(lat, 179.99)), thing(Point(lat, -179.99))
        await put(listings, [east, west])
        order = [east.id, west.id] if lng > 0 else [west.id, east.id]
        around = searching.around(Point(lat, lng), 5_000)
        assert await ids(engine, around, sort="distance") == order
        box = searching.area_of(None, None, 1, (lat - 0.01, 179.98, lat + 0.01, -179.98))
        assert set(await ids(engine, box)) == set(order)
        narrow = searching.area_of(None, None, 1, (lat - 0.01, 179.98, lat + 0.01, 179.995))
        assert await ids(engine, narrow) == [east.id]

    @pytest.mark.parametrize("pole", [90.0, -90.0])
    async def test_all_ways_lead_over_the_pole(
        self, engine: Engine, listings: Listings, pole: float
    ) -> None:
        lat = pole - 0.01 if pole > 0 else pole + 0.01
        things = [thing(Point(lat, lng)) for lng in (-180.0, -90.0, 0.0, 90.0)]
        await put(listings, things)
        for lng in (-180.0, -17.0, 0.0, 180.0):
            around = searching.around(Point(pole, lng), 1_200)
            assert {one.id for one in things} <= set(await ids(engine, around))

    async def test_filters(self, engine: Engine, listings: Listings) -> None:
        here = Point(-52.0, 10.0)
        cheap = thing(here, day_fen=100)
        dear = thing(here, day_fen=900, category="books")
        await put(listings, [cheap, dear])
        area = searching.around(here, 100)
        assert set(await ids(engine, area)) == {cheap.id, dear.id}
        assert await ids(engine, area, category="books") == [dear.id]
        assert await ids(engine, area, min_day_fen=101) == [dear.id]
        assert await ids(engine, area, max_day_fen=100) == [cheap.id]
        assert await ids(engine, area, dear.id) == [cheap.id]
        assert await ids(engine, area, min_day_fen=101, max_day_fen=899) == []
        first = await engine.first(Wish(area=area), (Id(dear.id),), 50, most=50)
        assert ([one.id for one in first.best], first.count) == ([cheap.id], 2)
        assert (await engine.first(Wish(area=area), (), 50, most=1)).count == 1
        assert (await engine.first(Wish(area=area, category="books"), (), 50, most=50)).count == 1

    async def test_words_are_words_and_nothing_else(
        self, engine: Engine, listings: Listings
    ) -> None:
        at = {"lat": -53.0, "lng": 10.0}
        owner = someone()
        drill = await publish(listings, owner, title="Bosch 电钻", description="100% 新", **at)
        await publish(listings, owner, title="红楼梦", description="旧", **at)
        area = searching.around(Point(**at), 1_000)
        for words in (("电钻",), ("bosch", "新"), ("0%",), ("100%",)):
            assert await ids(engine, area, words=words) == [int(drill.listing_id)]
        for words in (("1_0",), ("电钻", "旧"), ("' OR 1=1 --",), ("\\",)):
            assert await ids(engine, area, words=words) == []

    async def test_the_orders(self, engine: Engine, listings: Listings) -> None:
        here = Point(-54.0, 10.0)
        near = thing(here, day_fen=900, stars=3.0)
        cheap = thing(moved(here, 1.0, 1_000), day_fen=100, stars=4.0)
        liked = thing(moved(here, 1.0, 2_000), day_fen=500, stars=5.0, ended=9, completed=9)
        await put(listings, [near, cheap, liked])
        area = searching.around(here, 5_000)
        assert await ids(engine, area, sort="distance") == [near.id, cheap.id, liked.id]
        assert await ids(engine, area, sort="price") == [cheap.id, liked.id, near.id]
        assert await ids(engine, area, sort="rating") == [liked.id, cheap.id, near.id]
        assert await ids(engine, area, sort="rating", limit=1) == [liked.id]
        by = Weights(distance=0.0, deal_rate=1.0, rating=0.0, price=0.0)
        assert (await ids(engine, area, weights=by))[0] == liked.id
        assert await ids(engine, area, weights=DISTANCE_ONLY) == [near.id, cheap.id, liked.id]

    async def test_at_equal_rank_the_older_comes_first(
        self, engine: Engine, listings: Listings
    ) -> None:
        here = Point(-55.0, 10.0)
        things = [thing(here) for _ in range(7)]
        await put(listings, things)
        expected = sorted(one.id for one in things)
        for sort in ("match", "distance", "price", "rating"):
            assert await ids(engine, searching.around(here, 10), sort=sort) == expected
            assert await ids(engine, searching.around(here, 10), sort=sort, limit=3) == expected[:3]

    async def test_only_what_is_live_where_it_is(self, engine: Engine, listings: Listings) -> None:
        owner = someone()
        here, there = (
            searching.around(Point(-56.0, 10.0), 900),
            searching.around(Point(-56.5, 10.0), 900),
        )
        listing = await publish(listings, owner, lat=-56.0, lng=10.0)
        id_, seen = listing.listing_id, listing.version
        assert await ids(engine, here) == [int(id_)]
        await actions.edit(
            listings, call(owner), Edit(listing_id=id_, version=seen, lat=-56.5, lng=10.0)
        )
        assert (await ids(engine, here), await ids(engine, there)) == ([], [int(id_)])
        await actions.pause(listings, call(owner), Pause(listing_id=id_, version=seen + 1))
        assert await ids(engine, there) == []
        await actions.resume(listings, call(owner), Resume(listing_id=id_, version=seen + 2))
        assert await ids(engine, there) == [int(id_)]

    async def test_the_newest_first_and_nothing_that_has_had_orders(
        self, engine: Engine, listings: Listings
    ) -> None:
        began_ms = now_ms()
        first, second = [
            (await publish(listings, someone(), lat=-57.0, lng=10.0)).listing_id for _ in range(2)
        ]
        await put(listings, [thing(Point(-57.0, 10.0))])  # published long ago
        wish = Wish(area=searching.around(Point(-57.0, 10.0), 900))

        async def newest(*shown: Id, since_ms: int = began_ms - 1, limit: int = 20) -> list[Id]:
            new = New(since_ms=since_ms, limit=limit)
            return [one.id for one in (await engine.first(wish, shown, 20, new=new)).newest]

        assert await newest() == [second, first]
        assert await newest(limit=1) == [second]
        assert await newest(second) == [first]
        assert await newest(since_ms=now_ms() + 1) == []
