"""Transactions on a real MariaDB: all or nothing, retried when they may be, and a pool that survives."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack

import pymysql.err
import pytest

from devkit.servers import PrivateServers
from infra.config import Config
from infra.mysql.database import ATTEMPTS, Database, Tx, open_database
from infra.process import Process, now_ms
from market.kernel.errors import Conflict, Unavailable
from market.kernel.facts import Fact, NoticeAdded
from market.kernel.ids import Id, IdMaker
from tests.integration.conftest import new_id

INSERT = "INSERT INTO idempotency (actor_id, idem_key, digest, created_ms) VALUES (%s, 'k', REPEAT('d', 32), %s)"
VALUE = "SELECT created_ms FROM idempotency WHERE actor_id = %s AND idem_key = 'k'"
LOCK = VALUE + " FOR UPDATE"
ADD = "UPDATE idempotency SET created_ms = created_ms + 1 WHERE actor_id = %s AND idem_key = 'k'"
"""A table that every wing has serves as a table of numbers."""


async def new_row(db: Database, value: int = 0) -> Id:
    row = new_id()
    async with db.read() as cursor:
        await cursor.execute(INSERT, row, value)
    return row


async def value_of(db: Database, row: Id) -> int | None:
    async with db.read() as cursor:
        found = await cursor.one(VALUE, row)
    return int(found[0]) if found else None


@pytest.fixture
async def small(process: Process, environment: Mapping[str, str]) -> AsyncIterator[Database]:
    """A pool of one connection."""
    dsn = Config.from_environment(environment).dsn("insights")
    async with open_database("insights", dsn, process.ids, size=1, acquire_timeout_s=5) as db:
        yield db


async def test_what_succeeds_is_there_and_gives_back_its_reply(db: Database) -> None:
    row = new_id()

    async def body(tx: Tx) -> int:
        await tx.execute(INSERT, row, 7)
        return 42

    assert await db.act(now_ms(), body, int) == 42
    assert await value_of(db, row) == 7


@pytest.mark.parametrize("error", [ValueError("no"), Conflict("no"), asyncio.CancelledError()])
async def test_what_fails_leaves_nothing_and_tells_nobody(
    db: Database, error: BaseException
) -> None:
    row = new_id()

    async def body(tx: Tx) -> None:
        await tx.execute(INSERT, row, 7)
        tx.emit(Fact(kind="x", entity=row, version=1, data=NoticeAdded(user_id=row, seq=1)))
        raise error

    with pytest.raises(type(error)):
        await db.act(now_ms(), body, type(None))
    assert await value_of(db, row) is None
    async with db.read() as cursor:
        assert await cursor.one("SELECT COUNT(*) FROM outbox WHERE entity = %s", row) == (0,)


async def test_a_failing_outbox_takes_the_transaction_with_it(db: Database) -> None:
    row = new_id()

    async def body(tx: Tx) -> None:
        await tx.execute(INSERT, row, 7)
        tx.emit(Fact(kind="k" * 65, entity=row, version=1, data=NoticeAdded(user_id=row, seq=1)))

    with pytest.raises(Conflict, match="does not fit"):
        await db.act(now_ms(), body, type(None))
    assert await value_of(db, row) is None


async def test_two_that_lock_in_opposite_order_both_succeed(db: Database) -> None:
    one, other = await new_row(db), await new_row(db)
    runs = 0
    both_have_their_first = asyncio.Barrier(2)

    async def cross(first: Id, second: Id) -> None:
        attempt = 0

        async def body(tx: Tx) -> None:
            nonlocal runs, attempt
            runs += 1
            attempt += 1
            await tx.execute(ADD, first)
            if attempt == 1:
                await both_have_their_first.wait()
            await tx.execute(ADD, second)

        await db.act(now_ms(), body, type(None))

    await asyncio.gather(cross(one, other), cross(other, one))
    assert runs >= 3  # MySQL chose a victim, and it was run again
    assert (await value_of(db, one), await value_of(db, other)) == (2, 2)


async def test_a_lock_that_is_held_too_long_is_tried_again(db: Database) -> None:
    row = await new_row(db)
    runs = 0
    locked, tried = asyncio.Event(), asyncio.Event()

    async def holder(tx: Tx) -> None:
        await tx.one(LOCK, row)
        locked.set()
        await tried.wait()

    async def body(tx: Tx) -> None:
        nonlocal runs
        runs += 1
        await tx.execute("SET SESSION innodb_lock_wait_timeout = 1")
        if runs == 2:
            tried.set()
        await tx.execute(ADD, row)

    holding = asyncio.create_task(db.act(now_ms(), holder, type(None)))
    await locked.wait()
    await db.act(now_ms(), body, type(None))
    await holding
    assert runs >= 2
    assert await value_of(db, row) == 1


async def test_a_row_that_stays_locked_is_unavailable_in_the_end(small: Database) -> None:
    runs = 0

    async def body(tx: Tx) -> None:
        nonlocal runs
        runs += 1
        raise pymysql.err.OperationalError(1205, "Lock wait timeout exceeded")

    with pytest.raises(Unavailable, match="stays locked"):
        await small.act(now_ms(), body, type(None))
    assert runs == ATTEMPTS


async def test_an_id_that_was_taken_is_made_anew(db: Database) -> None:
    taken = await new_row(db)
    made = iter([taken, taken, new_id()])

    async def body(tx: Tx) -> Id:
        id_ = next(made)
        await tx.execute(INSERT, id_, 9)
        return id_

    id_ = await db.act(now_ms(), body, Id)
    assert await value_of(db, id_) == 9
    assert await value_of(db, taken) == 0


async def test_a_duplicate_that_no_new_id_can_cure_is_an_error(db: Database) -> None:
    taken = await new_row(db)

    async def body(tx: Tx) -> None:
        await tx.execute(INSERT, taken, 9)

    with pytest.raises(pymysql.err.IntegrityError):
        await db.act(now_ms(), body, type(None))


async def test_facts_of_two_wings_never_have_one_id(process: Process) -> None:
    """With the same clock, the same counter and the same dice: an inbox would swallow the second one."""
    users, orders = await process.database("users"), await process.database("orders")
    entity = new_id()
    ids = []
    for db in (users, orders):
        db._ids = IdMaker(lambda below: 5 % below)  # the counter starts alike

        async def body(tx: Tx) -> None:
            for n in range(100):
                tx.emit(
                    Fact(
                        kind="x", entity=entity, version=n, data=NoticeAdded(user_id=entity, seq=n)
                    )
                )

        await db.act(1_790_000_000_000, body, type(None))
        async with db.read() as cursor:
            rows = await cursor.all("SELECT fact_id FROM outbox WHERE entity = %s", entity)
            await cursor.execute("DELETE FROM outbox WHERE entity = %s", entity)
        ids.append({row[0] for row in rows})
    assert len(ids[0]) == len(ids[1]) == 100
    assert not ids[0] & ids[1]


async def test_every_statement_sees_what_has_been_committed_before_it(db: Database) -> None:
    """READ COMMITTED. A snapshot taken before a lock would decide on what was true then."""
    row = await new_row(db)

    async def body(tx: Tx) -> tuple[int, int]:
        before = await tx.one(VALUE, row)
        async with db.read() as other:
            await other.execute(ADD, row)
        after = await tx.one(VALUE, row)
        assert before is not None
        assert after is not None
        level = await tx.one("SELECT @@tx_isolation, @@sql_mode")
        assert level is not None
        assert level[0] == "READ-COMMITTED"
        assert "STRICT_ALL_TABLES" in level[1]
        return before[0], after[0]

    assert await db.act(now_ms(), body, tuple[int, int]) == (0, 1)


async def test_what_does_not_fit_is_a_conflict_and_not_cut_off(db: Database) -> None:
    async def body(tx: Tx) -> None:
        await tx.execute(
            "INSERT INTO idempotency (actor_id, idem_key, digest, created_ms) VALUES (1, %s, '', 0)",
            "x" * 65,
        )

    with pytest.raises(Conflict, match="does not fit"):
        await db.act(now_ms(), body, type(None))


# --- the pool -----------------------------------------------------------------------------------------------------------


async def test_a_cancelled_query_does_not_poison_the_pool(small: Database, db: Database) -> None:
    async def slow(tx: Tx) -> None:
        await tx.execute("SELECT SLEEP(30)")

    for kind in ("transaction", "read"):
        work = small.act(now_ms(), slow, type(None)) if kind == "transaction" else _slow_read(small)
        task: asyncio.Task[None] = asyncio.create_task(work)
        await _until_running(db, task)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with small.read() as cursor:
            assert await cursor.one("SELECT 'mine'") == ("mine",)


async def _slow_read(db: Database) -> None:
    async with db.read() as cursor:
        await cursor.one("SELECT SLEEP(30)")


async def _until_running(db: Database, task: asyncio.Task[None]) -> None:
    """Until MySQL is at the slow statement."""
    running: tuple[object, ...] | None = (0,)
    async with asyncio.timeout(10):
        while running == (0,):
            async with db.read() as cursor:
                running = await cursor.one(
                    "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO = 'SELECT SLEEP(30)'"
                )
    assert not task.done()


async def test_who_waits_for_a_connection_gets_the_place_of_one_that_died(
    small: Database, db: Database
) -> None:
    holding = asyncio.create_task(_slow_read(small))
    await _until_running(db, holding)
    waiting = asyncio.create_task(small.ping())
    await asyncio.sleep(0.05)
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)
    started = time.monotonic()
    await waiting
    assert time.monotonic() - started < 2


async def test_a_full_pool_says_so_in_time(
    process: Process, environment: Mapping[str, str]
) -> None:
    dsn = Config.from_environment(environment).dsn("insights")
    async with open_database("insights", dsn, process.ids, size=1, acquire_timeout_s=0.2) as db:
        async with db.read():
            with pytest.raises(Unavailable):
                await db.ping()
        await db.ping()


async def test_a_killed_connection_is_unavailable_and_replaced(
    small: Database, db: Database
) -> None:
    async with small.read() as cursor:
        row = await cursor.one("SELECT CONNECTION_ID()")
        assert row is not None
    running = asyncio.create_task(_slow_read(small))
    await _until_running(db, running)
    async with db.read() as other:
        await other.execute(f"KILL {row[0]}")
    with pytest.raises(Unavailable):
        await running
    await small.ping()


@pytest.fixture
async def own(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PrivateServers]:
    """A server of this test's own, to be killed."""
    servers = PrivateServers(tmp_path_factory.mktemp("own"))
    await asyncio.to_thread(servers.start)
    with servers.mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE insights")
        cursor.execute("CREATE TABLE insights.t (id BIGINT PRIMARY KEY)")
    yield servers
    await asyncio.to_thread(servers.stop)


