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

from infra.mysql.connection import Statement
from infra.mysql.database import Cursor, Database, Row, Tx
from market.kernel import geo
from market.kernel.cells import CELL, DISTRICT, Cell, cover
from market.kernel.geo import EARTH_RADIUS_M, Point, distance_m
from market.kernel.ids import Id
from market.listings.rules import ranking
from market.listings.rules.listing import Listing
from market.listings.rules.ranking import DEFAULT, DISTANCE_ONLY, HALVING_M, NEW_ORDERS, Merits
from market.listings.rules.searching import Area, Found, Wish
from market.listings.search.port import First, New

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
    "(SELECT f.listing_id, f.published_ms FROM (SELECT listing_id, published_ms, category, orders_created, day_fen, lat, lng "
    "FROM findable FORCE INDEX (new_in_district) WHERE district {} AND published_ms > %s ORDER BY published_ms DESC LIMIT %s) AS f{} "
    "WHERE f.orders_created < %s{} ORDER BY f.published_ms DESC, f.listing_id LIMIT %s)"
)
NEWEST_OF_ALL = "{} ORDER BY published_ms DESC, listing_id LIMIT %s"
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

FIRST_CELLS, FIRST_CELLS_OF_CATEGORY, MORE_CELLS = 3, 10, 3
"""How many are read whole at first (of a category a cell holds less), and how many times as many when those hold too few.
Twice as many are counted at first."""
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

    async def first(
        self,
        wish: Wish,
        shown: Collection[Id],
        limit: int,
        *,
        new: New | None = None,
        most: int = 0,
    ) -> First:
        cells = _cover(wish.area)
        near, far = cells[: 2 * _first_cells(wish)], cells[2 * _first_cells(wish) :]
        async with self._db.glance() as cursor:
            counted = cursor.defer_read(*_counting(wish, near, most))
            newest = [] if new is None else cursor.defer_read(*_newest(wish, shown, cells, new))
            best = await _best(cursor, wish, cells, shown, limit)
            count = counted[0][0]
            if len(best) < limit and not shown:
                count = len(best)
            elif count < most and far:
                rest = await cursor.all(*_counting(wish, far, most - count))
                count += rest[0][0]
        found = [_found(row, wish) for row in newest]
        found.sort(key=lambda one: (-one.merits.published_ms, one.id))
        return First(best=best, newest=found, count=min(most, count))

    async def best(self, wish: Wish, without: Collection[Id], limit: int) -> list[Found]:
        async with self._db.glance() as cursor:
            return await _best(cursor, wish, _cover(wish.area), without, limit)


async def _best(
    cursor: Cursor, wish: Wish, cells: Sequence[Cell], without: Collection[Id], limit: int
) -> list[Found]:
    found: list[Found] = []
    if wish.sort in ("price", "rating"):
        ranges = [(cell, 0.0) for cell in cells]
        found, cells = await _read(cursor, wish, ranges, without, limit), ()
    many = _first_cells(wish)
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


def _newest(wish: Wish, without: Collection[Id], cells: Iterable[Cell], new: New) -> Statement:
    districts = list(dict.fromkeys(cell.name[:DISTRICT] for cell in cells))
    parts, values = [], list[object]()
    more, more_values = _conditions(wish, without)
    for name in districts[:NEW_DISTRICTS]:
        exact = len(name) == DISTRICT
        parts.append(NEWEST.format("= %s" if exact else "LIKE %s", _join(wish), more))
        values += [name if exact else f"{name}%", new.since_ms, NEW_LOOKED_AT, NEW_ORDERS]
        values += [*more_values, new.limit]
    newest = NEWEST_OF_ALL.format(" UNION ALL ".join(parts))
    return (DETAILS.format(newest), *values, new.limit)


@lru_cache(maxsize=64)
def _cover(area: Area) -> Sequence[Cell]:
    """Asked for again by the batches and pages of one search."""
    return tuple(cover(area.here, area.radius_m, area.box))


def _first_cells(wish: Wish) -> int:
    return FIRST_CELLS if wish.category is None else FIRST_CELLS_OF_CATEGORY


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


def _counting(wish: Wish, cells: Iterable[Cell], most: int) -> Statement:
    """How many there are in these, up to `most` for each size of cell."""
    parts: list[str] = []
    values: list[object] = []
    more, more_values = _conditions(wish, ())
    for index, where, where_values in _groups([(cell, 0.0) for cell in cells], wish.category):
        parts.append(
            f"(SELECT 1 FROM findable AS f FORCE INDEX ({index}){_join(wish)} WHERE ({where}){more} LIMIT %s)"
        )
        values += [*where_values, *more_values, most]
    return (f"SELECT COUNT(*) FROM ({' UNION ALL '.join(parts)}) AS c", *values)


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
