"""The payments' SQL. The payable's row is the lock of everything that belongs to its payment."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from infra.mysql.database import Cursor, Row, Tx
from market.kernel.ids import Id
from market.payments.rules.escrow import Payable, Payment

Owed = tuple[Id, int]
"""(order, extension): what is owed by one payment; 0 is the order itself."""

PAYABLE = (
    "SELECT order_id, extension, version, state, accepted, buyer_id, owner_id, title, rent_fen, deposit_fen, fee_fen, "
    "total_fen, refund_fen, refund_deposit_fen, owner_fen, pay_by_ms FROM payables WHERE order_id"
)
PUT_PAYABLES = (
    "INSERT INTO payables (order_id, extension, version, state, accepted, buyer_id, owner_id, title, rent_fen, "
    "deposit_fen, fee_fen, total_fen, refund_fen, refund_deposit_fen, owner_fen, pay_by_ms) "
    "VALUES {} ON DUPLICATE KEY UPDATE version = VALUES(version), state = VALUES(state), accepted = VALUES(accepted), title = VALUES(title), "
    "rent_fen = VALUES(rent_fen), deposit_fen = VALUES(deposit_fen), fee_fen = VALUES(fee_fen), "
    "total_fen = VALUES(total_fen), refund_fen = VALUES(refund_fen), "
    "refund_deposit_fen = VALUES(refund_deposit_fen), owner_fen = VALUES(owner_fen), pay_by_ms = VALUES(pay_by_ms)"
)
PUT_PAYER = (
    "INSERT INTO payers (user_id, version, openid) VALUES (%s, %s, %s) ON DUPLICATE KEY UPDATE "
    "openid = IF(VALUES(version) > version, VALUES(openid), openid), "
    "version = GREATEST(version, VALUES(version))"
)
OPENID = "SELECT openid FROM payers WHERE user_id = %s"
PAYMENT = (
    "SELECT id, version, order_id, extension, sub_mchid, out_trade_no, openid, description, amount_fen, deposit_fen, expires_ms, "
    "status, prepay_id, prepay_ms, transaction_id, paid_at_ms, divided, checks, check_ms FROM payments"
)
INSERT_PAYMENT = (
    "INSERT INTO payments (id, version, order_id, extension, sub_mchid, out_trade_no, openid, description, amount_fen, "
    "deposit_fen, expires_ms, status, prepay_id, prepay_ms, transaction_id, paid_at_ms, divided, checks, "
    "check_ms, created_ms) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
UPDATE_PAYMENT = (
    "UPDATE payments SET version = %s, status = %s, prepay_id = %s, prepay_ms = %s, transaction_id = %s, "
    "paid_at_ms = %s, divided = %s, checks = %s, check_ms = %s WHERE id = %s"
)
UNDECIDED = (
    "SELECT order_id, extension, paid_at_ms FROM payments WHERE status = 'paid' AND divided = '' AND paid_at_ms <= %s "
    "ORDER BY paid_at_ms LIMIT %s"
)
OWED_BY_TRADE = "SELECT order_id, extension FROM payments WHERE out_trade_no = %s"
PAYMENTS_DUE = (
    "SELECT order_id, extension FROM payments WHERE status IN ('preparing', 'waiting') AND check_ms <= %s "
    "ORDER BY check_ms LIMIT %s"
)
INSERT_NOTIFICATION = "INSERT INTO notifications (id, nonce, event_type, subject, heard_ms) VALUES (%s, %s, %s, %s, %s)"


def marks(values: Collection[object]) -> str:
    """Placeholders for an IN list."""
    return ", ".join(["%s"] * len(values))


def _payable(row: Row) -> Payable:
    (order_id, extension, version, state, accepted, buyer_id, owner_id, title, rent_fen, deposit_fen, fee_fen,
     total_fen, refund_fen, refund_deposit_fen, owner_fen, pay_by_ms) = row  # fmt: skip
    return Payable(
        order_id=Id(order_id), extension=extension, version=version, state=state, accepted=bool(accepted),
        buyer_id=Id(buyer_id), owner_id=Id(owner_id), title=title, rent_fen=rent_fen, deposit_fen=deposit_fen, fee_fen=fee_fen,
        total_fen=total_fen, refund_fen=refund_fen, refund_deposit_fen=refund_deposit_fen,
        owner_fen=owner_fen, pay_by_ms=pay_by_ms,
    )  # fmt: skip


def _payment(row: Row) -> Payment:
    (id_, version, order_id, extension, sub_mchid, out_trade_no, openid, description, amount_fen, deposit_fen, expires_ms,
     status, prepay_id, prepay_ms, transaction_id, paid_at_ms, divided, checks, check_ms) = row  # fmt: skip
    return Payment(
        id=Id(id_), version=version, order_id=Id(order_id), extension=extension, sub_mchid=sub_mchid, out_trade_no=out_trade_no, openid=openid,
        description=description, amount_fen=amount_fen, deposit_fen=deposit_fen, expires_ms=expires_ms,
        status=status, prepay_id=prepay_id, prepay_ms=prepay_ms, transaction_id=transaction_id,
        paid_at_ms=paid_at_ms, divided=divided, checks=checks, check_ms=check_ms,
    )  # fmt: skip


async def lock_payable(tx: Tx, order_id: Id, extension: int = 0) -> Payable | None:
    row = await tx.one(f"{PAYABLE} = %s AND extension = %s FOR UPDATE", order_id, extension)
    return _payable(row) if row else None


async def lock_payables(tx: Tx, order_ids: Iterable[Id]) -> dict[Owed, Payable]:
    """Those that are known of these orders and their extensions, in the order of their keys."""
    ids = sorted(order_ids)
    sql = f"{PAYABLE} IN ({marks(ids)}) ORDER BY order_id, extension FOR UPDATE"
    return {(p.order_id, p.extension): p for p in map(_payable, await tx.all(sql, *ids))}


async def read_payables(cursor: Cursor, order_id: Id) -> list[Payable]:
    """The order's own, then its extensions'."""
    rows = await cursor.all(f"{PAYABLE} = %s ORDER BY extension", order_id)
    return [_payable(row) for row in rows]


def put_payables(tx: Tx, payables: Collection[Payable]) -> None:
    """Deferred."""
    row = f"({', '.join(['%s'] * 16)})"
    values = [
        value
        for p in payables
        for value in (
            p.order_id, p.extension, p.version, p.state, p.accepted, p.buyer_id, p.owner_id, p.title, p.rent_fen,
            p.deposit_fen, p.fee_fen, p.total_fen, p.refund_fen, p.refund_deposit_fen, p.owner_fen,
            p.pay_by_ms,
        )
    ]  # fmt: skip
    tx.defer(PUT_PAYABLES.format(", ".join([row] * len(payables))), *values)


async def put_payer(tx: Tx, user_id: Id, version: int, openid: str) -> None:
    """Unless a newer version is known."""
    await tx.execute(PUT_PAYER, user_id, version, openid)


async def openid_of(cursor: Cursor, user_id: Id) -> str | None:
    row = await cursor.one(OPENID, user_id)
    return str(row[0]) if row else None


async def payment_of(cursor: Cursor, order_id: Id, extension: int = 0) -> Payment | None:
    row = await cursor.one(f"{PAYMENT} WHERE order_id = %s AND extension = %s", order_id, extension)
    return _payment(row) if row else None


async def payments_of(cursor: Cursor, order_ids: Collection[Id]) -> dict[Owed, Payment]:
    """Of these orders and their extensions."""
    rows = await cursor.all(f"{PAYMENT} WHERE order_id IN ({marks(order_ids)})", *order_ids)
    return {(p.order_id, p.extension): p for p in map(_payment, rows)}


async def insert_payment(tx: Tx, p: Payment) -> None:
    await tx.execute(
        INSERT_PAYMENT, p.id, p.version, p.order_id, p.extension, p.sub_mchid, p.out_trade_no, p.openid, p.description, p.amount_fen,
        p.deposit_fen, p.expires_ms, p.status, p.prepay_id, p.prepay_ms, p.transaction_id, p.paid_at_ms,
        p.divided, p.checks, p.check_ms, tx.now_ms,
    )  # fmt: skip


async def update_payment(tx: Tx, p: Payment) -> None:
    await tx.execute(
        UPDATE_PAYMENT, p.version, p.status, p.prepay_id, p.prepay_ms, p.transaction_id, p.paid_at_ms,
        p.divided, p.checks, p.check_ms, p.id,
    )  # fmt: skip


async def owed_by_trade(cursor: Cursor, out_trade_no: str) -> Owed | None:
    row = await cursor.one(OWED_BY_TRADE, out_trade_no)
    return (Id(row[0]), row[1]) if row else None


async def payments_due(cursor: Cursor, now_ms: int, limit: int) -> list[Owed]:
    """What the payments are for that are to be asked about."""
    return [(Id(row[0]), row[1]) for row in await cursor.all(PAYMENTS_DUE, now_ms, limit)]


async def insert_notification(tx: Tx, id_: str, nonce: str, event_type: str, subject: str) -> None:
    """Raise pymysql.err.IntegrityError when it has been heard."""
    await tx.execute(INSERT_NOTIFICATION, id_, nonce, event_type, subject, tx.now_ms)


async def undecided(cursor: Cursor, paid_before_ms: int, limit: int) -> list[tuple[Owed, int]]:
    """(what it is for, when it was paid) of the oldest that nobody has decided yet."""
    rows = await cursor.all(UNDECIDED, paid_before_ms, limit)
    return [((Id(row[0]), row[1]), int(row[2])) for row in rows]
