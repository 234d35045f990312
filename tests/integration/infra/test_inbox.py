"""Facts on their way in: once each, in order per entity, and a failing one blocks its own entity alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import msgspec
import pytest

from infra import wire
from infra.mysql import inbox
from infra.mysql.database import Database, Tx
from infra.mysql.inbox import Waiting
from infra.mysql.outbox import Published
from infra.process import now_ms
from market.kernel.facts import NoticeAdded
from market.kernel.ids import Id
from tests.integration.conftest import new_id

SCHEMA = "insights"
NOW_MS = now_ms()

pytestmark = pytest.mark.filterwarnings("ignore:Duplicate entry")  # as open_database does


@pytest.fixture(autouse=True)
async def _alone(db: Database) -> AsyncIterator[None]:
    async with db.read() as cursor:
        await cursor.execute("DELETE FROM inbox")
    yield
    async with db.read() as cursor:
        await cursor.execute("DELETE FROM inbox")


def published(entity: Id, version: int = 1) -> Published:
    data = wire.msgpack(NoticeAdded(user_id=entity, seq=version))
    return Published(new_id(), NoticeAdded.KIND, entity, version, NOW_MS * 1000, data, (), b"")


async def put(db: Database, *items: Published) -> None:
    async def body(tx: Tx) -> None:
        inbox.insert(tx, SCHEMA, items)

    await db.act(NOW_MS, body, type(None))


async def pending(db: Database, at_ms: int = NOW_MS, limit: int = 100) -> list[Waiting]:
    async with db.read() as cursor:
        return await inbox.pending(cursor, at_ms, limit)


async def postpone(db: Database, fact: Waiting, error: str = "e", at_ms: int = NOW_MS) -> None:
    async with db.read() as cursor:
        await inbox.postpone(cursor, fact, error, at_ms)


async def done(db: Database, *facts: Waiting) -> int:
    async def body(tx: Tx) -> int:
        return await inbox.take(tx, facts, NOW_MS)

    return await db.act(NOW_MS, body, int)


async def test_what_is_carried_twice_is_there_once(db: Database) -> None:
    one, other = published(new_id()), published(new_id())
    await put(db, one, other)
    await put(db, other, one, replace(one, data=b"tampered"))
    found = await pending(db)
    assert [fact.fact_id for fact in found] == [one.fact_id, other.fact_id]
    heard = found[0].heard()
    assert heard.data == NoticeAdded(user_id=one.entity, seq=1)
    assert (heard.kind, heard.entity, heard.version) == (one.kind, one.entity, 1)
    assert heard.occurred_ms == NOW_MS


async def test_a_handled_fact_that_is_carried_again_stays_handled(db: Database) -> None:
    one = published(new_id())
    await put(db, one)
    found = await pending(db)
    assert await done(db, *found) == 1
    await put(db, one)
    assert await pending(db) == []
    assert await done(db, *found) == 0  # whoever had it in hand meanwhile finds out


async def test_facts_come_in_the_order_they_were_carried(db: Database) -> None:
    entity, other = new_id(), new_id()
    items = [published(entity, 1), published(other, 1), published(entity, 2), published(other, 2)]
    await put(db, *items)
    assert [fact.fact_id for fact in await pending(db)] == [item.fact_id for item in items]
    assert len(await pending(db, limit=3)) == 3


async def test_a_failed_fact_holds_back_its_own_entity_alone_until_it_is_due(db: Database) -> None:
    poisoned, healthy = new_id(), new_id()
    items = [published(poisoned, 1), published(poisoned, 2), published(healthy, 1)]
    await put(db, *items)
    await postpone(db, (await pending(db))[0])
    assert [fact.entity for fact in await pending(db)] == [healthy]
    assert [
        fact.version for fact in await pending(db, NOW_MS + 60_000) if fact.entity == poisoned
    ] == [1, 2]


async def test_it_is_tried_ever_later_up_to_a_minute(db: Database) -> None:
    entity = new_id()
    await put(db, published(entity))
    (fact,) = await pending(db)
    delays = []
    for _ in range(20):
        await postpone(db, fact)
        async with db.read() as cursor:
            row = await cursor.one("SELECT due_ms FROM inbox WHERE fact_id = %s", fact.fact_id)
        assert row is not None
        delays.append(row[0] - NOW_MS)
    assert delays == sorted(delays)
    assert 0 < delays[0] <= 1_000
    assert delays[-1] == 60_000
    assert await pending(db, NOW_MS + 59_999) == []
    assert len(await pending(db, NOW_MS + 60_000)) == 1


async def test_the_backlog_knows_its_poison(db: Database) -> None:
    async with db.read() as cursor:
        assert await inbox.backlog(cursor) == (0, None, 0)
    await put(db, published(new_id()), published(new_id()))
    first, _ = await pending(db)
    for _ in range(5):
        await postpone(db, first, "因" * 600)  # an error of any length fits
    async with db.read() as cursor:
        assert await inbox.backlog(cursor) == (2, NOW_MS * 1000, 1)


async def test_a_fact_that_cannot_be_read_is_handed_out_all_the_same(db: Database) -> None:
    unknown, broken = (
        replace(published(new_id()), kind="of.tomorrow"),
        replace(published(new_id()), data=b"\xc1"),
    )
    await put(db, unknown, broken, published(new_id()))
    first, second, third = await pending(db)
    with pytest.raises(KeyError):
        first.heard()
    with pytest.raises(msgspec.MsgspecError):
        second.heard()
    assert third.heard().kind == NoticeAdded.KIND


async def test_handled_facts_are_remembered_for_thirty_days(db: Database) -> None:
    old, new, waiting = published(new_id()), published(new_id()), published(new_id())
    await put(db, old, new, waiting)
    facts = {fact.fact_id: fact for fact in await pending(db)}

    async def body(tx: Tx) -> None:
        await inbox.take(tx, [facts[old.fact_id]], NOW_MS - inbox.KEPT_MS - 1)
        await inbox.take(tx, [facts[new.fact_id]], NOW_MS)

    await db.act(NOW_MS, body, type(None))
    async with db.read() as cursor:
        assert await inbox.forget(cursor, NOW_MS) == 1
        left = {row[0] for row in await cursor.all("SELECT fact_id FROM inbox")}
    assert left == {new.fact_id, waiting.fact_id}
