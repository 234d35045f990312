"""The orders' SQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, groupby

from infra import wire
from infra.mysql.connection import Row, Statement, many
from infra.mysql.database import Cursor, Tx
from market.kernel.errors import NotFound
from market.kernel.facts import CreditChanged
from market.kernel.geo import Point
from market.kernel.ids import Id
from market.kernel.period import Period
from market.kernel.seats import Use
from market.kernel.terms import Terms
from market.orders.remembered import Remembered
from market.orders.rules import life
from market.orders.rules.booking import Bookable
from market.orders.rules.deciding import Book, Calendar
from market.orders.rules.evidence import Piece
from market.orders.rules.extension import Extension
from market.orders.rules.order import Order, soonest
from market.orders.rules.price import UNKNOWN, Credit, Line

BOOKABLE = (
    "SELECT listing_id, version, listing_version, terms_version, owner_id, status, title, category, "
    "address, terms, cell, lat, lng FROM bookables"
)
CALENDAR_VERSIONS = "SELECT listing_id, version FROM bookables WHERE listing_id IN ({})"
UPSERT_BOOKABLE = (
    "INSERT INTO bookables (listing_id, version, listing_version, terms_version, owner_id, status, title, "
    "category, address, terms, cell, lat, lng) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON DUPLICATE KEY UPDATE "
    "version = VALUES(version), listing_version = VALUES(listing_version), "
    "terms_version = VALUES(terms_version), status = VALUES(status), title = VALUES(title), lat = VALUES(lat), lng = VALUES(lng), "
    "category = VALUES(category), address = VALUES(address), terms = VALUES(terms), cell = VALUES(cell)"
)
NOTE_LISTING_VERSIONS = (
    "UPDATE bookables SET listing_version = CASE listing_id {} END WHERE listing_id IN ({})"
)
RAISE_BOOKABLES = "UPDATE bookables SET version = version + %s WHERE listing_id IN ({})"
BUSY = (
    "SELECT listing_id, id, start_ms, until_ms, seats FROM orders "
    "WHERE listing_id IN ({}) AND blocking = 1 AND until_ms > %s"
)
CREDITS = "SELECT user_id, centistars, ratings, gone FROM credits WHERE user_id IN ({})"
SAVE_CREDIT = (
    "INSERT INTO credits (user_id, centistars, ratings, version) VALUES (%s, %s, %s, %s) "
    "ON DUPLICATE KEY UPDATE centistars = IF(VALUES(version) > version, VALUES(centistars), centistars), "
    "ratings = IF(VALUES(version) > version, VALUES(ratings), ratings), "
    "version = GREATEST(version, VALUES(version))"  # last: the others compare with what it was
)
NOTE_GONE = (
    "INSERT INTO credits (user_id, version, centistars, ratings, gone) VALUES (%s, 0, 0, 0, 1) "
    "ON DUPLICATE KEY UPDATE gone = 1"
)
UNPAID_WITH = (
    "SELECT id FROM orders WHERE unpaid_by = %s "
    "UNION SELECT id FROM orders WHERE owner_id = %s AND unpaid_by IS NOT NULL"
)
ORDER = (
    "SELECT id, version, process_version, state, entered_ms, listing_id, buyer_id, owner_id, title, address, "
    "start_ms, end_ms, until_ms, seats, terms_version, policy, price_lines, rent_fen, deposit_fen, fee_fen, "
    "pay_by_ms, start_code, return_code, wrong_codes, reason, created_ms, late_hour_fen, late_fen, claim_fen, "
    "refund_fen, refund_deposit_fen, owner_fen, evidence, extensions, lat, lng FROM orders"
)
NONE = "[]"
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
    "owner_id, title, address, start_ms, end_ms, until_ms, seats, terms_version, policy, price_lines, rent_fen, "
    "deposit_fen, fee_fen, pay_by_ms, start_code, return_code, wrong_codes, reason, due_ms, created_ms, "
    "late_hour_fen, late_fen, claim_fen, refund_fen, refund_deposit_fen, owner_fen, evidence, unpaid_by, "
    "extensions, lat, lng) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, "
    "%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
ON_DUPLICATE_ORDER = (
    " ON DUPLICATE KEY UPDATE version = VALUES(version), state = VALUES(state), blocking = VALUES(blocking), "
    "entered_ms = VALUES(entered_ms), start_code = VALUES(start_code), return_code = VALUES(return_code), "
    "wrong_codes = VALUES(wrong_codes), reason = VALUES(reason), due_ms = VALUES(due_ms), "
    "fee_fen = VALUES(fee_fen), pay_by_ms = VALUES(pay_by_ms), late_fen = VALUES(late_fen), "
    "claim_fen = VALUES(claim_fen), refund_fen = VALUES(refund_fen), "
    "refund_deposit_fen = VALUES(refund_deposit_fen), owner_fen = VALUES(owner_fen), "
    "evidence = VALUES(evidence), unpaid_by = VALUES(unpaid_by), end_ms = VALUES(end_ms), "
    "until_ms = VALUES(until_ms), extensions = VALUES(extensions)"
)
UNPAID = "SELECT unpaid_by, COUNT(*) FROM orders WHERE unpaid_by IN ({}) GROUP BY unpaid_by"
INSERT_EVIDENCE = (
    "INSERT INTO evidence (order_id, seq, party, text, objects, at_ms) "
    "VALUES (%s, %s, %s, %s, %s, %s)"
)
EVIDENCE = "SELECT order_id, seq, party, text, objects, at_ms FROM evidence WHERE order_id = %s ORDER BY seq"
POSTPONE = "UPDATE orders SET due_ms = %s WHERE id = %s AND due_ms <= %s"
DUE = "SELECT id FROM orders WHERE due_ms <= %s ORDER BY due_ms LIMIT %s"


def _bookable(row: Row) -> Bookable:
    return Bookable(
        listing_id=Id(row[0]), version=row[1], listing_version=row[2], terms_version=row[3],
        owner_id=Id(row[4]), status=row[5], title=row[6], category=row[7], address=row[8],
        terms=wire.from_json(row[9], Terms), cell=row[10], place=_place(row[11], row[12]),
    )  # fmt: skip


def _place(lat: float | None, lng: float | None) -> Point | None:
    return None if lat is None or lng is None else Point(lat, lng)


def _at(place: Point | None) -> tuple[float | None, float | None]:
    return (place.lat, place.lng) if place else (None, None)


def _order(row: Row) -> Order:
    (
        id_, version, process_version, state, entered_ms, listing_id, buyer_id, owner_id, title, address,
        start_ms, end_ms, until_ms, seats, terms_version, policy, lines, rent_fen, deposit_fen, fee_fen,
        pay_by_ms, start_code, return_code, wrong_codes, reason, created_ms, late_hour_fen, late_fen, claim_fen,
        refund_fen, refund_deposit_fen, owner_fen, evidence, extensions, lat, lng,
    ) = row  # fmt: skip
    order = Order(
        id=Id(id_), version=version, process_version=process_version, state=state, entered_ms=entered_ms,
        listing_id=Id(listing_id), buyer_id=Id(buyer_id), owner_id=Id(owner_id), title=title,
        address=address, place=_place(lat, lng), period=Period(start_ms, end_ms), buffer_ms=0, seats=seats,
        terms_version=terms_version, policy=policy, lines=wire.from_json(lines, tuple[Line, ...]),
        rent_fen=rent_fen, deposit_fen=deposit_fen, fee_fen=fee_fen, pay_by_ms=pay_by_ms,
        start_code=start_code, return_code=return_code, wrong_codes=wrong_codes, reason=reason,
        created_ms=created_ms, late_hour_fen=late_hour_fen, late_fen=late_fen, claim_fen=claim_fen,
        refund_fen=refund_fen, refund_deposit_fen=refund_deposit_fen, owner_fen=owner_fen, evidence=evidence,
        extensions=wire.from_json(extensions, tuple[Extension, ...]) if extensions != NONE else (),
    )  # fmt: skip
    return replace(order, buffer_ms=until_ms - order.taken_until_ms)


class Locks:
    """The rows that a group needs, bookables before orders and each in the order of their ids; and what is taken of those
    bookables after `since_ms`, but for what is `remembered`."""

    def __init__(self, since_ms: int, remembered: Remembered | None = None) -> None:
        self._since_ms = since_ms
        self._remembered = remembered or Remembered()
        self._expected: set[Id] = set()
        self.listings: set[Id] = set()
        self._orders: set[Id] = set()
        self._freed: set[Id] = set()
        self._buyers: set[Id] = set()
        self._counted: set[Id] = set()

    def listing(self, listing_id: Id) -> None:
        self.listings.add(listing_id)

    def order(self, order_id: Id, *, frees: bool) -> None:
        """With its listing's calendar when it `frees` time."""
        self._orders.add(order_id)
        if frees:
            self._freed.add(order_id)

    def buyer(self, user_id: Id, *, counted: bool) -> None:
        """Somebody whose credit matters, and how many unpaid orders they have where these are `counted`. Read and not locked:
        who orders on several devices at once may have some more."""
        self._buyers.add(user_id)
        if counted:
            self._counted.add(user_id)

    def statements(self) -> list[Statement]:
        found: list[Statement] = []
        bookables = ", ".join([*["%s"] * len(self.listings), *[LISTING] * len(self._freed)])
        which = [*self.listings, *self._freed]
        if which:
            found.append((LOCK_BOOKABLES.format(bookables), *which))
        if self._orders:
            found.append((LOCK_ORDERS.format(_marks(self._orders)), *self._orders))
        self._expected = {id_ for id_ in self.listings if self._remembered.has(id_, self._since_ms)}
        unknown = self.listings - self._expected
        if unknown or self._freed:
            marks = ", ".join([*["%s"] * len(unknown), *[LISTING] * len(self._freed)])
            found.append((BUSY.format(marks), *unknown, *self._freed, self._since_ms))
        if self._buyers:
            found.append((CREDITS.format(_marks(self._buyers)), *self._buyers))
        if self._counted:
            found.append((UNPAID.format(_marks(self._counted)), *self._counted))
        return found

    async def book(self, rows: Sequence[Sequence[Row]], tx: Tx) -> Book:
        """What `statements` have found."""
        rest = iter(rows)
        bookables = next(rest) if self.listings or self._freed else []
        orders = next(rest) if self._orders else []
        calendars = {row[0]: Calendar(_bookable(row), {}) for row in bookables}
        stale: list[Id] = []
        if self.listings - self._expected or self._freed:
            _take(calendars, next(rest))
        for listing_id in self._expected & calendars.keys():
            busy = self._remembered.busy(
                calendars[listing_id].bookable, self._since_ms, tx.opened_s
            )
            if busy is None:
                stale.append(listing_id)
            calendars[listing_id].busy = busy or {}
        credits = {row[0]: _credit(row) for row in (next(rest) if self._buyers else [])}
        unpaid = {row[0]: row[1] for row in (next(rest) if self._counted else [])}
        if stale:
            sql = BUSY.format(_marks(stale))
            _take(calendars, await tx.all(sql, *stale, self._since_ms))
        return Book(calendars, {row[0]: _order(row) for row in orders}, credits, unpaid)

    def keep(self, book: Book) -> None:
        """After the commit: remember what is taken now."""
        self._remembered.keep(book.calendars.values(), self._since_ms)


