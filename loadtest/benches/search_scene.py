"""A country for `search`: listings in twenty cities, dense in their centres, made by a seeded generator.

Each is a copy of one that was published as listings are, at another place, of another category, with another price and past. They are
written by the columns that the product writes: what search reads from a file, the listings themselves out of that.
"""

from __future__ import annotations

import itertools
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from loadtest.benches.order_scene import LOWEST_ID, WRITTEN, Market
from market.kernel.cells import CELL
from market.kernel.geo import Point, cell, moved
from market.kernel.period import DAY_MS, HOUR_MS
from market.kernel.regions import REGIONS
from market.listings.commands import Category

CATEGORIES: tuple[Category, ...] = get_args(Category)
SHARES = (0.24, 0.18, 0.12, 0.1, 0.1, 0.1, 0.09, 0.07)
PRICES_FEN = (2_500, 3_000, 20_000, 15_000, 9_000, 5_000, 800, 3_000)
"""Of a day, at the median."""
PRICES_VARY = 0.6
LISTINGS_OF_AN_OWNER = 4
CORE, CORE_M = 0.4, 4_500.0
"""So many live in a city's core, of that spread; the others in its quarters and around them."""
QUARTERS, QUARTERS_M, QUARTER_M = 8, (4_000.0, 20_000.0), 2_500.0
SCATTERED, SCATTERED_M = 0.08, 35_000.0
NEW = 0.05
YEAR_MS = 365 * DAY_MS
OF_SEARCH = (
    "listing_id", "owner_id", "category", "cell", "lat", "lng", "day_fen", "reference_fen", "rating_centistars", "orders_created",
    "orders_completed", "published_ms",
)  # fmt: skip
DERIVED = {
    "id": "f.listing_id", "owner_id": "f.owner_id", "category": "f.category", "cell": "f.district", "lat": "f.lat", "lng": "f.lng",
    "shown_lat": "f.lat", "shown_lng": "f.lng", "rating_centistars": "f.rating_centistars", "orders_created": "f.orders_created",
    "orders_completed": "f.orders_completed", "published_ms": "f.published_ms", "changed_ms": "f.published_ms",
    "title": "CONCAT('共享物品 ', f.listing_id)",
    "terms": "JSON_SET(m.terms, '$.price_hour_fen', NULL, '$.price_day_fen', f.day_fen)",
}  # fmt: skip
"""Columns of a listing, from those of search (f) and those of the model (m)."""
TAKEN = (
    "INSERT INTO listings.takings (order_id, version, listing_id, start_ms, until_ms, seats, in_use, due_ms) "
    "SELECT f.listing_id * 4 + n.seq, 1, f.listing_id, %s + (f.listing_id * 7 + n.seq * 31) MOD 240 * 3600000, "
    "%s + ((f.listing_id * 7 + n.seq * 31) MOD 240 + 4) * 3600000, 1, 0, NULL "
    "FROM listings.findable f JOIN listings.seq_0_to_2 n WHERE f.listing_id BETWEEN %s AND %s AND f.listing_id MOD 2 = 0"
)
"""Half of the listings are taken three times within ten days, for four hours each."""


@dataclass(frozen=True, slots=True)
class City:
    center: Point
    quarters: tuple[Point, ...]
    weight: float


