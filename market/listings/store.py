"""The listings' SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import pymysql.err

from infra import wire
from infra.mysql.connection import many
from infra.mysql.database import Cursor, Row, Tx
from market.kernel.errors import NotFound
from market.kernel.geo import Box, Point
from market.kernel.ids import Id
from market.kernel.terms import Terms
from market.kernel.topics import Entry
from market.listings.rules.attributes import Value
from market.listings.rules.listing import Listing, Owner, OwnerCard, Wording
from market.listings.rules.shown import on_map
from market.listings.search import mysql as search

OWNER = (
    "SELECT user_id, place_secret, user_version, openid, nickname, avatar_url, credit_version, credit_centistars, "
    "ratings, banned FROM owners WHERE user_id = %s"
)
PLACE_SECRET = "SELECT place_secret FROM owners WHERE user_id = %s"
INSERT_OWNER = (
    "INSERT INTO owners (place_secret, user_version, openid, nickname, avatar_url, credit_version, "
    "credit_centistars, ratings, banned, user_id) VALUES (RANDOM_BYTES(16), %s, %s, %s, %s, %s, %s, %s, %s, %s) "
    "ON DUPLICATE KEY UPDATE user_id = user_id"
)
UPDATE_OWNER = (
    "UPDATE owners SET user_version = %s, openid = %s, nickname = %s, avatar_url = %s, credit_version = %s, "
    "credit_centistars = %s, ratings = %s, banned = %s WHERE user_id = %s"
)
LISTING = (
    "SELECT id, version, terms_version, owner_id, owner_nickname, owner_avatar_url, "
    "owner_credit_centistars, owner_ratings, status, review_note, pending, title, description, category, photos, lat, lng, shown_lat, "
    "shown_lng, region, address, attributes, terms, rating_version, rating_centistars, ratings, orders_created, orders_completed, "
    "published_ms, state, state_version FROM listings"
)
LISTING_VERSIONS = "SELECT id, version FROM listings WHERE id IN ({})"
OPEN_OF_OWNER = f"{LISTING} WHERE owner_id = %s AND status <> 'closed' ORDER BY id FOR UPDATE"
COUNT_OPEN = "SELECT COUNT(*) FROM listings WHERE owner_id = %s AND status <> 'closed'"
MINE = f"{LISTING} WHERE owner_id = %s AND id < %s ORDER BY id DESC LIMIT %s"
VIEWS = "SELECT listing_id, views FROM openings WHERE listing_id IN ({})"
ADD_VIEWS = "INSERT INTO openings (listing_id, views) VALUES (%s, %s)"
ON_MORE_VIEWS = " ON DUPLICATE KEY UPDATE views = views + VALUES(views)"
INSERT = (
    "INSERT INTO listings (version, terms_version, owner_id, owner_nickname, owner_avatar_url, "
    "owner_credit_centistars, owner_ratings, status, review_note, pending, title, description, category, photos, lat, lng, shown_lat, "
    "shown_lng, cell, region, address, attributes, terms, rating_version, rating_centistars, ratings, orders_created, "
    "orders_completed, published_ms, changed_ms, id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, "
    "%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
UPDATE = (
    "UPDATE listings SET version = %s, terms_version = %s, owner_id = %s, owner_nickname = %s, "
    "owner_avatar_url = %s, owner_credit_centistars = %s, owner_ratings = %s, status = %s, review_note = %s, pending = %s, title = %s, "
    "description = %s, category = %s, photos = %s, lat = %s, lng = %s, shown_lat = %s, shown_lng = %s, cell = %s, "
    "region = %s, address = %s, attributes = %s, terms = %s, rating_version = %s, rating_centistars = %s, ratings = %s, orders_created = %s, orders_completed = %s, "
    "published_ms = %s, changed_ms = %s WHERE id = %s"
)
UPDATE_COUNTS = (
    "UPDATE listings JOIN ({}) AS counted USING (id) SET listings.version = counted.version, "
    "listings.orders_created = counted.orders_created, "
    "listings.orders_completed = counted.orders_completed, listings.changed_ms = %s"
)
COUNTED = "SELECT %s AS id, %s AS version, %s AS orders_created, %s AS orders_completed"
PRICES = (
    "SELECT shown_lat, shown_lng, price_hour_fen, price_day_fen, price_week_fen FROM listings WHERE status = 'live' "
    "AND category = %s AND shown_lat BETWEEN %s AND %s AND ({longitudes}) LIMIT %s"
)
LEAVE = (
    "INSERT INTO departures (cell, listing_id, version, changed_ms) VALUES (%s, %s, %s, %s) "
    "ON DUPLICATE KEY UPDATE version = VALUES(version), changed_ms = VALUES(changed_ms)"
)
ENTER = "DELETE FROM departures WHERE cell = %s AND listing_id = %s"
CELL_VERSIONS = (
    "SELECT cell, CAST(SUM(version) AS SIGNED) FROM ("
    "SELECT cell, version + state_version AS version FROM listings WHERE cell IN ({marks}) AND published_ms > 0 UNION ALL "
    "SELECT cell, version FROM departures WHERE cell IN ({marks})) AS versions GROUP BY cell"
)
IN_CELLS = (
    f"{LISTING} WHERE id IN (SELECT id FROM (SELECT id, ROW_NUMBER() OVER (PARTITION BY cell "
    "ORDER BY id DESC) AS place FROM listings WHERE cell IN ({marks}) AND status = 'live') AS placed "
    "WHERE place <= %s)"
)

UNOFFERED = (
    f"{LISTING} WHERE cell IN ({{marks}}) AND changed_ms >= %s AND status <> 'live' AND published_ms > 0 "
    "ORDER BY changed_ms DESC LIMIT %s"
)
DEPARTED = (
    "SELECT cell, listing_id, version FROM departures WHERE cell IN ({marks}) AND changed_ms >= %s "
    "ORDER BY changed_ms DESC LIMIT %s"
)


def _listing(row: Row) -> Listing:
    (
        id_, version, terms_version, owner_id, nickname, avatar_url, credit_centistars, owner_ratings,
        status, review_note, pending, title, description, category, photos, lat, lng, shown_lat, shown_lng, region,
        address, attributes, terms, rating_version, rating_centistars, ratings, created, completed,
        published_ms, state, state_version,
    ) = row  # fmt: skip
    return Listing(
        id=Id(id_), version=version, terms_version=terms_version,
        owner=OwnerCard(
            user_id=Id(owner_id), nickname=nickname, avatar_url=avatar_url,
            credit_centistars=credit_centistars, ratings=owner_ratings,
        ),
        status=status, review_note=review_note,
        pending=wire.from_json(pending, Wording) if pending else None, title=title, description=description, category=category,
        photos=wire.from_json(photos, tuple[str, ...]), point=Point(lat, lng), blurred=Point(shown_lat, shown_lng),
        region=region, address=address, attributes=wire.from_json(attributes, dict[str, Value]),
        terms=wire.from_json(terms, Terms), rating_version=rating_version, rating_centistars=rating_centistars,
        ratings=ratings, orders_created=created, orders_completed=completed, published_ms=published_ms,
        state=state, state_version=state_version,
    )  # fmt: skip


def _values(listing: Listing, changed_ms: int) -> tuple[object, ...]:
    """In the order of INSERT and UPDATE alike."""
    owner = listing.owner
    return (
        listing.version, listing.terms_version, owner.user_id, owner.nickname, owner.avatar_url,
        owner.credit_centistars, owner.ratings, listing.status, listing.review_note,
        wire.json(listing.pending).decode() if listing.pending else None, listing.title, listing.description,
        listing.category, wire.json(listing.photos).decode(), listing.point.lat, listing.point.lng,
        listing.blurred.lat, listing.blurred.lng, listing.cell, listing.region, listing.address,
        wire.json(listing.attributes).decode(), wire.json(listing.terms).decode(), listing.rating_version, listing.rating_centistars,
        listing.ratings, listing.orders_created, listing.orders_completed, listing.published_ms, changed_ms,
        listing.id,
    )  # fmt: skip


async def lock_owner(tx: Tx, user_id: Id) -> Owner:
    """Somebody we have not heard of gets an empty row, so that there is something to lock."""
    row = await tx.one(f"{OWNER} FOR UPDATE", user_id)
    if row is None:
        await tx.execute(INSERT_OWNER, *_owner_values(Owner(user_id=user_id)))
        row = await tx.one(f"{OWNER} FOR UPDATE", user_id)
        assert row is not None
    return _owner(row)


async def owner_of(tx: Tx, listing: Listing) -> Owner:
    """As last committed. `listing` is locked, so that whoever bans them now comes by it afterwards."""
    row = await tx.one(OWNER, listing.owner.user_id)
    assert row is not None
    return _owner(row)


def _owner(row: Row) -> Owner:
    (
        id_, place_secret, user_version, openid, nickname, avatar_url, credit_version, credit_centistars, ratings,
        banned,
    ) = row  # fmt: skip
    return Owner(
        user_id=Id(id_), place_secret=place_secret, user_version=user_version, openid=openid,
        nickname=nickname, avatar_url=avatar_url, credit_version=credit_version, credit_centistars=credit_centistars, ratings=ratings,
        banned=bool(banned),
    )  # fmt: skip


async def update_owner(tx: Tx, owner: Owner) -> None:
    await tx.execute(UPDATE_OWNER, *_owner_values(owner))


async def place_secret(tx: Tx, owner_id: Id) -> bytes:
    """By which an owner's places are blurred. It never changes, so no lock is needed."""
    row = await tx.one(PLACE_SECRET, owner_id)
    assert row is not None
    return bytes(row[0])


