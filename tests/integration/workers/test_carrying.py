"""Facts from one wing to the others: carried once in effect, in order, with a poison fact blocking its entity alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field

import pytest
import structlog.testing

from infra import failpoints
from infra.config import WINGS, Config
from infra.mysql import inbox, outbox
from infra.mysql.database import Database, Tx, open_database
from infra.process import Process, now_ms, open_process
from infra.redis import keys
from infra.redis.publish import PushScript
from market.kernel.errors import NotYet
from market.kernel.facts import Fact, Heard, NoticeAdded
from market.kernel.ids import Id
from market.kernel.topics import Push
from tests.integration.conftest import new_id
from workers.inboxes import Inbox, Overtaken
from workers.janitor import Janitor
from workers.jobs import choose, names, open_jobs, wake_channels
from workers.relay import Relay
from workers.republisher import Republisher

pytestmark = [
    pytest.mark.filterwarnings("ignore:Duplicate entry"),  # as open_database does
]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with structlog.testing.capture_logs():
        yield


KIND = NoticeAdded.KIND
NOW_MS = now_ms()


@dataclass(slots=True)
class Heart:
    """A wing that remembers what it heard, in its own database; what it is told to refuse it refuses."""

    db: Database
    refuse: set[tuple[Id, int]] = field(default_factory=set)
    not_yet: set[tuple[Id, int]] = field(default_factory=set)
    tried: list[tuple[Id, int]] = field(default_factory=list)

    async def on_notice(self, wing: object, tx: Tx, fact: Heard) -> None:
        assert isinstance(fact.data, NoticeAdded)
        what = (fact.entity, fact.data.seq)
        self.tried.append(what)
        await tx.execute(
            "INSERT INTO idempotency (actor_id, idem_key, digest, created_ms) VALUES (%s, %s, '', 0)",
            fact.entity, str(fact.data.seq),
        )  # fmt: skip
        if what in self.refuse:
            raise ValueError("poison")
        if what in self.not_yet:
            raise NotYet

    async def effects(self, entity: Id) -> list[int]:
        async with self.db.read() as cursor:
            rows = await cursor.all("SELECT idem_key FROM idempotency WHERE actor_id = %s", entity)
        return sorted(int(row[0]) for row in rows)


@pytest.fixture
async def heart(process: Process) -> AsyncIterator[Heart]:
    db = await process.database("insights")
    async with db.read() as cursor:
        await cursor.execute("DELETE FROM inbox")
    yield Heart(db)
    async with db.read() as cursor:
        await cursor.execute("DELETE FROM inbox")


@pytest.fixture
async def source(process: Process) -> Database:
    """The wing whose facts are carried here. Others' tests left facts in its outbox."""
    db = await process.database("ratings")
    async with db.read() as cursor:
        await cursor.execute("DELETE FROM outbox")
    return db


@pytest.fixture
async def databases(
    process: Process, environment: Mapping[str, str]
) -> AsyncIterator[dict[str, Database]]:
    config = Config.from_environment(environment)
    async with (
        open_database("ratings", config.relay_dsn("ratings"), process.ids, size=3) as own,
        open_database("insights", config.relay_dsn("insights"), process.ids, size=3) as other,
    ):
        yield {"ratings": own, "insights": other}


@pytest.fixture
def relay(process: Process, script: PushScript, databases: Mapping[str, Database]) -> Relay:
    return _relay(process, script, databases)


def _relay(process: Process, script: PushScript, databases: Mapping[str, Database]) -> Relay:
    return Relay(
        "ratings",
        databases["ratings"],
        databases,
        {wing: wing for wing in databases},
        {"insights": frozenset({KIND}), "ratings": frozenset({KIND})},
        Republisher(process.redis, script, process.publisher),
        lambda wing: process.publisher.wake(keys.wake("inbox", wing)),
    )


def listener(heart: Heart) -> Inbox:
    return Inbox("insights", heart, {KIND: heart.on_notice}, heart.db)


async def happen(db: Database, entity: Id, *seqs: int, kind: str = KIND) -> None:
    async def body(tx: Tx) -> None:
        for seq in seqs:
            push = Push(topic=f"test:{entity}", kind="log", version=seq, payload=seq)
            data = NoticeAdded(user_id=entity, seq=seq)
            tx.emit(Fact(kind=kind, entity=entity, version=seq, data=data, pushes=(push,)))

    await db.act(now_ms(), body, type(None))