@pytest.mark.slow
@pytest.mark.allow_blocking
async def test_a_server_that_dies_and_returns_needs_no_restart_of_ours(
    own: PrivateServers, process: Process
) -> None:
    dsn = Config.from_environment(
        {
            "SHAREHUB_DSN_INSIGHTS": f"mysql://root:@127.0.0.1:1/insights?unix_socket={own.mariadb.socket}"
        }
    ).dsn("insights")
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(open_database("insights", dsn, process.ids, size=2))

        async def insert(tx: Tx, id_: int, then: asyncio.Event | None = None) -> None:
            await tx.execute("INSERT INTO t VALUES (%s)", id_)
            if then is not None:
                inserted.set()
                await then.wait()
                await tx.execute("SELECT 1")

        inserted, killed = asyncio.Event(), asyncio.Event()
        await db.act(now_ms(), lambda tx: insert(tx, 1), type(None))
        begun = asyncio.create_task(db.act(now_ms(), lambda tx: insert(tx, 2, killed), type(None)))
        await inserted.wait()
        await asyncio.to_thread(own.mariadb.kill)
        killed.set()
        with pytest.raises(Unavailable):
            await begun
        for _ in range(5):
            with pytest.raises(Unavailable):
                await db.act(now_ms(), lambda tx: insert(tx, 3), type(None))
            with pytest.raises(Unavailable):
                await db.ping()
        await asyncio.to_thread(own.mariadb.start)
        await db.act(now_ms(), lambda tx: insert(tx, 4), type(None))
        async with db.read() as cursor:
            assert [row[0] for row in await cursor.all("SELECT id FROM t ORDER BY id")] == [1, 4]


@pytest.mark.slow
@pytest.mark.allow_blocking
async def test_a_process_starts_without_its_database(own: PrivateServers, process: Process) -> None:
    dsn = Config.from_environment(
        {
            "SHAREHUB_DSN_INSIGHTS": f"mysql://root:@127.0.0.1:1/insights?unix_socket={own.mariadb.socket}"
        }
    ).dsn("insights")
    await asyncio.to_thread(own.mariadb.kill)
    async with open_database("insights", dsn, process.ids) as db:
        with pytest.raises(Unavailable):
            await db.ping()
        await asyncio.to_thread(own.mariadb.start)
        await db.ping()
