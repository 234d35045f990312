"""The orders' SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, groupby

from infra import wire
from infra.mysql.connection import Row, Statement, many
from infra.mysql.database import Cursor, Tx
from market.kernel.availability import Plan
from market.kernel.errors import NotFound
from market.kernel.ids import Id
from market.kernel.period import Period
from market.orders.rules import life
from market.orders.rules.booking import Bookable
from market.orders.rules.deciding import Book, Calendar
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
NOTE_LISTING_VERSIONS = (
    "UPDATE bookables SET listing_version = CASE listing_id {} END WHERE listing_id IN ({})"
)
RAISE_BOOKABLES = "UPDATE bookables SET version = version + %s WHERE listing_id IN ({})"
BUSY = (
    "SELECT listing_id, id, start_ms, end_ms FROM orders "
    "WHERE listing_id IN ({}) AND blocking = 1 AND end_ms > %s"
)
ORDER = (
    "SELECT id, version, process_version, state, entered_ms, listing_id, buyer_id, owner_id, title, address, "
    "start_ms, end_ms, terms_version, price_lines, rent_fen, deposit_fen, fee_fen, pay_by_ms, start_code, "
    "return_code, wrong_codes, reason, created_ms FROM orders"
)
LISTING = "(SELECT listing_id FROM orders WHERE id = %s)"
"""An order's listing never changes, so that reading it needs no lock."""
LOCK_BOOKABLES = (
    f"{BOOKABLE} FORCE INDEX (PRIMARY) WHERE listing_id IN ({{}}) ORDER BY listing_id FOR UPDATE"
)
LOCK_ORDERS = f"{ORDER} FORCE INDEX (PRIMARY) WHERE id IN ({{}}) ORDER BY id FOR UPDATE"
"""Rows are found, and so locked, in the order of their keys."""
ORDER_VERSIONS = "SELECT id, version FROM orders WHERE id IN ({})"
INSERT_ORDER = (
    "INSERT INTO orders (id, version, process_version, state, blocking, entered_ms, listing_id, buyer_id, "
    "owner_id, title, address, start_ms, end_ms, terms_version, price_lines, rent_fen, deposit_fen, fee_fen, "
    "pay_by_ms, start_code, return_code, wrong_codes, reason, due_ms, created_ms) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
ON_DUPLICATE_ORDER = (
    " ON DUPLICATE KEY UPDATE version = VALUES(version), state = VALUES(state), blocking = VALUES(blocking), "
    "entered_ms = VALUES(entered_ms), start_code = VALUES(start_code), return_code = VALUES(return_code), "
    "wrong_codes = VALUES(wrong_codes), reason = VALUES(reason), due_ms = VALUES(due_ms)"
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


class Locks:
    """The rows that a group needs, bookables before orders and each in the order of their ids; and what is taken of those
    bookables after `since_ms`."""

    def __init__(self, since_ms: int) -> None:
        self._since_ms = since_ms
        self.listings: set[Id] = set()
        self._orders: set[Id] = set()
        self._freed: set[Id] = set()

    def listing(self, listing_id: Id) -> None:
        self.listings.add(listing_id)

    def order(self, order_id: Id, *, frees: bool) -> None:
        """With its listing's calendar when it `frees` time."""
        self._orders.add(order_id)
        if frees:
            self._freed.add(order_id)

    def statements(self) -> list[Statement]:
        found: list[Statement] = []
        bookables = ", ".join([*["%s"] * len(self.listings), *[LISTING] * len(self._freed)])
        which = [*self.listings, *self._freed]
        if which:
            found.append((LOCK_BOOKABLES.format(bookables), *which))
        if self._orders:
            found.append((LOCK_ORDERS.format(_marks(self._orders)), *self._orders))
        if which:
            found.append((BUSY.format(bookables), *which, self._since_ms))
        return found

    def book(self, rows: Sequence[Sequence[Row]]) -> Book:
        """What `statements` have found."""
        rest = iter(rows)
        bookables = next(rest) if self.listings or self._freed else []
        orders = next(rest) if self._orders else []
        calendars = {row[0]: Calendar(_bookable(row), {}) for row in bookables}
        for listing_id, order_id, start_ms, end_ms in next(rest, []):
            calendars[listing_id].busy[Id(order_id)] = Period(start_ms, end_ms)
        return Book(calendars, {row[0]: _order(row) for row in orders})


def write(tx: Tx, book: Book) -> None:
    """Deferred: what has changed, and its facts."""
    by_rise = sorted(book.touched, key=book.touched.__getitem__)
    for rise, listings in groupby(by_rise, key=book.touched.__getitem__):
        ids = [*listings]
        tx.defer(RAISE_BOOKABLES.format(_marks(ids)), rise, *ids)
    created = [_values(book.orders[id_]) for id_ in sorted(book.created)]
    if created:
        tx.defer(many(INSERT_ORDER, len(created)), *chain.from_iterable(created))
    changed = [_values(book.orders[id_]) for id_ in sorted(book.changed - book.created)]
    if changed:
        tx.defer(
            many(INSERT_ORDER, len(changed)) + ON_DUPLICATE_ORDER, *chain.from_iterable(changed)
        )
    tx.emit(*book.facts())


async def find_bookable(cursor: Cursor, listing_id: Id) -> Bookable | None:
    row = await cursor.one(f"{BOOKABLE} WHERE listing_id = %s", listing_id)
    return _bookable(row) if row else None


async def read_bookables(cursor: Cursor, ids: Sequence[Id]) -> list[Bookable]:
    sql = f"{BOOKABLE} WHERE listing_id IN ({_marks(ids)})"
    return [_bookable(row) for row in await cursor.all(sql, *ids)]


async def save_bookable(tx: Tx, b: Bookable) -> None:
    tx.defer(
        UPSERT_BOOKABLE, b.listing_id, b.version, b.listing_version, b.terms_version, b.owner_id, b.status,
        b.title, b.address, wire.json(b.plan), b.price_hour_fen, b.price_day_fen, b.deposit_fen,
    )  # fmt: skip


def note_listing_versions(tx: Tx, versions: Mapping[Id, int]) -> None:
    """Of listings that have changed in nothing that is booked by. Deferred."""
    if versions:
        cases = " ".join(["WHEN %s THEN %s"] * len(versions))
        sql = NOTE_LISTING_VERSIONS.format(cases, _marks(versions))
        tx.defer(sql, *chain.from_iterable(versions.items()), *versions)


async def busy(cursor: Cursor, ids: Sequence[Id], since_ms: int) -> dict[Id, list[Period]]:
    """What is taken of each listing and ends after `since_ms`. Under the bookable's lock this is the truth."""
    found: dict[Id, list[Period]] = {id_: [] for id_ in ids}
    rows = await cursor.all(BUSY.format(_marks(ids)), *ids, since_ms)
    for listing_id, _, start_ms, end_ms in rows:
        found[listing_id].append(Period(start_ms, end_ms))
    return found


async def read_order(cursor: Cursor, order_id: Id) -> Order:
    row = await cursor.one(f"{ORDER} WHERE id = %s", order_id)
    if row is None:
        raise NotFound("no such order")
    return _order(row)


async def read_orders(cursor: Cursor, ids: Sequence[Id]) -> list[Order]:
    return [_order(row) for row in await cursor.all(f"{ORDER} WHERE id IN ({_marks(ids)})", *ids)]


async def read_orders_of(
    cursor: Cursor, user_id: Id, role: str, before: int, limit: int
) -> list[Order]:
    column = {"buyer": "buyer_id", "owner": "owner_id"}[role]
    rows = await cursor.all(
        f"{ORDER} WHERE {column} = %s AND id < %s ORDER BY id DESC LIMIT %s", user_id, before, limit
    )
    return [_order(row) for row in rows]


def _values(o: Order) -> tuple[object, ...]:
    return (
        o.id, o.version, o.process_version, o.state, life.blocks(o.state), o.entered_ms,
        o.listing_id, o.buyer_id, o.owner_id, o.title, o.address, o.period.start_ms, o.period.end_ms,
        o.terms_version, wire.json(o.lines), o.rent_fen, o.deposit_fen, o.fee_fen, o.pay_by_ms,
        o.start_code, o.return_code, o.wrong_codes, o.reason, _due_ms(o), o.created_ms,
    )  # fmt: skip


async def due_orders(cursor: Cursor, now_ms: int, limit: int) -> list[Id]:
    return [Id(row[0]) for row in await cursor.all(DUE, now_ms, limit)]


async def postpone_timer(cursor: Cursor, order_id: Id, now_ms: int, by_ms: int) -> None:
    """Look at a failing order's timer later, so that it does not stand in the way of the others."""
    await cursor.execute(POSTPONE, now_ms + by_ms, order_id, now_ms)


def _due_ms(order: Order) -> int | None:
    timer = due(order)
    return timer[0] if timer else None


def _marks(ids: Iterable[Id]) -> str:
    return ", ".join("%s" for _ in ids)
