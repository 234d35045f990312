"""The SQL of the owners as WeChat knows them."""

from __future__ import annotations

from infra.mysql.database import Cursor, Row, Tx
from market.kernel.ids import Id
from market.payments.rules.merchants import Merchant

MERCHANT = (
    "SELECT user_id, version, status, out_request_no, sub_mchid, sign_url, reason, checks, due_ms "
    "FROM merchants"
)
PUT_MERCHANT = (
    "INSERT INTO merchants (user_id, version, status, out_request_no, sub_mchid, sign_url, reason, checks, "
    "due_ms) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON DUPLICATE KEY UPDATE version = VALUES(version), "
    "status = VALUES(status), sub_mchid = VALUES(sub_mchid), sign_url = VALUES(sign_url), "
    "reason = VALUES(reason), checks = VALUES(checks), due_ms = VALUES(due_ms)"
)
SUB_MCHID = "SELECT sub_mchid FROM merchants WHERE user_id = %s AND status = 'finished'"
DUE = (
    "SELECT user_id FROM merchants WHERE status IN ('sending', 'applied') AND due_ms <= %s "
    "ORDER BY due_ms LIMIT %s"
)
TELL_OWNER = "INSERT IGNORE INTO owners_told (order_id, owner_id) VALUES (%s, %s)"


def _merchant(row: Row) -> Merchant:
    user_id, version, status, out_request_no, sub_mchid, sign_url, reason, checks, due_ms = row
    return Merchant(
        user_id=Id(user_id), version=version, status=status, out_request_no=out_request_no,
        sub_mchid=sub_mchid, sign_url=sign_url, reason=reason, checks=checks, due_ms=due_ms,
    )  # fmt: skip


async def lock(tx: Tx, user_id: Id) -> Merchant | None:
    row = await tx.one(f"{MERCHANT} WHERE user_id = %s FOR UPDATE", user_id)
    return _merchant(row) if row else None


async def read(cursor: Cursor, user_id: Id) -> Merchant | None:
    row = await cursor.one(f"{MERCHANT} WHERE user_id = %s", user_id)
    return _merchant(row) if row else None


async def put(tx: Tx, m: Merchant) -> None:
    await tx.execute(
        PUT_MERCHANT, m.user_id, m.version, m.status, m.out_request_no, m.sub_mchid, m.sign_url,
        m.reason, m.checks, m.due_ms,
    )  # fmt: skip


async def sub_mchid(cursor: Cursor, user_id: Id) -> str | None:
    """Whose money WeChat can keep; None while the owner's application is not finished."""
    row = await cursor.one(SUB_MCHID, user_id)
    return str(row[0]) if row else None


async def due(cursor: Cursor, now_ms: int, limit: int) -> list[Id]:
    """The owners whose applications are to be asked about."""
    return [Id(row[0]) for row in await cursor.all(DUE, now_ms, limit)]


async def tell_owner(tx: Tx, order_id: Id, owner_id: Id) -> bool:
    """False when the owner has been told of this order before."""
    return await tx.execute(TELL_OWNER, order_id, owner_id) == 1
