"""Search in MySQL: cells are read best-first, and reading stops when nothing unread can be among the best.

A listing's score is what its distance is worth plus its `standing`, which the indexes of `findable` hold in order within each
cell. No listing of a cell scores more than the cell's nearest place is worth plus its standing; so once as many as are wanted have
been found, of every other cell only those need be looked at whose standing would lift them above the last of these (the
threshold algorithm: Fagin, Lotem, Naor, "Optimal aggregation algorithms for middleware", 2003). Rows are scored where they are.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from infra.mysql.database import Cursor, Database, Row, Tx
from market.kernel import geo
from market.kernel.cells import CELL, DISTRICT, Cell, cover
from market.kernel.geo import EARTH_RADIUS_M, Point, distance_m
from market.kernel.ids import Id
from market.listings.rules import ranking
from market.listings.rules.listing import Listing
from market.listings.rules.ranking import DEFAULT, DISTANCE_ONLY, HALVING_M, NEW_ORDERS, Merits
from market.listings.rules.searching import Area, Found, Wish

PUT = (
    "INSERT INTO findable (listing_id, owner_id, category, cell, lat, lng, day_fen, reference_fen, rating_centistars, "
    "orders_created, orders_completed, published_ms) VALUES (%s, %s, %s, %s, %s, %s, %s, (SELECT reference_fen FROM comparables "
    "WHERE category = %s AND area IN (%s, %s) ORDER BY area DESC LIMIT 1), %s, %s, %s, %s) "
    "ON DUPLICATE KEY UPDATE category = VALUES(category), cell = VALUES(cell), lat = VALUES(lat), lng = VALUES(lng), "
    "day_fen = VALUES(day_fen), reference_fen = VALUES(reference_fen), rating_centistars = VALUES(rating_centistars), "
    "orders_created = VALUES(orders_created), orders_completed = VALUES(orders_completed), published_ms = VALUES(published_ms)"
)
TAKE_AWAY = "DELETE FROM findable WHERE listing_id = %s"
COUNT_ORDERS = (
    "UPDATE findable JOIN ({}) AS counted ON counted.id = findable.listing_id "
    "SET findable.orders_created = counted.created, findable.orders_completed = counted.completed"
)
COUNTED = "SELECT %s AS id, %s AS created, %s AS completed"
DETAILS = (
    "SELECT d.listing_id, d.owner_id, d.lat, d.lng, d.orders_created, d.orders_completed, d.rating_centistars, d.day_fen, "
    "d.reference_fen, d.published_ms FROM ({}) AS b JOIN findable AS d ON d.listing_id = b.listing_id"
)
NEWEST = (
    "(SELECT f.listing_id FROM (SELECT listing_id FROM findable FORCE INDEX (new_in_district) WHERE district {} "
    "AND published_ms > %s ORDER BY published_ms DESC LIMIT %s) AS n STRAIGHT_JOIN findable AS f ON f.listing_id = n.listing_id{} "
    "WHERE f.orders_created < %s{} ORDER BY f.published_ms DESC LIMIT %s)"
)
METRES = (
    "%s * ASIN(LEAST(1e0, SQRT(POW(SIN(RADIANS(f.lat - %s) / 2), 2) "
    "+ COS(RADIANS(f.lat)) * %s * POW(SIN(RADIANS(f.lng - %s) / 2), 2))))"
)
STANDING = "f.standing"
PARTS = "%s * f.deal_part + %s * f.rating_part + %s * f.price_part"
WITH_WORDS = " STRAIGHT_JOIN listings AS l ON l.id = f.listing_id"
INDEXES = {
    (CELL, False): "in_cell",
    (CELL, True): "in_cell_of_category",
    (DISTRICT, False): "in_district",
    (DISTRICT, True): "in_district_of_category",
}

FIRST_CELLS, MORE_CELLS = 2, 3
"""How many are read whole at first, and how many times as many when those hold too few."""
COUNTED_FIRST = 8
NEW_DISTRICTS, NEW_LOOKED_AT = 4, 100
"""How many of the nearest districts are looked at for what is new, and how many of the newest of each."""
HAIR = 1e-9
"""By which sums in two languages may differ."""

Sql = tuple[str, list[object]]


def put(tx: Tx, listing: Listing) -> None:
    """Make a listing findable as it is now, or no longer if it is not live. Its row is locked by this transaction. Deferred."""
    if listing.status != "live":
        tx.defer(TAKE_AWAY, listing.id)
        return
    terms = listing.terms
    name = geo.cell(listing.blurred, CELL)
    day_fen = ranking.day_price_fen(terms.price_hour_fen, terms.price_day_fen, terms.price_week_fen)
    tx.defer(
        PUT, listing.id, listing.owner.user_id, listing.category, name, listing.blurred.lat, listing.blurred.lng,
        day_fen, listing.category, name[:DISTRICT], name[: DISTRICT - 1], listing.rating_centistars,
        listing.orders_created, listing.orders_completed, listing.published_ms,
    )  # fmt: skip


def count_orders(tx: Tx, listings: Sequence[Listing]) -> None:
    """Their counts of orders, and nothing else; of those that are not findable, nothing. Deferred."""
    counted = " UNION ALL ".join([COUNTED] * len(listings))
    values = [v for s in listings for v in (s.id, s.orders_created, s.orders_completed)]
    tx.defer(COUNT_ORDERS.format(counted), *values)


class MysqlEngine:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def best(self, wish: Wish, without: Collection[Id], limit: int) -> list[Found]:
        cells = _cover(wish.area)
        async with self._db.glance() as cursor:
            found: list[Found] = []
            if wish.sort in ("price", "rating"):
                ranges = [(cell, 0.0) for cell in cells]
                found, cells = await _read(cursor, wish, ranges, without, limit), ()
            many = FIRST_CELLS
            while cells and len(found) < limit:
                ranges = [(cell, 0.0) for cell in cells[:many]]
                found += await _read(cursor, wish, ranges, without, limit)
                cells = cells[many:]
                many *= MORE_CELLS
            found = _in_order(found, wish)[:limit]
            ranges = _worth_a_look(cells, wish, found[-1]) if found else []
            if ranges:
                found += await _read(cursor, wish, ranges, without, limit)
        return _in_order(found, wish)[:limit]

    async def newest(
        self, wish: Wish, without: Collection[Id], since_ms: int, limit: int
    ) -> list[Found]:
        districts = list(dict.fromkeys(cell.name[:DISTRICT] for cell in _cover(wish.area)))
        parts, values = [], []
        more, more_values = _conditions(wish, without)
        for name in districts[:NEW_DISTRICTS]:
            exact = len(name) == DISTRICT
            parts.append(NEWEST.format("= %s" if exact else "LIKE %s", _join(wish), more))
            values += [name if exact else f"{name}%", since_ms, NEW_LOOKED_AT, NEW_ORDERS]
            values += [*more_values, limit]
        if not parts:
            return []
        async with self._db.glance() as cursor:
            rows = await cursor.all(DETAILS.format(" UNION ALL ".join(parts)), *values)
        found = [_found(row, wish) for row in rows]
        return sorted(found, key=lambda f: (-f.merits.published_ms, f.id))[:limit]

    async def count(self, wish: Wish, most: int) -> int:
        cells = _cover(wish.area)
        async with self._db.glance() as cursor:
            found = await _count(cursor, wish, cells[:COUNTED_FIRST], most)
            if found < most:
                found += await _count(cursor, wish, cells[COUNTED_FIRST:], most - found)
        return found


@lru_cache(maxsize=64)
def _cover(area: Area) -> Sequence[Cell]:
    """Asked for several times by one search."""
    return tuple(cover(area.here, area.radius_m, area.box))


def _weights(wish: Wish) -> ranking.Weights:
    return DISTANCE_ONLY if wish.sort == "distance" else wish.weights


Range = tuple[Cell, float]
"""The listings of a cell whose standing is that high at least."""


def _worth_a_look(cells: Iterable[Cell], wish: Wish, last: Found) -> list[Range]:
    """What of the cells could hold something better than `last`."""
    weights = _weights(wish)
    floor = ranking.score(ranking.parts(last.merits, last.metres), weights) - HAIR
    ranges = []
    for cell in cells:
        needed = floor - weights.distance * ranking.distance_part(cell.nearest_m)
        standing = ranking.least_standing(needed, weights)
        if standing is not None:
            ranges.append((cell, standing - HAIR))
    return ranges


async def _read(
    cursor: Cursor, wish: Wish, ranges: Sequence[Range], without: Collection[Id], limit: int
) -> list[Found]:
    """The first `limit` of what is in the ranges, and some others, in no order."""
    order, order_values = _order(wish)
    more, more_values = _conditions(wish, without)
    parts: list[str] = []
    values: list[object] = []
    for index, where, where_values in _groups(ranges, wish.category):
        parts.append(
            f"(SELECT f.listing_id FROM findable AS f FORCE INDEX ({index}){_join(wish)} WHERE ({where}){more} "
            f"ORDER BY {order}, f.listing_id LIMIT %s)"
        )
        values += [*where_values, *more_values, *order_values, limit]
    if not parts:
        return []
    rows = await cursor.all(DETAILS.format(" UNION ALL ".join(parts)), *values)
    return [_found(row, wish) for row in rows]


async def _count(cursor: Cursor, wish: Wish, cells: Iterable[Cell], most: int) -> int:
    parts: list[str] = []
    values: list[object] = []
    more, more_values = _conditions(wish, ())
    for index, where, where_values in _groups([(cell, 0.0) for cell in cells], wish.category):
        parts.append(
            f"(SELECT 1 FROM findable AS f FORCE INDEX ({index}){_join(wish)} WHERE ({where}){more} LIMIT %s)"
        )
        values += [*where_values, *more_values, most]
    if not parts:
        return 0
    row = await cursor.one(f"SELECT COUNT(*) FROM ({' UNION ALL '.join(parts)}) AS c", *values)
    assert row is not None
    return min(most, int(row[0]))


def _groups(ranges: Iterable[Range], category: str | None) -> list[tuple[str, str, list[object]]]:
    """(index, condition, its values) for each size of cell."""
    by_size: dict[int, list[Range]] = {}
    for one in ranges:
        by_size.setdefault(len(one[0].name), []).append(one)
    of_category = "" if category is None else " AND f.category = %s"
    groups = []
    for size, of_size in by_size.items():
        test = {CELL: "f.cell = %s", DISTRICT: "f.district = %s"}.get(size, "f.district LIKE %s")
        values: list[object] = []
        for cell, standing in of_size:
            values.append(cell.name if size >= DISTRICT else f"{cell.name}%")
            values += [] if category is None else [category]
            values.append(standing)
        condition = f"({test}{of_category} AND f.standing >= %s)"
        index = INDEXES[max(size, DISTRICT), category is not None]
        groups.append((index, " OR ".join([condition] * len(of_size)), values))
    return groups


def _conditions(wish: Wish, without: Collection[Id]) -> Sql:
    sql, values = "", list[object]()
    area = wish.area
    if area.radius_m is not None:
        metres, metres_values = _metres(area.here)
        sql += f" AND {metres} <= %s"
        values += [*metres_values, area.radius_m]
    else:
        longitudes = " OR ".join(["f.lng BETWEEN %s AND %s"] * len(area.box.longitudes))
        sql += f" AND f.lat BETWEEN %s AND %s AND ({longitudes})"
        values += [area.box.south, area.box.north]
        values += [edge for pair in area.box.longitudes for edge in pair]
    if wish.category is not None:
        sql += " AND f.category = %s"
        values.append(wish.category)
    if wish.min_day_fen is not None:
        sql += " AND f.day_fen >= %s"
        values.append(wish.min_day_fen)
    if wish.max_day_fen is not None:
        sql += " AND f.day_fen <= %s"
        values.append(wish.max_day_fen)
    if without:
        sql += f" AND f.listing_id NOT IN ({', '.join(['%s'] * len(without))})"
        values += without
    for word in wish.words:
        sql += " AND (l.title LIKE %s OR l.description LIKE %s)"
        values += [_containing(word)] * 2
    for name, value in wish.attributes:
        sql += " AND JSON_UNQUOTE(JSON_EXTRACT(l.attributes, %s)) = %s"
        values += [f"$.{name}", value]
    return sql, values


def _join(wish: Wish) -> str:
    return WITH_WORDS if wish.words or wish.attributes else ""


def _order(wish: Wish) -> Sql:
    """What sorts in ascending order."""
    metres, values = _metres(wish.area.here)
    if wish.sort == "price":
        return f"f.day_fen, {metres}", values
    if wish.sort == "rating":
        return f"-f.rating_centistars, {metres}", values
    if wish.sort == "distance":
        return metres, values
    weights = wish.weights
    standing, standing_values = STANDING, list[object]()
    if weights != DEFAULT:
        standing = PARTS
        standing_values = [weights.deal_rate, weights.rating, weights.price]
    return (
        f"-(%s * POW(2e0, -{metres} / %s) + {standing})",
        [weights.distance, *values, HALVING_M, *standing_values],
    )


def _metres(here: Point) -> Sql:
    return METRES, [2 * EARTH_RADIUS_M, here.lat, math.cos(math.radians(here.lat)), here.lng]


def _in_order(found: Iterable[Found], wish: Wish) -> list[Found]:
    weights = _weights(wish)

    def rank(one: Found) -> float:
        match wish.sort:
            case "price":
                return one.merits.day_fen
            case "rating":
                return -one.merits.rating_centistars
            case "distance":
                return one.metres
            case _:
                return -ranking.score(ranking.parts(one.merits, one.metres), weights)

    return sorted(found, key=lambda one: (rank(one), one.metres, one.id))


def _found(row: Row, wish: Wish) -> Found:
    (
        id_,
        owner_id,
        lat,
        lng,
        created,
        completed,
        centistars,
        day_fen,
        reference_fen,
        published_ms,
    ) = row
    point = Point(lat, lng)
    return Found(
        id=Id(id_), owner_id=Id(owner_id), point=point, metres=distance_m(wish.area.here, point),
        merits=Merits(
            orders_created=created, orders_completed=completed, rating_centistars=centistars,
            day_fen=day_fen, reference_fen=reference_fen, published_ms=published_ms,
        ),
    )  # fmt: skip


def _containing(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
