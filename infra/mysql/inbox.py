"""Facts of other wings on their way in: unique by fact id, handled in order per entity, exactly once in effect.

The relay inserts (ignoring what is there already); the wing's handler marks the row done in the very transaction of its
effect. A fact whose handling fails blocks its own entity alone, and is tried again ever later. Rows outlive the outbox's,
so a fact that is carried twice is handled once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from infra import wire
from infra.mysql.connection import many
from infra.mysql.outbox import Published
from market.kernel.facts import KINDS, FactData, Heard
from market.kernel.ids import Id

if TYPE_CHECKING:
    from infra.mysql.database import Cursor, Tx

KEPT_MS = 30 * 24 * 3600 * 1000

INSERT = (
    "INSERT IGNORE INTO {schema}.inbox (fact_id, kind, entity, version, occurred_us, data) "
    "VALUES (%s, %s, %s, %s, %s, %s)"
)
PENDING = (
    "SELECT seq, fact_id, kind, entity, version, occurred_us, data FROM inbox "
    "WHERE done = 0 AND due_ms <= %s AND entity NOT IN "
    "(SELECT entity FROM inbox WHERE done = 0 AND due_ms > %s) ORDER BY seq LIMIT %s"
)
TAKE = "UPDATE inbox SET done = 1, done_ms = %s, error = NULL WHERE seq IN ({}) AND done = 0"
POSTPONE = (
    "UPDATE inbox SET attempts = attempts + 1, error = %s, "
    "due_ms = %s + LEAST(60000, 250 * POW(2, LEAST(attempts, 12))) WHERE seq = %s"
)
OLDEST = "SELECT seq, done_ms FROM inbox WHERE done = 1 ORDER BY seq LIMIT %s"
FORGET = "DELETE FROM inbox WHERE seq IN ({})"
BACKLOG = (
    "SELECT COUNT(*), MIN(occurred_us), COALESCE(SUM(attempts >= 5), 0) FROM inbox WHERE done = 0"
)


def insert(tx: Tx, schema: str, published: Sequence[Published]) -> None:
    """Deferred."""
    values: list[object] = []
    for p in published:
        values += (p.fact_id, p.kind, p.entity, p.version, p.committed_us, p.data)
    tx.defer(many(INSERT.format(schema=schema), len(published)), *values)


@dataclass(slots=True)
class Waiting:
    """An inbox row. Read by `heard` only when its turn comes, so that one which cannot be read hurts itself alone."""

    seq: int
    fact_id: Id
    kind: str
    entity: Id
    version: int
    occurred_ms: int
    data: bytes

    def heard(self) -> Heard:
        """Raise KeyError for a kind that this release does not know, msgspec.MsgspecError for data it cannot read."""
        return Heard(
            fact_id=self.fact_id, kind=self.kind, entity=self.entity, version=self.version,
            occurred_ms=self.occurred_ms, data=_read(self.kind, self.data),
        )  # fmt: skip


@lru_cache(maxsize=8192)
def _read(kind: str, data: bytes) -> FactData:
    """Several wings of one process hear of one fact, soon after each other: it is read once."""
    return wire.from_msgpack(data, KINDS[kind])


async def pending(cursor: Cursor, now_ms: int, limit: int) -> list[Waiting]:
    """The oldest facts that are due and whose entity is not waiting for a failed one."""
    rows = await cursor.all(PENDING, now_ms, now_ms, limit)
    return [
        Waiting(seq, Id(fact_id), kind, Id(entity), version, occurred_us // 1000, data)
        for seq, fact_id, kind, entity, version, occurred_us, data in rows
    ]


async def take(tx: Tx, facts: Sequence[Waiting], now_ms: int) -> int:
    """Mark these rows done, which locks them, in front of their effects in the same transaction: how many were not done.

    Less than all means that somebody else has handled the others meanwhile.
    """
    marks = ", ".join(["%s"] * len(facts))
    return await tx.execute(TAKE.format(marks), now_ms, *(f.seq for f in facts))


async def postpone(cursor: Cursor, fact: Waiting, error: str, now_ms: int) -> None:
    await cursor.execute(POSTPONE, error[:500], now_ms, fact.seq)


async def forget(cursor: Cursor, now_ms: int, limit: int = 1000) -> int:
    """How many of the oldest were handled so long ago that they need not be known any more.

    They are found by their numbers, which rise as they come: looking for old ones by their time would read, and lock, them all.
    """
    oldest = await cursor.all(OLDEST, limit)
    seqs = [seq for seq, done_ms in oldest if done_ms < now_ms - KEPT_MS]
    if seqs:
        await cursor.execute(FORGET.format(", ".join(["%s"] * len(seqs))), *seqs)
    return len(seqs)


async def backlog(cursor: Cursor) -> tuple[int, int | None, int]:
    """(facts waiting, UTC microseconds of the oldest, how many have failed five times or more)."""
    row = await cursor.one(BACKLOG)
    assert row is not None
    return int(row[0]), row[1], int(row[2])