def _take(calendars: Mapping[Id, Calendar], rows: Iterable[Row]) -> None:
    for listing_id, order_id, start_ms, until_ms, seats in rows:
        calendars[listing_id].busy[Id(order_id)] = Use(Period(start_ms, until_ms), seats)


def _credit(row: Row) -> Credit:
    return Credit(centistars=row[1], ratings=row[2], gone=bool(row[3]))


def write(tx: Tx, book: Book) -> None:
    """Deferred: what has changed, and its facts."""
    by_rise = sorted(book.touched, key=book.touched.__getitem__)
    for rise, listings in groupby(by_rise, key=book.touched.__getitem__):
        ids = [*listings]
        tx.defer(RAISE_BOOKABLES.format(_marks(ids)), rise, *ids)
    created = [values(book.orders[id_]) for id_ in sorted(book.created)]
    if created:
        tx.defer(many(INSERT_ORDER, len(created)), *chain.from_iterable(created))
    changed = [values(book.orders[id_]) for id_ in sorted(book.changed - book.created)]
    if changed:
        tx.defer(
            many(INSERT_ORDER, len(changed)) + ON_DUPLICATE_ORDER, *chain.from_iterable(changed)
        )
    pieces = [
        (p.order_id, p.seq, p.party, p.text, wire.json(p.objects), p.at_ms) for p in book.pieces
    ]
    if pieces:
        tx.defer(many(INSERT_EVIDENCE, len(pieces)), *chain.from_iterable(pieces))
    tx.emit(*book.facts())