def _owner_values(owner: Owner) -> tuple[object, ...]:
    """In the order of INSERT_OWNER and UPDATE_OWNER alike."""
    return (
        owner.user_version, owner.openid, owner.nickname, owner.avatar_url, owner.credit_version,
        owner.credit_centistars, owner.ratings, owner.banned, owner.user_id,
    )  # fmt: skip


async def count_open(tx: Tx, owner_id: Id) -> int:
    """All but closed ones; call it under the owner's lock."""
    row = await tx.one(COUNT_OPEN, owner_id)
    assert row is not None
    return int(row[0])


async def find_locked(tx: Tx, listing_id: Id) -> Listing | None:
    row = await tx.one(f"{LISTING} WHERE id = %s FOR UPDATE", listing_id)
    return _listing(row) if row else None


async def lock(tx: Tx, listing_id: Id) -> Listing:
    listing = await find_locked(tx, listing_id)
    if listing is None:
        raise NotFound("no such listing")
    return listing


async def lock_open_of(tx: Tx, owner_id: Id) -> list[Listing]:
    """All of the owner's but closed ones, in id order."""
    return [_listing(row) for row in await tx.all(OPEN_OF_OWNER, owner_id)]


async def insert(tx: Tx, listing: Listing) -> None:
    try:
        await tx.execute(INSERT, *_values(listing, tx.now_ms))
    except (
        pymysql.err.IntegrityError
    ) as error:  # the id is taken: the whole action runs again with another
        raise pymysql.err.OperationalError(1213, "the id is taken") from error
    search.put(tx, listing)


