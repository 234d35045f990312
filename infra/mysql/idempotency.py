"""A command done twice under one key has one effect, because a unique key says so.

The key is (actor, key). The row is inserted after the entity's lock and before anything is decided; the digest says which
command it was, the reply what was answered. Refusals roll back, so they are not stored. Rows are kept for seven days.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pymysql.err

from infra import wire
from market.kernel.actor import Call
from market.kernel.errors import KeyReused

if TYPE_CHECKING:
    from infra.mysql.connection import Row, Statement
    from infra.mysql.database import Cursor, Tx

KEPT_MS = 7 * 24 * 3600 * 1000

INSERT = "INSERT INTO idempotency (actor_id, idem_key, digest, created_ms) VALUES (%s, %s, %s, %s)"
SELECT = "SELECT digest, reply FROM idempotency WHERE actor_id = %s AND idem_key = %s FOR UPDATE"
UPDATE = "UPDATE idempotency SET reply = %s WHERE actor_id = %s AND idem_key = %s"
DELETE = "DELETE FROM idempotency WHERE created_ms < %s LIMIT %s"


class Replayed(Exception):
    """The command has been done; `reply` (msgpack) is what was answered."""

    def __init__(self, reply: bytes) -> None:
        super().__init__()
        self.reply = reply


async def claim(tx: Tx, call: Call, command: object, locks: Sequence[Statement]) -> list[list[Row]]:
    name = f"{type(command).__module__}.{type(command).__qualname__}"
    digest = hashlib.sha256(name.encode() + b"\0" + wire.msgpack(command)).digest()
    actor = call.actor.user_id
    try:
        *rows, _ = await tx.together(*locks, (INSERT, actor, call.key, digest, call.now_ms))
    except pymysql.err.IntegrityError:
        row = await tx.one(SELECT, actor, call.key)
        if row is None:  # the other one rolled back between our two statements: run again
            raise pymysql.err.OperationalError(1213, "the key's first claim vanished") from None
        if row[0] != digest:
            raise KeyReused("this key was used for another command") from None
        raise Replayed(row[1]) from None
    return rows


def store_reply(tx: Tx, actor_id: int, key: str, reply: bytes) -> None:
    tx.defer(UPDATE, reply, actor_id, key)


async def forget(cursor: Cursor, now_ms: int, limit: int = 1000) -> int:
    """Delete rows older than seven days; how many."""
    return await cursor.execute(DELETE, now_ms - KEPT_MS, limit)
