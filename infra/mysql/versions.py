"""The versions behind topics, for comparing: `kind:ID` and `kind:ID:ROLE` by one statement of the wing's store.

The statement selects (id, version) of the rows `WHERE id IN ({})`. What is not there, or is no such name, has version 0.
"""

from __future__ import annotations

from collections.abc import Sequence

from infra.mysql.database import Database
from market.kernel.ids import Id


async def heads(db: Database, sql: str, topics: Sequence[str]) -> dict[str, int]:
    """Topic -> version."""
    ids = {topic: _id_of(topic) for topic in topics}
    known = [id_ for id_ in ids.values() if id_ is not None]
    found: dict[int, int] = {}
    if known:
        async with db.read() as cursor:
            found = dict(await cursor.all(sql.format(_marks(known)), *known))
    return {topic: 0 if id_ is None else found.get(id_, 0) for topic, id_ in ids.items()}


async def total(db: Database, sql: str, topics: Sequence[str]) -> int:
    """The sum of their versions: as large as the asker's, and nothing has changed."""
    # Both parties' topics of an order are one row, which counts twice.
    seats: dict[str, list[Id]] = {}
    for topic in topics:
        id_ = _id_of(topic)
        if id_ is not None:
            seats.setdefault(topic.partition(":")[2].partition(":")[2], []).append(id_)
    found = 0
    async with db.read() as cursor:
        for ids in seats.values():
            summed = f"SELECT COALESCE(SUM(version), 0) FROM ({sql.format(_marks(ids))}) versions"
            row = await cursor.one(summed, *ids)
            found += int(row[0]) if row else 0
    return found


def _id_of(topic: str) -> Id | None:
    try:
        return Id.parse(topic.partition(":")[2].partition(":")[0])
    except ValueError:
        return None


def _marks(ids: Sequence[Id]) -> str:
    return ", ".join(["%s"] * len(ids))