async def update(tx: Tx, before: Listing, after: Listing) -> None:
    """`before` is locked by this transaction."""
    await tx.execute(UPDATE, *_values(after, tx.now_ms))
    if before.seen and before.cell != after.cell:
        await tx.execute(LEAVE, before.cell, after.id, after.card_version, tx.now_ms)
        await tx.execute(ENTER, after.cell, after.id)
    search.put(tx, after)


async def lock_all(tx: Tx, ids: Iterable[Id]) -> list[Listing]:
    """Those that exist, in id order."""
    wanted = sorted(ids)
    where = f"WHERE id IN ({_marks(wanted)}) ORDER BY id FOR UPDATE"
    return [_listing(row) for row in await tx.all(f"{LISTING} {where}", *wanted)]


def update_counts(tx: Tx, listings: Sequence[Listing]) -> None:
    """Their versions and counts of orders, and nothing else. All are locked by this transaction. Deferred."""
    if not listings:
        return
    values = [v for s in listings for v in (s.id, s.version, s.orders_created, s.orders_completed)]
    counted = " UNION ALL ".join([COUNTED] * len(listings))
    tx.defer(UPDATE_COUNTS.format(counted), *values, tx.now_ms)
    search.count_orders(tx, listings)


async def read(cursor: Cursor, ids: Sequence[Id]) -> list[Listing]:
    """Those that exist, in no order."""
    if not ids:
        return []
    rows = await cursor.all(f"{LISTING} WHERE id IN ({_marks(ids)})", *ids)
    return [_listing(row) for row in rows]


