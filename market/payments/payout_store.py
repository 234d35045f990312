"""The SQL of refunds and payouts. The payable's row is their lock, too."""

from __future__ import annotations

from infra.mysql.database import Cursor, Row, Tx
from market.kernel.errors import NotFound
from market.kernel.ids import Id
from market.payments.rules.division import Payout, Refund
from market.payments.store import Owed

OWED_BY_REFUND = "SELECT order_id, extension FROM refunds WHERE id = %s"
REFUND = (
    "SELECT id, payment_id, order_id, extension, reason, amount_fen, deposit_fen, status, out_refund_no, wechat_id, "
    "attempts, due_ms, done_ms FROM refunds"
)
INSERT_REFUND = (
    "INSERT INTO refunds (id, payment_id, order_id, extension, reason, amount_fen, deposit_fen, status, "
    "out_refund_no, wechat_id, attempts, due_ms, error, created_ms, done_ms) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '', %s, %s)"
)
UPDATE_REFUND = (
    "UPDATE refunds SET status = %s, out_refund_no = %s, wechat_id = %s, attempts = %s, due_ms = %s, error = %s, done_ms = %s "
    "WHERE id = %s"
)
STUCK = REFUND.replace(" FROM", ", settled_by, note FROM")
NOTE_BY_HAND = "UPDATE refunds SET settled_by = %s, note = %s WHERE id = %s"
REFUNDS_DUE = (
    "SELECT order_id, extension, id FROM refunds WHERE status IN ('wanted', 'sent') AND due_ms <= %s "
    "ORDER BY due_ms LIMIT %s"
)
REFUNDS_WAITING = "SELECT COUNT(*) FROM refunds WHERE status IN ('wanted', 'sent', 'stuck')"
PAYOUT = (
    "SELECT id, payment_id, order_id, extension, owner_id, fee_fen, owner_fen, status, sent, attempts, due_ms, "
    "done_ms FROM payouts WHERE payment_id = %s"
)
INSERT_PAYOUT = (
    "INSERT INTO payouts (id, payment_id, order_id, extension, owner_id, fee_fen, owner_fen, status, sent, attempts, "
    "due_ms, error, created_ms, done_ms) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '', %s, %s)"
)
UPDATE_PAYOUT = (
    "UPDATE payouts SET status = %s, sent = %s, attempts = %s, due_ms = %s, error = %s, done_ms = %s "
    "WHERE id = %s"
)
PAYOUTS_DUE = (
    "SELECT order_id, extension FROM payouts WHERE status IN ('sharing', 'finishing') AND due_ms <= %s "
    "ORDER BY due_ms LIMIT %s"
)
PAYOUTS_WAITING = (
    "SELECT COUNT(*) FROM payouts WHERE status IN ('waiting', 'sharing', 'finishing', 'stuck')"
)


def _refund(row: Row) -> Refund:
    (id_, payment_id, order_id, extension, reason, amount_fen, deposit_fen, status, out_refund_no, wechat_id,
     attempts, due_ms, done_ms) = row  # fmt: skip
    return Refund(
        id=Id(id_), payment_id=Id(payment_id), order_id=Id(order_id), extension=extension, reason=reason, amount_fen=amount_fen,
        deposit_fen=deposit_fen, status=status, out_refund_no=out_refund_no, wechat_id=wechat_id,
        attempts=attempts, due_ms=due_ms, done_ms=done_ms,
    )  # fmt: skip


async def owed_by_refund(cursor: Cursor, refund_id: Id) -> Owed | None:
    """Out of whose payment it goes back."""
    row = await cursor.one(OWED_BY_REFUND, refund_id)
    return (Id(row[0]), row[1]) if row else None


async def find_refund(cursor: Cursor, refund_id: Id) -> Refund:
    """Raise NotFound."""
    row = await cursor.one(f"{REFUND} WHERE id = %s", refund_id)
    if row is None:
        raise NotFound("no such refund")
    return _refund(row)


