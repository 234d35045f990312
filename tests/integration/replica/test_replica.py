"""Reads that may be stale, on a real replica: when it is asked, when it is not, and that nobody is hurt by its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pymysql.err
import pytest

from devkit.replica import ReplicatedServers
from infra.config import Config, Dsn
from infra.mysql.database import Cursor, Database, Tx, open_database
from infra.mysql.replica import Replica
from infra.process import Process, now_ms, open_process
from market.kernel.errors import NotFound, Unavailable
from market.kernel.ids import Id
from tests.integration.conftest import new_id
from tests.integration.replica.conftest import BOUNDS, Replicas

INSERT = "INSERT INTO facts_per_hour (hour_ms, kind, facts) VALUES (%s, 'k', %s)"
COUNT = "SELECT facts FROM facts_per_hour WHERE hour_ms = %s"
RAISE = "UPDATE facts_per_hour SET facts = %s WHERE hour_ms = %s"
DENIED = {1044, 1142, 1143, 1290}


@pytest.fixture
async def db(process: Process) -> Database:
    return await process.database("insights")


@pytest.fixture
async def replica(db: Database, replicas: Replicas) -> Replica:
    return await replicas.of(db)


async def where(db: Database) -> str:
    async with db.glance() as cursor:
        [server_id] = await cursor.one("SELECT @@server_id") or [0]
    return {1: "primary", 2: "replica"}[server_id]


async def written(db: Database, count: int) -> Id:
    """A row whose version is its count."""
    row = new_id()

    async def body(tx: Tx) -> None:
        await tx.execute(INSERT, row, count)

    await db.act(now_ms(), body, type(None))
    return row


async def raised(db: Database, row: Id, count: int) -> None:
    async def body(tx: Tx) -> None:
        await tx.execute(RAISE, count, row)

    await db.act(now_ms(), body, type(None))


async def read(db: Database, row: Id, seen: int | None) -> int:
    async def one(cursor: Cursor) -> int:
        found = await cursor.one(COUNT, row)
        if found is None:
            raise NotFound("no such row")
        return int(found[0])

    return await db.as_new_as(seen, one, lambda count: count)


async def glanced(db: Database, row: Id) -> int | None:
    async with db.glance() as cursor:
        found = await cursor.one(COUNT, row)
    return int(found[0]) if found else None


@asynccontextmanager
async def load(db: Database, row: Id, readers: int = 8) -> AsyncIterator[list[float]]:
    """Readers who glance at `row` again and again; how many seconds each glance took. A wrong answer, or an error, fails."""
    took_s: list[float] = []

    async def look() -> None:
        while True:
            began = time.monotonic()
            assert await glanced(db, row) == 7
            took_s.append(time.monotonic() - began)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(look()) for _ in range(readers)]
        yield took_s
        for task in tasks:
            task.cancel()


async def until(said: str, db: Database, within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while True:
            if await where(db) == said:
                return
            await asyncio.sleep(0.02)


async def more(took_s: list[float], calls: int = 200) -> None:
    """Until so many more calls have been answered."""
    wanted = len(took_s) + calls
    async with asyncio.timeout(10):
        while True:
            if len(took_s) >= wanted:
                return
            await asyncio.sleep(0.01)


# --- old or new ---------------------------------------------------------------------------------------------------------


async def test_it_is_not_used_before_it_was_seen_to_be_well(
    db: Database, config: Config, replicas: Replicas
) -> None:
    assert await where(db) == "primary"
    await replicas.of(db)
    assert await where(db) == "replica"


async def test_a_glance_may_be_old_and_what_was_seen_is_not_forgotten(
    db: Database, replica: Replica, servers: ReplicatedServers
) -> None:
    row = await written(db, 1)
    await asyncio.to_thread(servers.replica.catch_up)
    await asyncio.to_thread(servers.replica.hold_back)
    await raised(db, row, 2)
    assert await glanced(db, row) == 1
    assert await read(db, row, seen=1) == 1
    assert await read(db, row, seen=2) == 2
    assert await read(db, row, seen=None) == 2
    await asyncio.to_thread(servers.replica.catch_up)
    assert await glanced(db, row) == 2


async def test_what_has_not_come_through_is_looked_for_on_the_primary(
    db: Database, replica: Replica, servers: ReplicatedServers
) -> None:
    await asyncio.to_thread(servers.replica.hold_back)
    row = await written(db, 1)
    assert await glanced(db, row) is None
    assert await read(db, row, seen=0) == 1
    with pytest.raises(NotFound):
        await read(db, new_id(), seen=0)


async def test_what_decides_is_read_from_the_primary(
    db: Database, replica: Replica, servers: ReplicatedServers
) -> None:
    await asyncio.to_thread(servers.replica.hold_back)
    row = await written(db, 1)
    async with db.read() as cursor:
        assert await cursor.one(COUNT, row) == (1,)


# --- well or not --------------------------------------------------------------------------------------------------------


async def test_a_replica_that_lags_is_left_alone_until_it_has_caught_up(
    db: Database, replicas: Replicas, servers: ReplicatedServers
) -> None:
    replica = await replicas.of(db, replace(BOUNDS, lag_s=1.0, steady_s=0.5))
    watching = asyncio.create_task(replica.watch())
    row = await written(db, 1)
    await asyncio.to_thread(servers.replica.catch_up)
    await asyncio.to_thread(servers.replica.hold_back)
    await raised(db, row, 2)
    assert await glanced(db, row) == 1
    await until("primary", db)
    assert await glanced(db, row) == 2
    await asyncio.to_thread(servers.replica.catch_up)
    assert await where(db) == "primary"  # it has to be well for a while
    await until("replica", db)
    watching.cancel()


async def test_the_heart_beats_once_a_second_however_many_look(
    db: Database, replica: Replica
) -> None:
    async def beat() -> int:
        async with db.read() as cursor:
            [at_ms] = await cursor.one("SELECT at_ms FROM heartbeat") or [0]
        return int(at_ms)

    await until_beat(db, replica)
    before = await beat()
    await asyncio.gather(*(replica.look() for _ in range(5)))
    assert await beat() == before


async def until_beat(db: Database, replica: Replica) -> None:
    """Until the heart has just beaten."""
    async with db.read() as cursor:
        await cursor.execute("UPDATE heartbeat SET at_ms = 0")
    await replica.look()


async def test_a_clock_set_back_does_not_hide_that_it_lags(
    db: Database, replica: Replica, servers: ReplicatedServers
) -> None:
    async with db.read() as cursor:
        await cursor.execute("UPDATE heartbeat SET at_ms = at_ms + 3600000")
    await asyncio.to_thread(servers.replica.catch_up)
    await asyncio.to_thread(servers.replica.hold_back)
    await replica.look()  # one beat missing, which is nothing yet
    assert await where(db) == "replica"
    async with db.read() as cursor:
        await cursor.execute("UPDATE heartbeat SET at_ms = at_ms - 1000")
    await replica.look()
    assert await where(db) == "primary"


async def test_while_the_primary_is_away_the_replica_goes_on(
    db: Database, replica: Replica, servers: ReplicatedServers
) -> None:
    row = await written(db, 7)
    await asyncio.to_thread(servers.replica.catch_up)
    await asyncio.to_thread(servers.mariadb.kill)
    await replica.look()
    assert await glanced(db, row) == 7
    assert await read(db, row, seen=7) == 7
    with pytest.raises(Unavailable):
        await read(db, row, seen=8)
    await asyncio.to_thread(servers.mariadb.start)
    assert await read(db, row, seen=None) == 7


# --- its end ------------------------------------------------------------------------------------------------------------


async def test_its_death_under_load_reaches_nobody(
    db: Database, replica: Replica, servers: ReplicatedServers
) -> None:
    row = await written(db, 7)
    await asyncio.to_thread(servers.replica.catch_up)
    async with load(db, row) as took_s:
        await more(took_s)
        await asyncio.to_thread(servers.replica.kill)
        await more(took_s)
        assert await where(db) == "primary"
        await replica.look()
        assert await where(db) == "primary"
        await asyncio.to_thread(servers.replica.start)
        await asyncio.to_thread(servers.replica.catch_up)
        await replica.look()
        assert await where(db) == "replica"
        await more(took_s)


async def test_a_replica_that_hangs_costs_each_reader_its_patience_once(
    db: Database, replicas: Replicas, servers: ReplicatedServers
) -> None:
    bounds = replace(BOUNDS, patience_s=0.25)
    replica = await replicas.of(db, bounds)
    row = await written(db, 7)
    await asyncio.to_thread(servers.replica.catch_up)
    readers = 8
    async with load(db, row, readers) as took_s:
        await more(took_s)
        del took_s[:]
        await asyncio.to_thread(servers.replica.pause)
        await more(took_s, 400)
        slow = [s for s in took_s if s >= bounds.patience_s]
        assert 1 <= len(slow) <= readers
        assert max(slow) < 4 * bounds.patience_s, "its patience once, and the primary's time"
        await replica.look()
        assert await where(db) == "primary"
        await asyncio.to_thread(servers.replica.resume)
        await replica.look()
        assert await where(db) == "replica"
        await more(took_s)


async def test_the_rest_of_a_view_goes_on_on_the_primary(
    db: Database, replica: Replica, servers: ReplicatedServers
) -> None:
    row = await written(db, 7)
    await asyncio.to_thread(servers.replica.catch_up)
    async with db.glance() as cursor:
        assert await cursor.one("SELECT @@server_id") == (2,)
        await asyncio.to_thread(servers.replica.kill)
        assert await cursor.one(COUNT, row) == (7,)
        assert await cursor.one("SELECT @@server_id") == (1,)


async def test_what_was_to_go_along_with_a_statement_goes_along_to_the_primary(
    db: Database, replica: Replica, servers: ReplicatedServers
) -> None:
    row = await written(db, 7)
    await asyncio.to_thread(servers.replica.catch_up)
    async with db.glance() as cursor:
        assert await cursor.one("SELECT @@server_id") == (2,)
        await asyncio.to_thread(servers.replica.kill)
        for _ in range(2):
            along = cursor.defer_read(COUNT, row)
            assert await cursor.one("SELECT @@server_id") == (1,)
            assert along == [(7,)]


async def test_a_statement_that_fails_there_alone_is_answered_by_the_primary(
    db: Database, replica: Replica, servers: ReplicatedServers
) -> None:
    async with db.glance() as cursor:
        assert await cursor.one("SELECT COUNT(*) FROM outbox") is not None  # denied to the reader
    assert await where(db) == "replica"
    with pytest.raises(pymysql.err.ProgrammingError):
        async with db.glance() as cursor:
            await cursor.one("SELECT nonsense FROM")


# --- what a process does with it ----------------------------------------------------------------------------------------


async def test_a_process_uses_the_replica_that_it_is_told_of(
    config: Config, servers: ReplicatedServers
) -> None:
    async with open_process(config, reads_replicas=True) as process:
        db = await process.database("insights")
        assert await where(db) == "primary"
        await until("replica", db)


async def denied(dsn: Dsn, process: Process, sql: str) -> bool:
    async with open_database("insights", dsn, process.ids, size=1) as db:
        try:
            async with db.read() as cursor:
                await cursor.all(sql)
        except Unavailable as error:  # how a server that is read only is taken
            return isinstance(error.__cause__, pymysql.err.MySQLError)
        except pymysql.err.MySQLError as error:
            if error.args[0] not in DENIED:
                raise
            return True
    return False


async def test_the_reader_reads_its_wing_and_does_nothing_else(
    config: Config, process: Process
) -> None:
    reader, wing = config.replica_dsn("insights"), config.dsn("insights")
    assert reader is not None
    on_primary = replace(reader, unix_socket=wing.unix_socket)
    for dsn in (reader, on_primary):
        assert not await denied(dsn, process, "SELECT * FROM facts_per_hour LIMIT 1")
        assert not await denied(dsn, process, "SELECT * FROM heartbeat")
        for sql in (
            "INSERT INTO facts_per_hour VALUES (1, 'k', 1)", "UPDATE facts_per_hour SET facts = 1",
            "DELETE FROM facts_per_hour", "UPDATE heartbeat SET at_ms = 1", "DROP TABLE facts_per_hour",
            "SELECT 1 FROM outbox", "SELECT 1 FROM inbox", "SELECT 1 FROM idempotency",
            "SELECT 1 FROM orders.orders", "CREATE TABLE mine (id INT)",
        ):  # fmt: skip
            assert await denied(dsn, process, sql), sql


async def test_not_even_the_wing_writes_to_the_replica(config: Config, process: Process) -> None:
    reader, wing = config.replica_dsn("insights"), config.dsn("insights")
    assert reader is not None
    on_replica = replace(wing, unix_socket=reader.unix_socket)
    assert await denied(on_replica, process, "DELETE FROM facts_per_hour")
    assert not await denied(on_replica, process, "SELECT COUNT(*) FROM facts_per_hour")
