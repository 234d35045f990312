"""Search by place: the four parts, filters, orders, and the far side of the world. Each test has a place of its own."""

from __future__ import annotations

from typing import Any

import pytest

from infra.process import now_ms
from market.kernel.errors import BadInput
from market.kernel.facts import ListingRated
from market.kernel.geo import Point, distance_m
from market.kernel.ids import Id
from market.listings import actions, views
from market.listings.commands import Pause, Search
from market.listings.rules.shown import SearchView
from market.listings.wing import Listings
from tests.integration.conftest import call, someone
from tests.integration.listings.conftest import hear, heard, publish


async def at(listings: Listings, lat: float, lng: float, **changes: Any) -> Id:
    return (await publish(listings, someone(), lat=lat, lng=lng, **changes)).listing_id


async def search(listings: Listings, lat: float, lng: float, **rest: Any) -> SearchView:
    return await views.search(listings, call(someone()), Search(lat=lat, lng=lng, **rest))


def ids(found: SearchView) -> list[Id]:
    return [hit.listing.listing_id for hit in found.hits]


async def test_nothing_there_is_an_answer(listings: Listings) -> None:
    assert await search(listings, -60.0, -150.0) == SearchView(hits=(), next=None, candidates=0)


async def test_the_parts_come_with_each_result(listings: Listings) -> None:
    near = await at(listings, -40.0, 10.0, price_hour_fen=None, price_day_fen=100)
    far = await at(listings, -40.015, 10.0, price_hour_fen=None, price_day_fen=300)
    await at(listings, -40.1, 10.0)
    found = await search(listings, -40.0, 10.0, radius_m=2_200)
    assert (ids(found), found.candidates) == ([near, far], 2)
    first, second = found.hits
    for hit in found.hits:  # of the place that is shown, from which nobody can find the true one
        metres = distance_m(Point(-40.0, 10.0), Point(hit.listing.lat, hit.listing.lng))
        assert hit.distance_m == round(metres)
        assert hit.parts.distance == pytest.approx(2 ** (-metres / 2000), abs=1e-3)
    assert 150 <= first.distance_m <= 300
    assert first.parts.price == pytest.approx(2 / 3)
    assert second.parts.price == pytest.approx(0.4)
    assert first.parts.deal_rate == 0.6
    assert first.parts.rating == 0.75
    rest = 0.18 + 0.15 + 0.1 * 2 / 3
    assert first.score == pytest.approx(0.4 * first.parts.distance + rest)


async def test_the_other_orders(listings: Listings) -> None:
    near = await at(listings, -41.0, 11.0, price_day_fen=900, price_hour_fen=None)
    cheap = await at(listings, -41.01, 11.0, price_day_fen=100, price_hour_fen=None)
    liked = await at(listings, -41.02, 11.0, price_day_fen=500, price_hour_fen=None)
    rated = ListingRated(listing_id=liked, version=1, rating_centistars=480, ratings=9)
    await hear(listings, heard("listing.rated", liked, 1, rated))
    assert ids(await search(listings, -41.0, 11.0, sort="distance")) == [near, cheap, liked]
    assert ids(await search(listings, -41.0, 11.0, sort="price")) == [cheap, liked, near]
    assert ids(await search(listings, -41.0, 11.0, sort="rating"))[0] == liked
    assert ids(await search(listings, -41.0, 11.0, sort="distance", limit=1)) == [near]


async def test_filters(listings: Listings) -> None:
    drill = await at(listings, -42.0, 12.0, title="Bosch 电钻", description="100% 新")
    book = await at(
        listings, -42.0, 12.0, title="红楼梦", description="电钻不在此", category="books"
    )
    owner = someone()
    paused = await publish(listings, owner, lat=-42.0, lng=12.0)
    await actions.pause(listings, call(owner), Pause(listing_id=paused.listing_id, version=1))
    assert set(ids(await search(listings, -42.0, 12.0))) == {drill, book}
    assert ids(await search(listings, -42.0, 12.0, category="books")) == [book]
    assert set(ids(await search(listings, -42.0, 12.0, text="电钻"))) == {drill, book}
    assert ids(await search(listings, -42.0, 12.0, text="电钻 bosch")) == [drill]
    assert ids(await search(listings, -42.0, 12.0, text="0%")) == [drill]
    assert ids(await search(listings, -42.0, 12.0, text="1_0")) == []
    assert ids(await search(listings, -42.0, 12.0, text="' OR 1=1 --")) == []


async def test_across_the_antimeridian_and_at_the_pole(listings: Listings) -> None:
    east = await at(listings, -17.0, 179.98)
    west = await at(listings, -17.0, -179.98)
    found = await search(listings, -17.0, 179.99, radius_m=5_000, sort="distance")
    assert ids(found) == [east, west]
    assert ids(await search(listings, -17.0, -179.99, radius_m=5_000, sort="distance")) == [
        west,
        east,
    ]
    one = await at(listings, -89.99, 0.0)
    other = await at(listings, -89.99, 180.0)
    assert set(ids(await search(listings, -90.0, 90.0, radius_m=2_000))) == {one, other}


async def test_the_cap_keeps_the_nearest(
    listings: Listings, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = [await at(listings, -43.0 - n / 100, 13.0) for n in (3, 1, 2)]
    monkeypatch.setattr(views, "MAX_CANDIDATES", 2)
    assert ids(await search(listings, -43.0, 13.0, sort="distance")) == [placed[1], placed[2]]


@pytest.mark.parametrize(
    "query",
    [
        {"lat": "31", "lng": "200"},
        {"lat": "nan", "lng": "0"},
        {"lat": "31"},
        {"lat": "31", "lng": "121", "radius_m": "50001"},
        {"lat": "31", "lng": "121", "limit": "0"},
        {"lat": "31", "lng": "121", "sort": "luck"},
        {"lat": "31", "lng": "121", "category": "weapons"},
    ],
)
async def test_bad_queries_are_refused(listings: Listings, query: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        await views.search.perform(listings, someone(), now_ms(), None, query, strings=True)


async def test_a_query_string_will_do(listings: Listings) -> None:
    id_ = await at(listings, -44.0, 14.0)
    query = {"lat": "-44", "lng": "14.0", "radius_m": "300", "limit": "5"}
    found = await views.search.perform(listings, someone(), now_ms(), None, query, strings=True)
    assert ids(found) == [id_]
