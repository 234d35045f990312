"""Search by place: the four parts, filters, orders, and the far side of the world. Each test has a place of its own."""

from __future__ import annotations

from typing import Any

import pytest

from infra import wire
from infra.mysql.database import Tx
from infra.process import now_ms
from market.kernel.availability import ALWAYS
from market.kernel.errors import BadInput
from market.kernel.facts import ListingRated
from market.kernel.geo import Point, distance_m, moved
from market.kernel.ids import Id
from market.kernel.period import DAY_MS
from market.listings import actions, commands, taking_store, views
from market.listings.commands import Close, Pause
from market.listings.rules import searching
from market.listings.rules.searching import Wish
from market.listings.rules.shown import SearchView
from market.listings.rules.takings import Taking
from market.listings.search import comparables
from market.listings.search.mysql import MysqlEngine
from market.listings.search.results import Search
from market.listings.wing import Listings
from tests.integration.conftest import call, new_id, someone
from tests.integration.listings.cities import put
from tests.integration.listings.conftest import hear, heard, publish
from tests.integration.listings.search_contract import thing


async def at(listings: Listings, lat: float, lng: float, **changes: Any) -> Id:
    return (await publish(listings, someone(), lat=lat, lng=lng, **changes)).listing_id


async def search(listings: Listings, lat: float, lng: float, **rest: Any) -> SearchView:
    return await views.search(listings, call(someone()), commands.Search(lat=lat, lng=lng, **rest))


def ids(found: SearchView) -> list[Id]:
    return [hit.listing.listing_id for hit in found.hits]


async def test_nothing_there_is_an_answer(listings: Listings) -> None:
    assert await search(listings, -60.0, -150.0) == SearchView(hits=(), next=None, candidates=0)


async def test_the_parts_and_the_reasons_come_with_each_result(listings: Listings) -> None:
    near = await at(listings, -40.0, 10.0, price_hour_fen=None, price_day_fen=500)
    far = await at(listings, -40.015, 10.0, price_hour_fen=None, price_day_fen=1500)
    for _ in range(3):
        await at(listings, -40.04, 10.0, price_hour_fen=None, price_day_fen=1000)
    await comparables.refresh(listings.db, now_ms())
    found = await search(listings, -40.0, 10.0, radius_m=2_200)
    assert (ids(found), found.candidates, found.next) == ([near, far], 2, None)
    first, second = found.hits
    for hit in found.hits:  # of the place that is shown, from which nobody can find the true one
        metres = distance_m(Point(-40.0, 10.0), Point(hit.listing.lat, hit.listing.lng))
        assert hit.distance_m == hit.why.distance_m == round(metres)
        assert hit.parts.distance == pytest.approx(2 ** (-metres / 2000), abs=1e-3)
        assert (hit.why.rating_centistars, hit.why.ratings, hit.why.is_new) == (400, 0, True)
    assert 150 <= first.distance_m <= 300
    assert first.parts.price == pytest.approx(2 / 3)
    assert second.parts.price == pytest.approx(0.4)
    assert (first.why.price_percent, second.why.price_percent) == (-50, 50)
    assert first.parts.deal_rate == 0.6
    assert first.parts.rating == 0.75
    rest = 0.18 + 0.15 + 0.1 * 2 / 3
    assert first.score == pytest.approx(0.4 * first.parts.distance + rest)


async def test_what_is_comparable_is_known_when_there_is_enough_of_it(listings: Listings) -> None:
    """In the district; where that has too little, around it; and no longer when it has gone."""
    here = {"lat": -45.5, "lng": 20.5, "price_hour_fen": None}
    owner = someone()
    mine = [
        await publish(listings, owner, price_day_fen=fen, **here) for fen in (100, 200, 300, 400)
    ]

    async def percents() -> list[int | None]:
        await comparables.refresh(listings.db, now_ms())
        found = await search(listings, -45.5, 20.5, sort="price")
        return [hit.why.price_percent for hit in found.hits]

    assert await percents() == [None] * 4
    await publish(listings, owner, price_day_fen=250, **{**here, "category": "books"})
    assert await percents() == [None] * 5
    fifth = await publish(listings, owner, price_day_fen=800, **here)
    assert await percents() == [-67, -33, None, 0, 33, 167]
    later = await publish(listings, owner, price_day_fen=150, **here)  # knows at once
    found = await search(listings, -45.5, 20.5, sort="price")
    assert [hit.why.price_percent for hit in found.hits][1] == -50
    for listing in (fifth, later):
        command = Close(listing_id=listing.listing_id, version=listing.version)
        await actions.close(listings, call(owner), command)
    assert await percents() == [None] * 5
    assert len(mine) == 4


