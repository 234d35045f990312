"""Facts on their way out: written in the transaction, carried by `workers/relay.py`, then deleted.

Within one entity, `seq` order is commit order, because facts are written while the entity's row is locked. Across
entities it is not, so nothing reads "seq > last": the relay reads whatever is there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from infra import wire
from infra.mysql.connection import many
from market.kernel.facts import Fact
from market.kernel.ids import Id
from market.kernel.topics import Kind, Push

if TYPE_CHECKING:
    from infra.mysql.database import Cursor, Tx

INSERT = (
    "INSERT INTO outbox (fact_id, kind, entity, version, occurred_us, data, pushes) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s)"
)
SELECT = (
    "SELECT seq, fact_id, kind, entity, version, occurred_us, data, pushes FROM outbox "
    "WHERE seq NOT IN ({}) ORDER BY seq LIMIT %s"
)
DELETE = "DELETE FROM outbox WHERE seq IN ({})"
COUNT = "SELECT COUNT(*), MIN(occurred_us) FROM outbox"


@dataclass(slots=True)
class Published:
    """An outbox row. `committed_us` is UTC microseconds just before the COMMIT (the row's own stamp on the relay's path)."""

    fact_id: Id
    kind: str
    entity: Id
    version: int
    committed_us: int
    data: bytes
    pushes: tuple[Push, ...]
    pushes_raw: bytes
    seq: int = 0


@dataclass
class _Kept:
    """A push as it is in its row."""

    topic: str
    kind: Kind
    version: int
    payload: wire.Encoded
    key: str | None = None


def prepare(fact: Fact, fact_id: Id, now_us: int) -> Published:
    """Each payload is encoded here, once, for the row and for Redis."""
    pushes = tuple(replace(push, payload=wire.encoded(push.payload)) for push in fact.pushes)
    return Published(
        fact_id, fact.kind, fact.entity, fact.version, now_us,
        wire.msgpack(fact.data), pushes, wire.msgpack(pushes),
    )  # fmt: skip


def append(tx: Tx, published: Sequence[Published]) -> None:
    """Deferred: the rows go with the COMMIT."""
    values: list[object] = []
    for p in published:
        values += (p.fact_id, p.kind, p.entity, p.version, p.committed_us, p.data, p.pushes_raw)
    tx.defer(many(INSERT, len(published)), *values)


async def waiting(cursor: Cursor, limit: int, except_for: Collection[int] = ()) -> list[Published]:
    """The rows that are there, oldest first, but not those whose `seq` is in `except_for`. The pushes' payloads stay encoded."""
    skip = [*except_for] or [0]
    sql = SELECT.format(", ".join(["%s"] * len(skip)))
    return [
        Published(
            fact_id=Id(fact_id), kind=kind, entity=Id(entity), version=version, committed_us=occurred_us,
            data=data, pushes=tuple([Push(**one.__dict__) for one in wire.from_msgpack(pushes, list[_Kept])]), pushes_raw=pushes, seq=seq,
        )
        for seq, fact_id, kind, entity, version, occurred_us, data, pushes in await cursor.all(sql, *skip, limit)
    ]  # fmt: skip


async def delete(cursor: Cursor, seqs: Sequence[int]) -> None:
    await cursor.execute(DELETE.format(", ".join(["%s"] * len(seqs))), *seqs)


async def backlog(cursor: Cursor) -> tuple[int, int | None]:
    """(rows waiting, UTC microseconds of the oldest)."""
    row = await cursor.one(COUNT)
    assert row is not None
    return int(row[0]), row[1]
