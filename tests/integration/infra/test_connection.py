"""What goes to MySQL and what comes back: every type, any size, several statements at once, and a pool of few."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal

import pymysql.err
import pytest

from infra.config import Config
from infra.mysql import connection as connections
from infra.mysql.connection import bind, many
from infra.mysql.database import Database, Tx, open_database
from infra.process import Process, now_ms
from market.kernel.errors import Unavailable
from market.kernel.ids import Id
from tests.integration.conftest import new_id
from tests.integration.infra.test_database import INSERT, new_row, value_of

HOSTILE = "it's \\ \" \0 \n \r \x1a %s %% 单车 🚲 '; DROP TABLE outbox; --"

MANY_ROWS = (
    "WITH RECURSIVE s AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM s WHERE n < 300) "
    "SELECT n, REPEAT('x', n), NULL FROM s"
)


@pytest.fixture
async def alone(process: Process, environment: Mapping[str, str]) -> AsyncIterator[Database]:
    """A pool of one connection."""
    dsn = Config.from_environment(environment).dsn("insights")
    async with open_database("insights", dsn, process.ids, size=1) as db:
        yield db


@pytest.mark.parametrize(
    "value",
    [
        0, 1, -1, 2**63 - 1, -(2**63), Id(2**62), True, None, 1.5, "", "a" * 250, "b" * 251, "c" * 70_000, HOSTILE,
        Decimal("12.50"),
    ],
)  # fmt: skip
async def test_a_value_comes_back_as_it_went(db: Database, value: object) -> None:
    async with db.read() as cursor:
        assert await cursor.one("SELECT %s, 'after'", value) == (value, "after")


@pytest.mark.parametrize("value", [b"", bytes(range(256)) * 3, HOSTILE.encode(), b"x" * 300_000])
async def test_bytes_come_back_as_they_went(db: Database, value: bytes) -> None:
    async with db.read() as cursor:
        assert await cursor.one("SELECT %s, 'beside'", value) == (value, "beside")


async def test_an_answer_of_many_packets_in_pieces_of_any_size(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pieces_bytes in (connections.CHUNK_BYTES, 3):
        monkeypatch.setattr(connections, "CHUNK_BYTES", pieces_bytes)
        async with db.read() as cursor:
            rows = await cursor.all(MANY_ROWS)
        assert rows == [(n, "x" * n, None) for n in range(1, 301)]


@pytest.mark.parametrize("short", [0, 1])
async def test_a_statement_as_long_as_a_packet(db: Database, short: int) -> None:
    """One of exactly 2^24 - 1 bytes, its first byte the command's, ends with an empty packet."""
    length = connections.MAX_PACKET_BYTES - 1 - short - len("SELECT LENGTH('')")
    async with db.read() as cursor:
        assert await cursor.one(f"SELECT LENGTH('{'x' * length}')") == (length,)
        assert await cursor.one("SELECT 1") == (1,)


def test_a_row_longer_than_a_packet_is_put_together() -> None:
    length = connections.MAX_PACKET_BYTES + 10
    value = b"\xfe" + length.to_bytes(8, "little") + b"x" * length
    column = (
        b"\3def"
        + b"\0" * 5
        + b"\x0c"
        + (63).to_bytes(2, "little")
        + bytes(4)
        + bytes([252])
        + bytes(5)
    )
    end = b"\xfe" + bytes(4)
    first, rest = value[: connections.MAX_PACKET_BYTES], value[connections.MAX_PACKET_BYTES :]
    answers = connections._Answers(0)
    done = False
    for packet in (b"\1", column, end, first, rest, end):
        assert not done
        done = answers.feed(len(packet).to_bytes(3, "little") + b"\0" + packet)
    assert done
    assert answers.found[0].rows == [(b"x" * length,)]