async def left(db: Database) -> int:
    async with db.read() as cursor:
        return (await outbox.backlog(cursor))[0]


async def listen(one: Inbox, at_ms: int = NOW_MS) -> int:
    """Until nothing is left; how many facts that took."""
    total = 0
    while handled := await one.run_once(at_ms):
        total += handled
    return total


# --- the relay ----------------------------------------------------------------------------------------------------------


async def test_a_fact_is_carried_once_to_who_handles_it_and_deleted(
    heart: Heart, source: Database, relay: Relay
) -> None:
    entity = new_id()
    await happen(source, entity, 1, 2)
    await happen(source, entity, 3, kind="nobody.cares")
    assert await relay.run_once(NOW_MS) == 3
    assert await relay.run_once(NOW_MS) == 0
    assert await left(source) == 0
    async with heart.db.read() as cursor:
        found = await inbox.pending(cursor, NOW_MS, 10)
    assert [(f.entity, f.version) for f in found] == [(entity, 1), (entity, 2)]
    async with source.read() as cursor:  # a wing does not hear itself
        assert await cursor.one("SELECT COUNT(*) FROM inbox WHERE entity = %s", entity) == (0,)


async def test_dying_between_carrying_and_deleting_has_no_second_effect(
    heart: Heart, source: Database, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    entity = new_id()
    await happen(source, entity, 1, 2)

    def die(name: str) -> None:
        if name == "after_inbox_insert":
            raise RuntimeError(name)

    with monkeypatch.context() as dying:
        dying.setattr(failpoints, "reach", die)
        with pytest.raises(RuntimeError, match="after_inbox_insert"):
            await relay.run_once(NOW_MS)
    assert await left(source) == 2
    ears = listener(heart)
    assert await listen(ears) == 2  # handled before it is carried again
    async with asyncio.timeout(5):
        while await left(source):
            await relay.run_once(NOW_MS)
    assert await listen(ears) == 0
    assert await heart.effects(entity) == [1, 2]


async def test_one_relay_at_a_time(
    heart: Heart,
    source: Database,
    relay: Relay,
    process: Process,
    script: PushScript,
    databases: Mapping[str, Database],
) -> None:
    await happen(source, new_id(), 1)
    assert await relay.run_once(NOW_MS) == 1
    second = _relay(process, script, databases)
    await happen(source, new_id(), 1)
    assert await second.run_once(NOW_MS) == 0
    await relay.close()
    async with asyncio.timeout(5):
        while not await second.run_once(NOW_MS):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await second.close()


async def test_more_than_a_batch_keeps_each_entitys_order(
    heart: Heart, source: Database, relay: Relay
) -> None:
    one, other = new_id(), new_id()
    for start in range(0, 250, 50):
        await happen(source, one, *range(start, start + 50))
        await happen(source, other, *range(start, start + 50))
    while await relay.run_once(NOW_MS):
        pass
    assert await listen(listener(heart)) == 500
    for entity in (one, other):
        assert [seq for e, seq in heart.tried if e == entity] == list(range(250))
        assert await heart.effects(entity) == list(range(250))


# --- the inbox ----------------------------------------------------------------------------------------------------------


async def carry(source: Database, relay: Relay, *happenings: tuple[Id, int]) -> None:
    for entity, seq in happenings:
        await happen(source, entity, seq)
    while await relay.run_once(NOW_MS):
        pass


async def test_poison_blocks_its_entity_alone_and_its_effect_is_undone(
    heart: Heart, source: Database, relay: Relay
) -> None:
    sick, well, other = new_id(), new_id(), new_id()
    heart.refuse.add((sick, 1))
    await carry(source, relay, (well, 1), (sick, 1), (other, 1), (sick, 2), (well, 2))
    ears = listener(heart)
    await listen(ears)
    assert await heart.effects(well) == [1, 2]
    assert await heart.effects(other) == [1]
    assert await heart.effects(sick) == []
    assert (sick, 2) not in heart.tried[5:]  # not before its elder
    async with heart.db.read() as cursor:
        row = await cursor.one(
            "SELECT attempts, error FROM inbox WHERE entity = %s AND version = 1", sick
        )
    assert row is not None
    assert row[0] == 1
    assert "poison" in row[1]
    heart.refuse.clear()
    assert await listen(ears, NOW_MS + 60_000) == 2
    assert await heart.effects(sick) == [1, 2]
    assert [seq for e, seq in heart.tried if e == sick][-2:] == [1, 2]


async def test_what_cannot_be_handled_yet_is_handled_later(
    heart: Heart, source: Database, relay: Relay
) -> None:
    early = new_id()
    heart.not_yet.add((early, 1))
    await carry(source, relay, (early, 1))
    ears = listener(heart)
    await listen(ears)
    assert await heart.effects(early) == []
    assert await listen(ears, NOW_MS) == 0  # it waits
    heart.not_yet.clear()
    await listen(ears, NOW_MS + 60_000)
    assert await heart.effects(early) == [1]


@pytest.mark.parametrize("change", ["kind = 'of.tomorrow'", "data = X'C1'"])
async def test_a_fact_that_cannot_be_read_blocks_its_entity_alone(
    heart: Heart, source: Database, relay: Relay, change: str
) -> None:
    sick, well = new_id(), new_id()
    await carry(source, relay, (sick, 1), (sick, 2), (well, 1))
    async with heart.db.read() as cursor:
        await cursor.execute(f"UPDATE inbox SET {change} WHERE entity = %s AND version = 1", sick)
    await listen(listener(heart))
    assert await heart.effects(well) == [1]
    assert await heart.effects(sick) == []


async def test_one_listener_at_a_time(heart: Heart, source: Database, relay: Relay) -> None:
    entity = new_id()
    await carry(source, relay, *((entity, n) for n in range(30)))
    many = [listener(heart) for _ in range(4)]
    await asyncio.gather(*(listen(one) for one in many))
    assert await heart.effects(entity) == list(range(30))
    assert [seq for _, seq in heart.tried] == list(range(30))
    for one in many:
        await one.close()


async def test_what_another_has_handled_meanwhile_is_left_alone(
    heart: Heart, source: Database, relay: Relay
) -> None:
    entity, other = new_id(), new_id()
    await carry(source, relay, (entity, 1), (other, 1))
    async with heart.db.read() as cursor:
        facts = await inbox.pending(cursor, NOW_MS, 10)
        await cursor.execute("UPDATE inbox SET done = 1 WHERE entity = %s", other)
    ears = listener(heart)
    with pytest.raises(Overtaken):
        await ears._handle(facts, NOW_MS)
    await ears._one_by_one(facts, NOW_MS)
    assert heart.tried == [(entity, 1)]
    assert await heart.effects(entity) == [1]


# --- the jobs around them -----------------------------------------------------------------------------------------------


def test_jobs_by_name() -> None:
    assert choose([]) == names()
    assert choose(["relay"]) == [f"relay.{wing}" for wing in WINGS]
    assert choose(["order_timers", "inbox.orders"]) == ["order_timers", "inbox.orders"]
    with pytest.raises(ValueError, match="no such worker: rela"):
        choose(["rela"])


async def test_a_process_opens_what_its_jobs_need_and_ends_at_once(
    environment: Mapping[str, str],
) -> None:
    loop = asyncio.get_running_loop()
    async with open_process(Config.from_environment(environment), pool_size=4) as process:
        async with open_jobs(process, ["relay.ratings", "inbox.orders", "janitor.chat"]) as jobs:
            assert [job.name for job in jobs] == ["relay.ratings", "inbox.orders", "janitor.chat"]
            assert set(wake_channels(jobs)) == {"w:outbox:ratings", "w:inbox:orders"}
            for job in jobs:
                await job.run_once(NOW_MS)
        ending = loop.time()
    assert loop.time() - ending < 1.5


async def test_the_janitor_forgets_old_keys_and_counts_what_waits(heart: Heart) -> None:
    me = new_id()
    async with heart.db.read() as cursor:
        await cursor.execute(
            "INSERT INTO idempotency (actor_id, idem_key, digest, created_ms) VALUES (%s, 'old', '', 1), (%s, 'new', '', %s)",
            me, me, NOW_MS,
        )  # fmt: skip
    while await Janitor(heart.db).run_once(NOW_MS):
        pass
    async with heart.db.read() as cursor:
        assert await cursor.all("SELECT idem_key FROM idempotency WHERE actor_id = %s", me) == [
            ("new",)
        ]
