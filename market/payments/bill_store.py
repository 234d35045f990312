"""The SQL of the reconciliation: which days were compared, what of ours was in which bill, what differed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from infra.mysql.database import Cursor, Row, Tx
from market.kernel.ids import Id
from market.payments.rules.reconciling import Difference, Item, Sort
from market.payments.store import marks

PAYMENT = "out_trade_no, amount_fen, sub_mchid, status = 'paid', order_id, bill_day FROM payments"
REFUND = (
    "r.out_refund_no, r.amount_fen, p.sub_mchid, r.status = 'done' AND r.settled_by = 0, r.order_id, r.bill_day "
    "FROM refunds r JOIN payments p ON p.id = r.payment_id"
)
COMMISSION = (
    "CONCAT('S', LPAD(id, 19, '0')), fee_fen, '', status IN ('finishing', 'done'), order_id, bill_day "
    "FROM payouts"
)
KNOWN: dict[Sort, str] = {
    "payment": f"SELECT {PAYMENT} WHERE out_trade_no IN ({{}})",
    "refund": f"SELECT {REFUND} WHERE r.out_refund_no IN ({{}})",
    "commission": f"SELECT {COMMISSION} WHERE id IN ({{}})",
}
UNBILLED: dict[Sort, str] = {
    "payment": f"SELECT {PAYMENT} WHERE bill_day = '' AND status = 'paid' AND amount_fen > 0 "
    "AND paid_at_ms >= %s AND paid_at_ms < %s",
    "refund": f"SELECT {REFUND} WHERE r.bill_day = '' AND r.status = 'done' AND r.settled_by = 0 "
    "AND r.done_ms >= %s AND r.done_ms < %s",
    "commission": f"SELECT {COMMISSION} WHERE bill_day = '' AND status = 'done' AND fee_fen > 0 "
    "AND done_ms >= %s AND done_ms < %s",
}
BILLED: dict[Sort, str] = {
    "payment": "UPDATE payments SET bill_day = %s WHERE bill_day = '' AND out_trade_no IN ({})",
    "refund": "UPDATE refunds SET bill_day = %s WHERE bill_day = '' AND out_refund_no IN ({})",
    "commission": "UPDATE payouts SET bill_day = %s WHERE bill_day = '' AND id IN ({})",
}
LAST_DAY = "SELECT MAX(day) FROM bills"
INSERT_BILL = (
    "INSERT INTO bills (day, matched, differing, done_ms) VALUES (%s, %s, %s, %s) "
    "ON DUPLICATE KEY UPDATE matched = VALUES(matched), differing = VALUES(differing), done_ms = VALUES(done_ms)"
)
INSERT_DIFFERENCE = (
    "INSERT IGNORE INTO differences (id, day, sort, kind, number, order_id, ours_fen, theirs_fen, version, "
    "resolved_ms, resolved_by, note) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 1, 0, 0, '')"
)
FOUND = (
    "SELECT id, day, sort, kind, number, order_id, ours_fen, theirs_fen, resolved_ms, resolved_by, note "
    "FROM differences"
)
RESOLVE = (
    "UPDATE differences SET version = version + 1, resolved_ms = %s, resolved_by = %s, note = %s "
    "WHERE id = %s"
)
OPEN = "SELECT COUNT(*) FROM differences WHERE resolved_ms = 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A difference as it is kept; `resolved_ms` is 0 while it is open."""

    id: Id
    day: str
    difference: Difference
    resolved_ms: int
    resolved_by: Id
    note: str


def _key(sort: Sort, number: str) -> object:
    return int(number[1:]) if sort == "commission" else number


def _item(sort: Sort, row: Row) -> Item:
    number, amount_fen, sub_mchid, done, order_id, bill_day = row
    return Item(
        sort=sort, number=str(number), amount_fen=int(amount_fen), sub_mchid=str(sub_mchid), done=bool(done),
        order_id=Id(order_id), bill_day=str(bill_day),
    )  # fmt: skip


def _found(row: Row) -> Found:
    id_, day, sort, kind, number, order_id, ours_fen, theirs_fen, resolved_ms, resolved_by, note = (
        row
    )
    difference = Difference(
        sort=sort, kind=kind, number=number, order_id=Id(order_id), ours_fen=ours_fen,
        theirs_fen=theirs_fen,
    )  # fmt: skip
    return Found(
        id=Id(id_), day=day, difference=difference, resolved_ms=resolved_ms, resolved_by=Id(resolved_by),
        note=note,
    )  # fmt: skip


async def known(cursor: Cursor, sort: Sort, numbers: Sequence[str]) -> dict[tuple[Sort, str], Item]:
    """Those of the numbers that are ours, done or not."""
    keys = [_key(sort, number) for number in numbers]
    rows = await cursor.all(KNOWN[sort].format(marks(keys)), *keys) if keys else []
    items = (_item(sort, row) for row in rows)
    return {(sort, item.number): item for item in items}


async def unbilled(cursor: Cursor, sort: Sort, from_ms: int, until_ms: int) -> list[Item]:
    """What was done in this time and has been in no bill."""
    return [_item(sort, row) for row in await cursor.all(UNBILLED[sort], from_ms, until_ms)]


def add_billed(tx: Tx, day: str, sort: Sort, numbers: Sequence[str]) -> None:
    """Deferred."""
    if numbers:
        keys = [_key(sort, number) for number in numbers]
        tx.defer(BILLED[sort].format(marks(keys)), day, *keys)


def add_differences(tx: Tx, day: str, differences: Iterable[Difference]) -> None:
    """Deferred; what was found in this day's bill before stays as it is."""
    for d in differences:
        tx.defer(
            INSERT_DIFFERENCE, tx.new_id(), day, d.sort, d.kind, d.number[:64], d.order_id, d.ours_fen,
            d.theirs_fen,
        )  # fmt: skip


def add_bill(tx: Tx, day: str, matched: int, differing: int) -> None:
    """Deferred: the day has been compared."""
    tx.defer(INSERT_BILL, day, matched, differing, tx.now_ms)


async def last_day(cursor: Cursor) -> date | None:
    row = await cursor.one(LAST_DAY)
    return date.fromisoformat(row[0]) if row and row[0] else None


async def lock(tx: Tx, id_: Id) -> Found | None:
    row = await tx.one(f"{FOUND} WHERE id = %s FOR UPDATE", id_)
    return _found(row) if row else None


async def resolve(tx: Tx, id_: Id, by: Id, note: str) -> None:
    await tx.execute(RESOLVE, tx.now_ms, by, note, id_)


async def differences(cursor: Cursor, resolved: bool, before: Id | None, limit: int) -> list[Found]:
    """The newest first."""
    older, *bound = ("AND id < %s ", before) if before is not None else ("",)
    which = "resolved_ms > 0" if resolved else "resolved_ms = 0"
    where = f"WHERE {which} {older}ORDER BY id DESC LIMIT %s"
    return [_found(row) for row in await cursor.all(f"{FOUND} {where}", *bound, limit)]


async def open_differences(cursor: Cursor) -> int:
    row = await cursor.one(OPEN)
    assert row is not None
    return int(row[0])