async def test_pages_show_everything_once(listings: Listings) -> None:
    owners = [someone() for _ in range(4)]
    published = {
        (await publish(listings, owners[n % 4], lat=-46.0, lng=10.0)).listing_id for n in range(11)
    }
    seen: list[Id] = []
    cursor: str | None = None
    for pages in range(1, 9):
        found = await search(listings, -46.0, 10.0, limit=3, cursor=cursor)
        seen += ids(found)
        cursor = found.next
        if cursor is None:
            break
        # ranks move between the pages: what was shown rises to the top, or falls to the end
        for moves in seen[-1:]:
            rated = ListingRated(
                listing_id=moves,
                version=pages,
                rating_centistars=100 + pages % 2 * 400,
                ratings=pages,
            )
            await hear(listings, heard("listing.rated", moves, pages, rated))
    assert len(seen) == len(set(seen)) == 11
    assert set(seen) == published


async def test_what_is_new_is_given_a_chance_unless_one_asks_for_the_same_as_everybody(
    listings: Listings,
) -> None:
    """Forty that are well rated and near, and a new one far away, that would come last."""
    here = Point(-47.0, 10.0)
    old = [thing(moved(here, n, 100.0), stars=5.0, ended=50, completed=50) for n in range(40)]
    await put(listings, old)
    new = await at(listings, -47.03, 10.0)
    wish = Wish(area=searching.around(here, 5_000))
    results = Search(MysqlEngine(listings.db), listings.db, wish, None, now_ms())
    for length, place in ((9, None), (10, 4), (20, 4)):
        page = [one.id for one in (await results.page((), length, explores=True)).page]
        assert len(page) == len(set(page)) == length
        assert (page.index(new) if new in page else None) == place
        for_all = (await results.page((), length, explores=False)).page
        assert new not in {one.id for one in for_all}
        assert [id_ for id_ in page if id_ != new] == [one.id for one in for_all][
            : length - (place is not None)
        ]
    assert new not in {one.id for one in (await results.page([new], 20, explores=True)).page}


async def test_free_then(listings: Listings) -> None:
    """What can be booked for the period, as far as this wing has heard."""
    free, taken = [await at(listings, -49.0, 10.0, plan=wire.plain(ALWAYS)) for _ in range(2)]
    begin = now_ms() // DAY_MS * DAY_MS + 10 * DAY_MS
    period = {"start_ms": begin, "end_ms": begin + DAY_MS}

    async def body(tx: Tx) -> None:
        taking_store.save(
            tx,
            [
                Taking(
                    order_id=new_id(), version=1, listing_id=taken, start_ms=begin,
                    until_ms=begin + 3_600_000, seats=1, in_use=False,
                )
            ],
        )  # fmt: skip

    await listings.db.act(now_ms(), body, type(None))
    assert set(ids(await search(listings, -49.0, 10.0))) == {free, taken}
    assert ids(await search(listings, -49.0, 10.0, **period)) == [free]
    late = {"start_ms": begin + DAY_MS, "end_ms": begin + 2 * DAY_MS}
    assert set(ids(await search(listings, -49.0, 10.0, **late))) == {free, taken}
    assert ids(await search(listings, -49.0, 10.0, **late, seats=2)) == []


async def test_attributes(listings: Listings) -> None:
    id_ = await at(listings, -49.5, 10.0)

    async def body(tx: Tx) -> None:
        await tx.execute(
            "UPDATE listings SET attributes = %s WHERE id = %s",
            '{"gears": 7, "electric": true, "brand": "凤凰"}',
            id_,
        )

    await listings.db.act(now_ms(), body, type(None))
    for wanted in ("gears:7", "electric:true", "brand:凤凰", "gears:7,brand:凤凰"):
        assert ids(await search(listings, -49.5, 10.0, attributes=wanted)) == [id_]
    for wanted in ("gears:8", "electric:1", "colour:red", "gears:7,brand:永久"):
        assert ids(await search(listings, -49.5, 10.0, attributes=wanted)) == []


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
    await actions.pause(listings, call(owner), Pause(listing_id=paused.listing_id, version=2))
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
        {"lat": "31", "lng": "121", "radius_m": "nan"},
        {"lat": "inf", "lng": "121"},
        {"south": "31", "west": "121", "north": "32"},
        {"south": "-90", "west": "-180", "north": "90", "east": "180"},
        {"lat": "31", "lng": "121", "cursor": "AAAA"},
        {"lat": "31", "lng": "121", "cursor": "' OR 1=1 --"},
        {"lat": "31", "lng": "121", "cursor": "A" * 4_301},
        {"lat": "31", "lng": "121", "attributes": "gears"},
        {"lat": "31", "lng": "121", "attributes": "$.gears:7"},
        {"lat": "31", "lng": "121", "attributes": ",".join(["gears:7"] * 10_000)},
        {"lat": "31", "lng": "121", "text": "长" * 65},
        {"lat": "31", "lng": "121", "start_ms": "1"},
        {"lat": "31", "lng": "121", "start_ms": "2", "end_ms": "1"},
        {"lat": "31", "lng": "121", "seats": "0"},
        {"lat": "31", "lng": "121", "min_price_day_fen": "-1"},
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
