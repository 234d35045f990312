"""The orders' SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra import wire
from infra.mysql.connection import Row, Statement
from infra.mysql.database import Cursor, Tx
from market.kernel.availability import Plan
from market.kernel.errors import NotFound, NotYet
from market.kernel.ids import Id
from market.kernel.period import Period
from market.orders.rules import life
from market.orders.rules.booking import Bookable
from market.orders.rules.order import Order, due
from market.orders.rules.price import Line

BOOKABLE = (
    "SELECT listing_id, version, listing_version, terms_version, owner_id, status, title, address, plan, "
    "price_hour_fen, price_day_fen, deposit_fen FROM bookables"
)
CALENDAR_VERSIONS = "SELECT listing_id, version FROM bookables WHERE listing_id IN ({})"
UPSERT_BOOKABLE = (
    "INSERT INTO bookables (listing_id, version, listing_version, terms_version, owner_id, status, title, "
    "address, plan, price_hour_fen, price_day_fen, deposit_fen) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON DUPLICATE KEY UPDATE "
    "version = VALUES(version), listing_version = VALUES(listing_version), "
    "terms_version = VALUES(terms_version), status = VALUES(status), title = VALUES(title), "
    "address = VALUES(address), plan = VALUES(plan), price_hour_fen = VALUES(price_hour_fen), "
    "price_day_fen = VALUES(price_day_fen), deposit_fen = VALUES(deposit_fen)"
)
BUMP_BOOKABLE = "UPDATE bookables SET version = %s WHERE listing_id = %s"
BUSY = (
    "SELECT listing_id, start_ms, end_ms FROM orders "
    "WHERE listing_id IN ({}) AND blocking = 1 AND end_ms > %s ORDER BY start_ms"
)
ORDER = (
    "SELECT id, version, process_version, state, entered_ms, listing_id, buyer_id, owner_id, title, address, "
    "start_ms, end_ms, terms_version, price_lines, rent_fen, deposit_fen, fee_fen, pay_by_ms, start_code, "
    "return_code, wrong_codes, reason, created_ms FROM orders"
)
LISTING = "(SELECT listing_id FROM orders WHERE id = %s)"
"""An order's listing never changes, so that reading it needs no lock."""
LOCK_BOOKABLE = f"{BOOKABLE} WHERE listing_id = %s FOR UPDATE"
LOCK_BOOKABLE_OF = f"{BOOKABLE} WHERE listing_id = {LISTING} FOR UPDATE"
LOCK_ORDER = f"{ORDER} WHERE id = %s FOR UPDATE"
BUSY_BESIDE = (
    f"SELECT listing_id, start_ms, end_ms FROM orders WHERE listing_id = {LISTING} "
    "AND blocking = 1 AND end_ms > %s AND id <> %s ORDER BY start_ms"
)
ORDER_VERSIONS = "SELECT id, version FROM orders WHERE id IN ({})"
INSERT_ORDER = (
    "INSERT INTO orders (id, version, process_version, state, blocking, entered_ms, listing_id, buyer_id, "
    "owner_id, title, address, start_ms, end_ms, terms_version, price_lines, rent_fen, deposit_fen, fee_fen, "
    "pay_by_ms, start_code, return_code, wrong_codes, reason, due_ms, created_ms) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
UPDATE_ORDER = (
    "UPDATE orders SET version = %s, state = %s, blocking = %s, entered_ms = %s, start_code = %s, "
    "return_code = %s, wrong_codes = %s, reason = %s, due_ms = %s WHERE id = %s"
)
POSTPONE = "UPDATE orders SET due_ms = %s WHERE id = %s AND due_ms <= %s"
DUE = "SELECT id FROM orders WHERE due_ms <= %s ORDER BY due_ms LIMIT %s"


def _bookable(row: Row) -> Bookable:
    return Bookable(
        listing_id=Id(row[0]), version=row[1], listing_version=row[2], terms_version=row[3],
        owner_id=Id(row[4]), status=row[5], title=row[6], address=row[7], plan=wire.from_json(row[8], Plan),
        price_hour_fen=row[9], price_day_fen=row[10], deposit_fen=row[11],
    )  # fmt: skip


def _order(row: Row) -> Order:
    return Order(
        id=Id(row[0]), version=row[1], process_version=row[2], state=row[3], entered_ms=row[4],
        listing_id=Id(row[5]), buyer_id=Id(row[6]), owner_id=Id(row[7]), title=row[8], address=row[9],
        period=Period(row[10], row[11]), terms_version=row[12],
        lines=wire.from_json(row[13], tuple[Line, ...]), rent_fen=row[14], deposit_fen=row[15],
        fee_fen=row[16], pay_by_ms=row[17], start_code=row[18], return_code=row[19], wrong_codes=row[20],
        reason=row[21], created_ms=row[22],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Calendar:
    """A bookable row under its lock, and what was taken when it was locked."""

    bookable: Bookable
    busy: list[Period]


def calendar_locks(listing_id: Id, since_ms: int) -> list[Statement]:
    """For `calendar`: the bookable row's lock, and under it what is taken and ends after `since_ms`."""
    return [(LOCK_BOOKABLE, listing_id), (BUSY.format("%s"), listing_id, since_ms)]


def calendar(bookables: list[Row], taken: list[Row]) -> Calendar:
    """Raise NotYet when this wing has not heard of the listing: it may be on its way."""
    if not bookables:
        raise NotYet("no such listing, or not yet")
    return Calendar(_bookable(bookables[0]), [Period(row[1], row[2]) for row in taken])


def move_locks(order_id: Id, since_ms: int, *, frees: bool) -> list[Statement]:
    """For `moving`: locks the bookable row if the transition `frees` time, then the order; then what others have taken."""
    order = (LOCK_ORDER, order_id)
    if not frees:
        return [order]
    return [
        (LOCK_BOOKABLE_OF, order_id), order, (BUSY_BESIDE, order_id, since_ms, order_id),
    ]  # fmt: skip


def moving(rows: list[list[Row]]) -> tuple[Order, Calendar | None]:
    """The order, and what its listing's calendar will be without it (None: unchanged). Raise NotFound."""
    *before, orders, taken = rows if len(rows) > 1 else [*rows, []]
    if not orders:
        raise NotFound("no such order")
    return _order(orders[0]), calendar(before[0], taken) if before else None


async def find_bookable(cursor: Cursor, listing_id: Id, lock: str = "") -> Bookable | None:
    row = await cursor.one(f"{BOOKABLE} WHERE listing_id = %s{lock}", listing_id)
    return _bookable(row) if row else None


async def read_bookables(cursor: Cursor, ids: Sequence[Id]) -> list[Bookable]:
    marks = ", ".join(["%s"] * len(ids))
    return [
        _bookable(row)
        for row in await cursor.all(f"{BOOKABLE} WHERE listing_id IN ({marks})", *ids)
    ]


async def save_bookable(tx: Tx, b: Bookable) -> None:
    tx.defer(
        UPSERT_BOOKABLE, b.listing_id, b.version, b.listing_version, b.terms_version, b.owner_id, b.status,
        b.title, b.address, wire.json(b.plan), b.price_hour_fen, b.price_day_fen, b.deposit_fen,
    )  # fmt: skip


async def bump_bookable(tx: Tx, bookable: Bookable) -> None:
    tx.defer(BUMP_BOOKABLE, bookable.version, bookable.listing_id)


async def busy(cursor: Cursor, ids: Sequence[Id], since_ms: int) -> dict[Id, list[Period]]:
    """What is taken of each listing and ends after `since_ms`. Under the bookable's lock this is the truth."""
    found: dict[Id, list[Period]] = {id_: [] for id_ in ids}
    marks = ", ".join(["%s"] * len(ids))
    for listing_id, start_ms, end_ms in await cursor.all(BUSY.format(marks), *ids, since_ms):
        found[listing_id].append(Period(start_ms, end_ms))
    return found


async def lock_order(tx: Tx, order_id: Id) -> Order:
    rows = await tx.all(LOCK_ORDER, order_id)
    if not rows:
        raise NotFound("no such order")
    return _order(rows[0])


async def read_order(cursor: Cursor, order_id: Id) -> Order:
    row = await cursor.one(f"{ORDER} WHERE id = %s", order_id)
    if row is None:
        raise NotFound("no such order")
    return _order(row)


async def read_orders(cursor: Cursor, ids: Sequence[Id]) -> list[Order]:
    marks = ", ".join(["%s"] * len(ids))
    return [_order(row) for row in await cursor.all(f"{ORDER} WHERE id IN ({marks})", *ids)]


async def read_orders_of(
    cursor: Cursor, user_id: Id, role: str, before: int, limit: int
) -> list[Order]:
    column = {"buyer": "buyer_id", "owner": "owner_id"}[role]
    rows = await cursor.all(
        f"{ORDER} WHERE {column} = %s AND id < %s ORDER BY id DESC LIMIT %s", user_id, before, limit
    )
    return [_order(row) for row in rows]


async def insert_order(tx: Tx, o: Order) -> None:
    tx.defer(
        INSERT_ORDER, o.id, o.version, o.process_version, o.state, life.blocks(o.state), o.entered_ms,
        o.listing_id, o.buyer_id, o.owner_id, o.title, o.address, o.period.start_ms, o.period.end_ms,
        o.terms_version, wire.json(o.lines), o.rent_fen, o.deposit_fen, o.fee_fen, o.pay_by_ms,
        o.start_code, o.return_code, o.wrong_codes, o.reason, _due_ms(o), o.created_ms,
    )  # fmt: skip


async def update_order(tx: Tx, o: Order) -> None:
    tx.defer(
        UPDATE_ORDER, o.version, o.state, life.blocks(o.state), o.entered_ms, o.start_code, o.return_code,
        o.wrong_codes, o.reason, _due_ms(o), o.id,
    )  # fmt: skip


async def due_orders(cursor: Cursor, now_ms: int, limit: int) -> list[Id]:
    return [Id(row[0]) for row in await cursor.all(DUE, now_ms, limit)]


async def postpone_timer(cursor: Cursor, order_id: Id, now_ms: int, by_ms: int) -> None:
    """Look at a failing order's timer later, so that it does not stand in the way of the others."""
    await cursor.execute(POSTPONE, now_ms + by_ms, order_id, now_ms)


def _due_ms(order: Order) -> int | None:
    timer = due(order)
    return timer[0] if timer else None