async def find_bookable(cursor: Cursor, listing_id: Id) -> Bookable | None:
    row = await cursor.one(f"{BOOKABLE} WHERE listing_id = %s", listing_id)
    return _bookable(row) if row else None


async def read_bookables(cursor: Cursor, ids: Sequence[Id]) -> list[Bookable]:
    sql = f"{BOOKABLE} WHERE listing_id IN ({_marks(ids)})"
    return [_bookable(row) for row in await cursor.all(sql, *ids)]


async def lock_bookables(tx: Tx, ids: Collection[Id]) -> list[Bookable]:
    return [_bookable(row) for row in await tx.all(LOCK_BOOKABLES.format(_marks(ids)), *ids)]


async def save_bookable(tx: Tx, b: Bookable) -> None:
    tx.defer(
        UPSERT_BOOKABLE, b.listing_id, b.version, b.listing_version, b.terms_version, b.owner_id, b.status,
        b.title, b.category, b.address, wire.json(b.terms), b.cell, *_at(b.place),
    )  # fmt: skip


def note_listing_versions(tx: Tx, versions: Mapping[Id, int]) -> None:
    """Of listings that have changed in nothing that is booked by. Deferred."""
    if versions:
        cases = " ".join(["WHEN %s THEN %s"] * len(versions))
        sql = NOTE_LISTING_VERSIONS.format(cases, _marks(versions))
        tx.defer(sql, *chain.from_iterable(versions.items()), *versions)


