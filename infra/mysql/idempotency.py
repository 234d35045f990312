"""A command done twice under one key has one effect, because a unique key says so.

The key is (actor, key); the digest says which command it was, the reply what was answered. Refusals are not stored. Rows are
kept for seven days.

A command that is done alone inserts its row after the entity's lock and before anything is decided (`claim`). The rows of a
group go behind everything else, by one statement and with their replies (`Claims`): a key that has been used refuses the whole
group, whose commands are then done alone.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

import pymysql.err

from infra import wire
from infra.mysql.connection import many
from market.kernel.actor import Call
from market.kernel.errors import KeyReused

if TYPE_CHECKING:
    from infra.mysql.connection import Row, Statement
    from infra.mysql.database import Cursor, Tx

R = TypeVar("R")

KEPT_MS = 7 * 24 * 3600 * 1000

INSERT = "INSERT INTO idempotency (actor_id, idem_key, digest, created_ms) VALUES (%s, %s, %s, %s)"
SELECT = "SELECT digest, reply FROM idempotency WHERE actor_id = %s AND idem_key = %s FOR UPDATE"
UPDATE = "UPDATE idempotency SET reply = %s WHERE actor_id = %s AND idem_key = %s"
DELETE_ONE = "DELETE FROM idempotency WHERE actor_id = %s AND idem_key = %s"
INSERT_DONE = (
    "INSERT INTO idempotency (actor_id, idem_key, digest, reply, created_ms) "
    "VALUES (%s, %s, %s, %s, %s)"
)
SELECT_DONE = "SELECT actor_id, idem_key, digest, reply FROM idempotency WHERE {}"
ONE_OF = "(actor_id = %s AND idem_key = %s)"
DELETE = "DELETE FROM idempotency WHERE created_ms < %s LIMIT %s"


class Replayed(Exception):
    """The command has been done; `reply` (msgpack) is what was answered."""

    def __init__(self, reply: bytes) -> None:
        super().__init__()
        self.reply = reply


def digest_of(command: object) -> bytes:
    name = f"{type(command).__module__}.{type(command).__qualname__}"
    return hashlib.sha256(name.encode() + b"\0" + wire.msgpack(command)).digest()


async def claim(tx: Tx, call: Call, command: object, locks: Sequence[Statement]) -> list[list[Row]]:
    digest = digest_of(command)
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


def give_back(tx: Tx, actor_id: int, key: str) -> None:
    """The command was refused after all, in a transaction that has something to commit."""
    tx.defer(DELETE_ONE, actor_id, key)


@dataclass(frozen=True, slots=True)
class Claim:
    """A command under its key."""

    actor_id: int
    key: str
    digest: bytes

    @classmethod
    def of(cls, call: Call, command: object) -> Claim | None:
        if call.key is None:
            return None
        return cls(call.actor.user_id, call.key, digest_of(command))

    @property
    def place(self) -> tuple[int, str]:
        return self.actor_id, self.key


@dataclass(slots=True)
class Claims(Generic[R]):
    """The keys of a group of commands, in one transaction."""

    reply: type[R]
    _taken: dict[tuple[int, str], tuple[bytes, R]] = field(default_factory=dict)
    _refused: list[tuple[int, str]] = field(default_factory=list)
    _found: list[Row] = field(default_factory=list)

    def earlier(self, claim: Claim) -> R | KeyReused | None:
        """What the group has answered under this key already."""
        if claim.place not in self._taken:
            return None
        digest, reply = self._taken[claim.place]
        return (
            reply if digest == claim.digest else KeyReused("this key was used for another command")
        )

    def accept(self, claim: Claim, reply: R) -> None:
        self._taken[claim.place] = (claim.digest, reply)

    def refuse(self, claim: Claim) -> None:
        """Look it up: what has been done before is answered as it was, even if it would be refused now."""
        self._refused.append(claim.place)

    def write(self, tx: Tx, now_ms: int) -> None:
        """Deferred; and so are the rows of the refused, as they are without this group, which say whether they have been done
        before. Each transaction that could have done them has let go of the entity's row, and is seen."""
        if self._refused:
            sql = SELECT_DONE.format(" OR ".join([ONE_OF] * len(self._refused)))
            self._found = tx.defer_read(sql, *itertools.chain.from_iterable(self._refused))
        if self._taken:
            values: list[object] = []
            for (actor_id, key), (digest, reply) in self._taken.items():
                values += (actor_id, key, digest, wire.msgpack(reply), now_ms)
            tx.defer(many(INSERT_DONE, len(self._taken)), *values)

    def before(self, claim: Claim) -> R | KeyReused | None:
        """After the commit: the first reply to a command that was refused now."""
        for actor_id, key, digest, reply in self._found:
            if (actor_id, key) == claim.place:
                if digest != claim.digest:
                    return KeyReused("this key was used for another command")
                return wire.from_msgpack(reply, self.reply)
        return None


async def forget(cursor: Cursor, now_ms: int, limit: int = 1000) -> int:
    """Delete rows older than seven days; how many."""
    return await cursor.execute(DELETE, now_ms - KEPT_MS, limit)
