"""The ratings' SQL."""

from __future__ import annotations

from typing import Literal

from infra.mysql.database import Cursor, Row, Tx
from market.kernel.errors import NotYet
from market.kernel.ids import Id
from market.ratings.rules import Rating, Tally, Window

WINDOW = (
    "SELECT order_id, version, listing_id, buyer_id, owner_id, closes_ms, revealed FROM windows "
    "WHERE order_id = %s"
)
INSERT_WINDOW = (
    "INSERT INTO windows (order_id, version, listing_id, buyer_id, owner_id, closes_ms, revealed, due_ms) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON DUPLICATE KEY UPDATE order_id = order_id"
)
UPDATE_WINDOW = "UPDATE windows SET version = %s, revealed = %s, due_ms = IF(%s, NULL, due_ms) WHERE order_id = %s"
DUE = "SELECT order_id FROM windows WHERE due_ms <= %s ORDER BY due_ms LIMIT %s"
POSTPONE = "UPDATE windows SET due_ms = %s WHERE order_id = %s AND due_ms IS NOT NULL"
RATING = (
    "SELECT id, order_id, side, rater_id, ratee_id, listing_id, punctuality, `condition`, communication, "
    "comment, given_ms, revealed FROM ratings"
)
INSERT_RATING = (
    "INSERT INTO ratings (id, order_id, side, rater_id, ratee_id, listing_id, punctuality, `condition`, "
    "communication, comment, given_ms, revealed) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
OF_RATEE = f"{RATING} WHERE ratee_id = %s AND revealed = 1 AND id < %s ORDER BY id DESC LIMIT %s"
REVEAL = "UPDATE ratings SET revealed = 1 WHERE order_id = %s"
TALLY = "SELECT id, version, ratings, points FROM {table} WHERE id = %s"
INSERT_TALLY = (
    "INSERT INTO {table} (id, version, ratings, points) VALUES (%s, 0, 0, 0) "
    "ON DUPLICATE KEY UPDATE id = id"
)
UPDATE_TALLY = "UPDATE {table} SET version = %s, ratings = %s, points = %s WHERE id = %s"

Tallies = Literal["credits", "listing_ratings"]


def _window(row: Row) -> Window:
    order_id, version, listing_id, buyer_id, owner_id, closes_ms, revealed = row
    return Window(
        order_id=Id(order_id), version=version, listing_id=Id(listing_id), buyer_id=Id(buyer_id),
        owner_id=Id(owner_id), closes_ms=closes_ms, revealed=bool(revealed),
    )  # fmt: skip


def _rating(row: Row) -> Rating:
    (
        id_, order_id, side, rater_id, ratee_id, listing_id, punctuality, condition, communication, comment,
        given_ms, revealed,
    ) = row  # fmt: skip
    return Rating(
        id=Id(id_), order_id=Id(order_id), side=side, rater_id=Id(rater_id), ratee_id=Id(ratee_id),
        listing_id=Id(listing_id), punctuality=punctuality, condition=condition,
        communication=communication, comment=comment, given_ms=given_ms, revealed=bool(revealed),
    )  # fmt: skip


async def insert_window(tx: Tx, window: Window) -> None:
    """Nothing when there is one."""
    await tx.execute(
        INSERT_WINDOW, window.order_id, window.version, window.listing_id, window.buyer_id,
        window.owner_id, window.closes_ms, window.revealed, window.closes_ms,
    )  # fmt: skip


async def lock_window(tx: Tx, order_id: Id) -> Window:
    return _known(await tx.one(f"{WINDOW} FOR UPDATE", order_id))


async def read_window(cursor: Cursor, order_id: Id) -> Window:
    return _known(await cursor.one(WINDOW, order_id))


def _known(row: Row | None) -> Window:
    # The order's parties may hear of its completion sooner than this wing does: to them a "not found" would be a lie.
    if row is None:
        raise NotYet("not known to be completed")
    return _window(row)


async def update_window(tx: Tx, window: Window) -> None:
    await tx.execute(
        UPDATE_WINDOW, window.version, window.revealed, window.revealed, window.order_id
    )


async def due_windows(cursor: Cursor, now_ms: int, limit: int) -> list[Id]:
    return [Id(row[0]) for row in await cursor.all(DUE, now_ms, limit)]


async def postpone_window(tx: Tx, order_id: Id, until_ms: int) -> None:
    await tx.execute(POSTPONE, until_ms, order_id)


async def ratings_of(cursor: Cursor, order_id: Id) -> list[Rating]:
    """Both sides', revealed or not: never show them as they are."""
    return [_rating(row) for row in await cursor.all(f"{RATING} WHERE order_id = %s", order_id)]


async def revealed_about(cursor: Cursor, user_id: Id, before: Id, limit: int) -> list[Rating]:
    return [_rating(row) for row in await cursor.all(OF_RATEE, user_id, before, limit)]


async def insert_rating(tx: Tx, rating: Rating) -> None:
    await tx.execute(
        INSERT_RATING, rating.id, rating.order_id, rating.side, rating.rater_id, rating.ratee_id,
        rating.listing_id, rating.punctuality, rating.condition, rating.communication, rating.comment,
        rating.given_ms, rating.revealed,
    )  # fmt: skip


async def reveal_ratings(tx: Tx, order_id: Id) -> None:
    await tx.execute(REVEAL, order_id)


async def lock_tally(tx: Tx, table: Tallies, id_: Id) -> Tally:
    sql = f"{TALLY.format(table=table)} FOR UPDATE"
    row = await tx.one(sql, id_)
    if row is None:
        await tx.execute(INSERT_TALLY.format(table=table), id_)
        row = await tx.one(sql, id_)
        assert row is not None
    return _tally(row)


async def update_tally(tx: Tx, table: Tallies, tally: Tally) -> None:
    await tx.execute(
        UPDATE_TALLY.format(table=table), tally.version, tally.ratings, tally.points, tally.id
    )


async def read_tally(cursor: Cursor, table: Tallies, id_: Id) -> Tally:
    """An empty one where there is none."""
    row = await cursor.one(TALLY.format(table=table), id_)
    return _tally(row) if row else Tally(id=id_)


def _tally(row: Row) -> Tally:
    return Tally(id=Id(row[0]), version=row[1], ratings=row[2], points=row[3])