async def read_mine(cursor: Cursor, owner_id: Id, before: Id, limit: int) -> list[Listing]:
    return [_listing(row) for row in await cursor.all(MINE, owner_id, before, limit)]


async def prices_within(cursor: Cursor, category: str, box: Box, limit: int) -> Sequence[Row]:
    """(latitude, longitude, fen an hour, a day, a week) of so many live ones in the box, where they are shown."""
    longitudes = " OR ".join(["shown_lng BETWEEN %s AND %s"] * len(box.longitudes))
    edges = [edge for pair in box.longitudes for edge in pair]
    sql = PRICES.format(longitudes=longitudes)
    return await cursor.all(sql, category, box.south, box.north, *edges, limit)


async def cell_versions(cursor: Cursor, cells: Sequence[str]) -> dict[str, int]:
    """Cell -> the sum of the versions of all listings that are in it, or have left it.

    It rises with every change in the cell and never falls (a listing that leaves keeps its last version here), without a
    counter whose row every change in a neighbourhood would have to lock. Cells where nothing ever was are left out.
    """
    sql = CELL_VERSIONS.format(marks=_marks(cells))
    return {cell: int(version) for cell, version in await cursor.all(sql, *cells, *cells)}


async def live_in_cells(cursor: Cursor, cells: Sequence[str], limit: int) -> dict[str, list[Entry]]:
    """Cell -> its live listings, the `limit` newest of each cell, newest first."""
    found: dict[str, list[Entry]] = {cell: [] for cell in cells}
    rows = await cursor.all(IN_CELLS.format(marks=_marks(cells)), *cells, limit)
    for listing in sorted(map(_listing, rows), key=lambda listing: listing.id, reverse=True):
        found[listing.cell].append(on_map(listing))
    return found


async def gone_from_cells(
    cursor: Cursor, cells: Sequence[str], since_ms: int, limit: int
) -> dict[str, list[Entry]]:
    """Cell -> what was taken off it since then: paused, closed, or moved away (status "gone", at the version that left)."""
    found: dict[str, list[Entry]] = {cell: [] for cell in cells}
    marks = _marks(cells)
    most = limit * len(cells)
    for row in await cursor.all(UNOFFERED.format(marks=marks), *cells, since_ms, most):
        listing = _listing(row)
        found[listing.cell].append(on_map(listing))
    departed = await cursor.all(DEPARTED.format(marks=marks), *cells, since_ms, most)
    known = {
        listing.id: listing for listing in await read(cursor, [Id(row[1]) for row in departed])
    }
    for cell, listing_id, version in departed:
        found[cell].append(on_map(known[listing_id], left=version))
    return found


def _marks(values: Sequence[object]) -> str:
    return ", ".join(["%s"] * len(values))


async def read_views(cursor: Cursor, ids: Sequence[Id]) -> dict[Id, int]:
    """Of those that have been opened."""
    if not ids:
        return {}
    sql = VIEWS.format(", ".join(["%s"] * len(ids)))
    return {Id(row[0]): row[1] for row in await cursor.all(sql, *ids)}


def add_views(tx: Tx, views: Mapping[Id, int]) -> None:
    """Deferred."""
    tx.defer(
        many(ADD_VIEWS, len(views)) + ON_MORE_VIEWS, *chain.from_iterable(sorted(views.items()))
    )