async def refunds_of(cursor: Cursor, order_id: Id) -> list[Refund]:
    rows = await cursor.all(f"{REFUND} WHERE order_id = %s ORDER BY created_ms, id", order_id)
    return [_refund(row) for row in rows]


async def insert_refund(tx: Tx, r: Refund) -> None:
    """Raise pymysql.err.IntegrityError when the payment is being refunded for that reason already."""
    await tx.execute(
        INSERT_REFUND, r.id, r.payment_id, r.order_id, r.extension, r.reason, r.amount_fen, r.deposit_fen, r.status,
        r.out_refund_no, r.wechat_id, r.attempts, r.due_ms, tx.now_ms, r.done_ms,
    )  # fmt: skip


async def update_refund(tx: Tx, r: Refund, error: str = "") -> None:
    await tx.execute(
        UPDATE_REFUND,
        r.status,
        r.out_refund_no,
        r.wechat_id,
        r.attempts,
        r.due_ms,
        error[:200],
        r.done_ms,
        r.id,
    )


async def stuck_refunds(
    cursor: Cursor, settled: bool, before: Id | None, limit: int
) -> list[tuple[Refund, Id, str]]:
    """The newest first, with who has settled it and how."""
    older, *bound = ("AND id < %s ", before) if before is not None else ("",)
    which = "settled_by > 0" if settled else "status = 'stuck'"
    where = f"WHERE {which} {older}ORDER BY id DESC LIMIT %s"
    rows = await cursor.all(f"{STUCK} {where}", *bound, limit)
    return [(_refund(row[:-2]), Id(row[-2]), row[-1]) for row in rows]


async def note_by_hand(tx: Tx, refund_id: Id, by: Id, note: str) -> None:
    await tx.execute(NOTE_BY_HAND, by, note, refund_id)


async def refunds_due(cursor: Cursor, now_ms: int, limit: int) -> list[tuple[Owed, Id]]:
    """(what was paid, refund) of those to be sent or asked about."""
    rows = await cursor.all(REFUNDS_DUE, now_ms, limit)
    return [((Id(row[0]), row[1]), Id(row[2])) for row in rows]


async def refunds_waiting(cursor: Cursor) -> int:
    row = await cursor.one(REFUNDS_WAITING)
    assert row is not None
    return int(row[0])


async def payout_of(cursor: Cursor, payment_id: Id) -> Payout | None:
    row = await cursor.one(PAYOUT, payment_id)
    if row is None:
        return None
    (id_, of, order_id, extension, owner_id, fee_fen, owner_fen, status, sent, attempts, due_ms,
     done_ms) = row  # fmt: skip
    return Payout(
        id=Id(id_), payment_id=Id(of), order_id=Id(order_id), extension=extension, owner_id=Id(owner_id), fee_fen=fee_fen,
        owner_fen=owner_fen, status=status, sent=bool(sent), attempts=attempts, due_ms=due_ms,
        done_ms=done_ms,
    )  # fmt: skip


async def insert_payout(tx: Tx, p: Payout) -> None:
    await tx.execute(
        INSERT_PAYOUT, p.id, p.payment_id, p.order_id, p.extension, p.owner_id, p.fee_fen, p.owner_fen, p.status,
        p.sent, p.attempts, p.due_ms, tx.now_ms, p.done_ms,
    )  # fmt: skip


async def update_payout(tx: Tx, p: Payout, error: str = "") -> None:
    await tx.execute(
        UPDATE_PAYOUT, p.status, p.sent, p.attempts, p.due_ms, error[:200], p.done_ms, p.id
    )


async def payouts_due(cursor: Cursor, now_ms: int, limit: int) -> list[Owed]:
    """What was paid whose payouts have a step to take."""
    return [(Id(row[0]), row[1]) for row in await cursor.all(PAYOUTS_DUE, now_ms, limit)]


async def payouts_waiting(cursor: Cursor) -> int:
    row = await cursor.one(PAYOUTS_WAITING)
    assert row is not None
    return int(row[0])