async def save_credits(tx: Tx, heard: Iterable[CreditChanged]) -> None:
    """Each only if it is newer."""
    values = [(c.user_id, c.credit_centistars, c.ratings, c.version) for c in heard]
    tx.defer(many(SAVE_CREDIT, len(values)), *chain.from_iterable(sorted(values)))


async def note_gone(tx: Tx, user_id: Id) -> None:
    await tx.execute(NOTE_GONE, user_id)


async def unpaid_with(cursor: Cursor, user_id: Id) -> list[Id]:
    """The orders that are to be paid or answered, of which they are a party."""
    return [Id(row[0]) for row in await cursor.all(UNPAID_WITH, user_id, user_id)]


async def read_credit(cursor: Cursor, user_id: Id) -> Credit:
    row = await cursor.one(CREDITS.format("%s"), user_id)
    return _credit(row) if row else UNKNOWN


async def busy(
    cursor: Cursor, ids: Sequence[Id], since_ms: int, apart_from: Id | None = None
) -> dict[Id, list[Use]]:
    """What is taken of each listing after `since_ms`, by other orders than one. Under the bookable's lock this is the truth."""
    found: dict[Id, list[Use]] = {id_: [] for id_ in ids}
    rows = await cursor.all(BUSY.format(_marks(ids)), *ids, since_ms)
    for listing_id, order_id, start_ms, until_ms, seats in rows:
        if order_id != apart_from:
            found[listing_id].append(Use(Period(start_ms, until_ms), seats))
    return found


async def read_order(cursor: Cursor, order_id: Id) -> Order:
    row = await cursor.one(f"{ORDER} WHERE id = %s", order_id)
    if row is None:
        raise NotFound("no such order")
    return _order(row)


async def read_evidence(cursor: Cursor, order_id: Id) -> list[Piece]:
    return [
        Piece(
            order_id=Id(row[0]), seq=row[1], party=row[2], text=row[3],
            objects=wire.from_json(row[4], tuple[str, ...]), at_ms=row[5],
        )
        for row in await cursor.all(EVIDENCE, order_id)
    ]  # fmt: skip


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


async def lock_orders(tx: Tx, ids: Collection[Id]) -> list[Order]:
    if not ids:
        return []
    return [_order(row) for row in await tx.all(LOCK_ORDERS.format(_marks(ids)), *ids)]


def values(o: Order) -> tuple[object, ...]:
    """As INSERT_ORDER takes them."""
    return (
        o.id, o.version, o.process_version, o.state, life.blocks(o.state), o.entered_ms,
        o.listing_id, o.buyer_id, o.owner_id, o.title, o.address, o.period.start_ms, o.period.end_ms,
        o.use.period.end_ms, o.seats, o.terms_version, o.policy, wire.json(o.lines), o.rent_fen, o.deposit_fen, o.fee_fen, o.pay_by_ms,
        o.start_code, o.return_code, o.wrong_codes, o.reason, _due_ms(o), o.created_ms,
        o.late_hour_fen, o.late_fen, o.claim_fen, o.refund_fen, o.refund_deposit_fen, o.owner_fen, o.evidence,
        o.buyer_id if life.counts_as_unpaid(o.state) else None,
        wire.json(o.extensions) if o.extensions else NONE, *_at(o.place),
    )  # fmt: skip


async def due_orders(cursor: Cursor, now_ms: int, limit: int) -> list[Id]:
    return [Id(row[0]) for row in await cursor.all(DUE, now_ms, limit)]


async def postpone_timer(cursor: Cursor, order_id: Id, now_ms: int, by_ms: int) -> None:
    """Look at a failing order's timer later, so that it does not stand in the way of the others."""
    await cursor.execute(POSTPONE, now_ms + by_ms, order_id, now_ms)


def _due_ms(order: Order) -> int | None:
    timer = soonest(order)
    return timer[0] if timer else None


def _marks(ids: Iterable[Id]) -> str:
    return ", ".join("%s" for _ in ids)
