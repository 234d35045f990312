"""Facts on their way out: they wait in the order of their commits, until deleted."""

from __future__ import annotations

import time

from infra.mysql import outbox
from infra.mysql.database import Cursor, Database, Tx
from infra.process import now_ms
from market.kernel.facts import Fact, NoticeAdded
from market.kernel.ids import Id
from tests.integration.conftest import new_id


async def test_facts_wait_in_the_order_of_their_commits_until_deleted(db: Database) -> None:
    entity = new_id()

    async def body(tx: Tx, version: int) -> None:
        for n in (version, version + 1):
            tx.emit(
                Fact(
                    kind="notice.added",
                    entity=entity,
                    version=n,
                    data=NoticeAdded(user_id=entity, seq=n),
                )
            )

    await db.act(now_ms(), lambda tx: body(tx, 1), type(None))
    await db.act(now_ms(), lambda tx: body(tx, 3), type(None))
    async with db.read() as cursor:
        mine = await _mine(cursor, entity)
        assert [item.version for item in mine] == [1, 2, 3, 4]
        assert len({item.fact_id for item in mine}) == 4
        assert all(abs(item.committed_us / 1e6 - time.time()) < 60 for item in mine)
        count, oldest = await outbox.backlog(cursor)
        assert count >= 4
        assert oldest is not None
        await outbox.delete(cursor, [item.seq for item in mine[:2]])
        assert [item.version for item in await _mine(cursor, entity)] == [3, 4]
        assert len(await outbox.waiting(cursor, 1)) == 1
        await outbox.delete(cursor, [item.seq for item in mine])
        assert await _mine(cursor, entity) == []


async def _mine(cursor: Cursor, entity: Id) -> list[outbox.Published]:
    return [item for item in await outbox.waiting(cursor, 10_000) if item.entity == entity]