class Country:
    """The same for the same seed. The n-th listing does not depend on how many there are."""

    def __init__(self, seed: int, now_ms: int) -> None:
        self._chance = random.Random(seed)
        self._now_ms = now_ms
        self.cities = [self._city(n, region.center) for n, region in enumerate(REGIONS)]
        self._weights = list(itertools.accumulate(city.weight for city in self.cities))
        self._shares = list(itertools.accumulate(SHARES))

    def _city(self, rank: int, center: Point) -> City:
        chance = self._chance
        quarters = (
            moved(center, chance.uniform(0, 2 * math.pi), chance.uniform(*QUARTERS_M))
            for _ in range(QUARTERS)
        )
        return City(center, tuple(quarters), 1 / (rank + 4))

    def rows(self, first: int, last: int) -> Iterator[tuple[object, ...]]:
        """As `OF_SEARCH`; asked for in order, without gaps."""
        chance = self._chance
        for number in range(first, last):
            point = self._somewhere()
            kind = self._kind()
            ended = int(chance.expovariate(1 / 6))
            completed = sum(chance.random() < 0.75 for _ in range(ended))
            is_new = chance.random() < NEW
            age_ms = chance.random() * (14 * DAY_MS if is_new else YEAR_MS)
            stars = round(min(500, max(100, chance.gauss(430, 35)))) if ended else 400
            yield (
                LOWEST_ID + number, LOWEST_ID + number // LISTINGS_OF_AN_OWNER, CATEGORIES[kind], cell(point, CELL),
                point.lat, point.lng, int(PRICES_FEN[kind] * chance.lognormvariate(0, PRICES_VARY)), "\\N", stars,
                0 if is_new else ended, 0 if is_new else completed, int(self._now_ms - age_ms),
            )  # fmt: skip

    def query(self, *, filtered: bool) -> dict[str, object]:
        """Somewhere in the centre of one of the larger cities."""
        chance = self._chance
        city = chance.choice(self.cities[:5])
        here = moved(city.center, chance.uniform(0, 2 * math.pi), abs(chance.gauss(0, 1_500)))
        query: dict[str, object] = {"lat": here.lat, "lng": here.lng, "radius_m": 5000}
        if filtered:
            start_ms = (self._now_ms // DAY_MS + 2) * DAY_MS + chance.randrange(150) * HOUR_MS
            query |= {
                "category": CATEGORIES[self._kind()], "start_ms": start_ms, "end_ms": start_ms + 3 * HOUR_MS,
            }  # fmt: skip
        return query

    def _kind(self) -> int:
        return self._chance.choices(range(len(CATEGORIES)), cum_weights=self._shares)[0]

    def _somewhere(self) -> Point:
        chance = self._chance
        city = chance.choices(self.cities, cum_weights=self._weights)[0]
        share = chance.random()
        if share < CORE:
            center, spread_m = city.center, CORE_M
        elif share < 1 - SCATTERED:
            center, spread_m = chance.choice(city.quarters), QUARTER_M
        else:
            return moved(
                city.center, chance.uniform(0, 6.3), SCATTERED_M * math.sqrt(chance.random())
            )
        north_m, east_m = chance.gauss(0, spread_m), chance.gauss(0, spread_m)
        return moved(center, math.atan2(east_m, north_m), math.hypot(north_m, east_m))


class SearchMarket(Market):
    """Fills the listings' schema. Blocks, but for `publish`."""

    def fill(self, country: Country, model: int, have: int, count: int, directory: Path) -> float:
        """So that there are `count` and not `have`; the seconds it took."""
        began = time.monotonic()
        file = directory / "findable.tsv"
        with file.open("w") as out:
            for row in country.rows(have, count):
                out.write("\t".join(map(str, row)) + "\n")
        first, last = LOWEST_ID + have, LOWEST_ID + count - 1
        begin_ms = int(time.time() * 1000) // DAY_MS * DAY_MS
        with self.cursor() as cursor:
            cursor.execute("SET SESSION unique_checks = 0")
            cursor.execute(
                f"LOAD DATA INFILE %s INTO TABLE listings.findable ({', '.join(OF_SEARCH)})",
                [str(file)],
            )
            names = self._written(cursor)
            columns = ", ".join(f"`{name}`" for name in names)
            values = ", ".join(DERIVED.get(name, f"m.`{name}`") for name in names)
            for at in range(first, last + 1, 50_000):
                until = min(last, at + 49_999)
                cursor.execute(
                    f"INSERT INTO listings.listings ({columns}) SELECT {values} FROM listings.findable f "
                    "JOIN listings.listings m ON m.id = %s WHERE f.listing_id BETWEEN %s AND %s",
                    [model, at, until],
                )
                cursor.execute(TAKEN, [begin_ms, begin_ms, at, until])
            cursor.execute("ANALYZE TABLE listings.findable, listings.listings, listings.takings")
        file.unlink()
        return time.monotonic() - began

    def densest(self, points: Sequence[Point]) -> int:
        """How many there are within some five kilometres of the most crowded of these."""
        with self.cursor() as cursor:
            found = []
            for point in points:
                cursor.execute(
                    "SELECT COUNT(*) FROM listings.findable WHERE district LIKE %s AND ABS(lat - %s) < 0.045 "
                    "AND POW(lat - %s, 2) + POW((lng - %s) * COS(RADIANS(%s)), 2) < POW(5000 / 111195, 2)",
                    [cell(point, 2) + "%", point.lat, point.lat, point.lng, point.lat],
                )
                found.append(int(cursor.fetchone()[0]))
        return max(found)

    def _written(self, cursor: Any) -> list[str]:
        cursor.execute(WRITTEN, ["listings", "listings"])
        return [column for (column,) in cursor.fetchall()]
