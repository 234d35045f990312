"""The product's ranking against an independent one: the same pages, the same scores, in thousands of random cities."""

from __future__ import annotations

import random

import pytest

from infra.process import now_ms
from market.kernel.geo import Point
from market.kernel.ids import Id
from market.listings.rules import ranking, searching
from market.listings.rules.ranking import Weights
from market.listings.rules.searching import Found, Sort, Wish
from market.listings.search import comparables
from market.listings.search.mysql import MysqlEngine
from market.listings.search.results import Search
from market.listings.wing import Listings
from tests.integration.listings.cities import City, put
from tests.integration.listings.search_reference import Placed, Query, World, page

CITIES = 2_000
LENGTH = 20
CLOSE = 1e-9
SORTS: tuple[Sort, ...] = ("match", "distance", "price", "rating")


def cities(count: int, chance: random.Random) -> list[City]:
    """Each too far from the others to be found with them; some across the antimeridian, one at each pole."""
    squares = [(lat, lng) for lat in range(-70, 71, 2) for lng in range(-176, 177, 4)]
    ends = [(lat, 180) for lat in range(-70, 71, 4)]
    centers = [
        Point(lat + chance.uniform(-0.3, 0.3), (lng + chance.uniform(-0.3, 0.3) + 180) % 360 - 180)
        for lat, lng in chance.sample(squares, count - len(ends) - 2) + ends
    ]
    return [City(center, chance) for center in [*centers, Point(89.8, 1.0), Point(-89.8, 1.0)]]


def wish(query: Query) -> Wish:
    edges = (None, None, None, None)
    if query.south_west is not None and query.north_east is not None:
        edges = (*query.south_west, *query.north_east)  # type: ignore[assignment]
    distance, deal_rate, rating, price = query.weights
    return Wish(
        area=searching.area_of(query.lat, query.lng, query.radius_m or 1.0, edges),
        category=query.category, min_day_fen=query.cheapest_fen, max_day_fen=query.dearest_fen,
        sort=next(sort for sort in SORTS if sort == query.sort),
        weights=Weights(distance=distance, deal_rate=deal_rate, rating=rating, price=price),
    )  # fmt: skip


def differences(found: list[Found], expected: list[Placed], asked: Wish) -> list[str]:
    scores = {placed.thing.id: placed.score for placed in expected}
    faults = [] if len(found) == len(expected) else [f"{len(found)} and not {len(expected)}"]
    for place, (one, other) in enumerate(zip(found, expected, strict=False)):
        score = ranking.score(ranking.parts(one.merits, one.metres), asked.weights)
        if one.id != other.thing.id:
            faults.append(f"{place}: {one.id} ({score}), not {other.thing.id} ({other.score})")
        elif abs(score - scores[other.thing.id]) > CLOSE or abs(one.metres - other.metres) > 1e-3:
            faults.append(f"{place}: {score}, not {other.score}; {one.metres}, not {other.metres}")
    return faults


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_the_same_pages_as_the_reference(listings: Listings) -> None:
    chance = random.Random(20261123)
    towns = cities(CITIES, chance)
    await put(listings, [thing for town in towns for thing in town.things])
    await comparables.refresh(listings.db, now_ms())
    engine = MysqlEngine(listings.db)
    faults: list[str] = []
    shown = 0
    for town in towns:
        query = town.query()
        asked = wish(query)
        ranked = World(town.things).ranked(query)
        search = Search(engine, listings.db, asked, None, now_ms())
        found = await search.page((), LENGTH, explores=False)
        expected = page(ranked, LENGTH) if query.sort == "match" else ranked[:LENGTH]
        shown += len(expected)
        more = len(ranked) > LENGTH
        faults += [f"{query}: {fault}" for fault in differences(list(found.page), expected, asked)]
        if found.more is not more or found.candidates != len(ranked):
            faults.append(f"{query}: {found.more}, {found.candidates}, not {more}, {len(ranked)}")
    assert not faults, "\n".join(faults[:10])
    assert shown > 3 * CITIES, "the cities are empty"


async def test_pages_follow_each_other_without_a_gap_or_a_double(listings: Listings) -> None:
    """And together are what the reference makes of all that is left, each time."""
    chance = random.Random(3)
    towns = {lat: City(Point(lat, 33.3), chance) for lat in (-81.3, -82.3, -83.3)}
    for town in towns.values():
        await put(listings, town.things)
    await comparables.refresh(listings.db, now_ms())
    for lat, town in towns.items():
        query = Query(lat=lat, lng=33.3, radius_m=50_000.0)
        asked = wish(query)
        left = World(town.things).ranked(query)
        shown: list[Id] = []
        while True:
            search = Search(MysqlEngine(listings.db), listings.db, asked, None, now_ms())
            found = await search.page(shown, 7, explores=False)
            expected = page(left, 7)
            assert [one.id for one in found.page] == [placed.thing.id for placed in expected]
            shown += [one.id for one in found.page]
            left = [placed for placed in left if placed not in expected]
            if not found.more:
                break
        assert not left