async def test_statements_together_are_answered_one_by_one(db: Database) -> None:
    row = await new_row(db, 5)
    async with db.read() as cursor:
        answers = await cursor.together(
            ("SELECT 1 UNION SELECT 2",), ("DO 0",), ("SELECT created_ms FROM idempotency WHERE actor_id = %s", row),
            ("SELECT 1 FROM idempotency WHERE actor_id = 0",),
        )  # fmt: skip
        assert answers == [[(1,), (2,)], [], [(5,)], []]


async def test_what_follows_a_refused_statement_is_not_begun(db: Database) -> None:
    taken, other = await new_row(db), new_id()
    async with db.read() as cursor:
        with pytest.raises(pymysql.err.IntegrityError):
            await cursor.together((INSERT, taken, 1), (INSERT, other, 1))
        assert await cursor.one("SELECT 1") == (1,)  # and the connection goes on
    assert await value_of(db, other) is None


async def test_a_deferred_write_that_fails_undoes_the_transaction(db: Database) -> None:
    """It is sent with the COMMIT, which is not begun then."""
    taken, other = await new_row(db), new_id()

    async def body(tx: Tx) -> None:
        tx.defer(INSERT, other, 1)
        tx.defer(INSERT, taken, 1)

    with pytest.raises(pymysql.err.IntegrityError):
        await db.act(now_ms(), body, type(None))
    assert await value_of(db, other) is None


async def test_a_read_sees_what_was_deferred_before_it(alone: Database) -> None:
    row = new_id()

    async def body(tx: Tx) -> tuple[int, ...] | None:
        tx.defer(INSERT, row, 3)
        tx.defer("UPDATE idempotency SET created_ms = created_ms + 1 WHERE actor_id = %s", row)
        return await tx.one("SELECT created_ms FROM idempotency WHERE actor_id = %s", row)

    assert await alone.act(now_ms(), body, tuple[int, ...]) == (4,)  # type: ignore[arg-type]
    assert await value_of(alone, row) == 4


async def test_a_transaction_that_failed_leaves_its_connection_for_the_next(
    alone: Database,
) -> None:
    async with alone.read() as cursor:
        before = await cursor.one("SELECT CONNECTION_ID()")

    async def fails(tx: Tx) -> None:
        await tx.execute("NO SUCH STATEMENT")

    with pytest.raises(pymysql.err.ProgrammingError):
        await alone.act(now_ms(), fails, type(None))
    async with alone.read() as cursor:
        assert await cursor.one("SELECT CONNECTION_ID(), @@in_transaction") == (*(before or ()), 0)


async def test_who_gives_up_waiting_takes_no_connection_along(alone: Database) -> None:
    async with alone.read():
        hasty = [asyncio.create_task(alone.ping()) for _ in range(3)]
        patient = asyncio.create_task(alone.ping())
        await asyncio.sleep(0)
        for task in hasty:
            task.cancel()
    await patient
    assert all(isinstance(r, asyncio.CancelledError) for r in await asyncio.gather(*hasty, return_exceptions=True))  # fmt: skip
    await alone.ping()


async def test_a_hundred_share_one_connection_in_turn(alone: Database) -> None:
    ids = set()

    async def ask() -> None:
        async with alone.read() as cursor:
            ids.add(await cursor.one("SELECT CONNECTION_ID()"))

    await asyncio.gather(*(ask() for _ in range(100)))
    assert len(ids) == 1


async def test_a_closed_pool_is_unavailable(
    process: Process, environment: Mapping[str, str]
) -> None:
    dsn = Config.from_environment(environment).dsn("insights")
    async with open_database("insights", dsn, process.ids) as db:
        await db.ping()
    with pytest.raises(Unavailable):
        await db.ping()


def test_an_insert_of_many_rows() -> None:
    sql = many("INSERT INTO t (a, b) VALUES (%s, %s)", 2)
    assert bind(sql, (1, "x", Id(2), None)) == b"INSERT INTO t (a, b) VALUES (1, 'x'), (2, NULL)"
    assert bind("SELECT '%'", ()) == b"SELECT '%'"
