"""One wing's database: a pool, transactions that roll back unless they commit, and reads."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol, TypeVar

import pymysql.err
import structlog
from prometheus_client import Counter, Gauge

from infra import failpoints, wire
from infra.config import WINGS, Dsn
from infra.mysql import idempotency, outbox
from infra.mysql.connection import Answer, Connection, Statement, bind, many
from infra.mysql.connection import Row as Row  # stores take it from here
from infra.mysql.outbox import Published
from infra.mysql.pool import Pool, pool_of
from market.kernel.actor import Call
from market.kernel.errors import Conflict, NotFound, Unavailable
from market.kernel.facts import Fact
from market.kernel.ids import GENE_BITS, Id, IdMaker

R = TypeVar("R")

log = structlog.get_logger("mysql")

DEADLOCK, LOCK_TIMEOUT, DUPLICATE = 1213, 1205, 1062
# Unique keys of ids that we make ourselves: another process may have made the same one.
OURS = ("PRIMARY", "fact")
# Server gone, shutting down, too many connections, cannot connect, account locked (MySQL 3118, MariaDB 4151), connection
# killed, read only, and the client's own "connection lost".
AWAY = {
    1040,
    1045,
    1049,
    1053,
    1077,
    1080,
    1152,
    1158,
    1159,
    1160,
    1161,
    1203,
    1290,
    1927,  # killed (MariaDB)
    3169,  # killed (MySQL)
    4031,  # idle too long (MySQL 8)
    2002,
    2003,
    2006,
    2013,
    2014,
    2055,
    3118,
    4151,
    0,
}
ATTEMPTS = 6
STATEMENT_S = 10.0
"""A statement that takes longer waits for a lock or a server that hangs: its connection is given up."""

RETRIES = Counter(
    "sharehub_mysql_retries_total",
    "Transactions run again after a deadlock, a lock timeout, or an id that was taken.",
    ["wing"],
)
POOL_WAITING = Gauge("sharehub_mysql_pool_waiting", "Callers waiting for a connection.", ["wing"])


class Offers(Protocol):
    """Where committed pushes go at once: `infra.redis.publish.Publisher`, or nothing."""

    def offer(self, wing: str, published: Sequence[Published]) -> None: ...


class Glances(Protocol):
    """Where reads go that may be stale: `infra.mysql.replica.Replica`, or nothing."""

    @property
    def used(self) -> bool: ...

    def read(self) -> AbstractAsyncContextManager[Cursor]: ...

    def was_behind(self) -> None: ...


class Cursor:
    """Statements on one connection. Rows are tuples, in the order of the statement's columns."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._deferred: list[bytes] = []
        self._awaited: list[tuple[int, list[Row]]] = []

    @property
    def opened_s(self) -> float:
        """Since when the server is the one that it is now (monotonic): one that takes another's place breaks connections."""
        return self._connection.opened_s

    def drop(self) -> None:
        """Close the connection; its pool makes a new one."""
        self._connection.close()

    async def all(self, sql: str, *args: object) -> list[Row]:
        return (await self._run(bind(sql, args)))[0].rows

    async def one(self, sql: str, *args: object) -> Row | None:
        rows = await self.all(sql, *args)
        return rows[0] if rows else None

    async def execute(self, sql: str, *args: object) -> int:
        """The number of rows affected."""
        return (await self._run(bind(sql, args)))[0].affected

    async def execute_many(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        """One multi-row INSERT, whose SQL ends in `VALUES (...)`."""
        if not rows:
            return 0
        return await self.execute(many(sql, len(rows)), *itertools.chain.from_iterable(rows))

    async def together(self, *statements: Statement) -> list[list[Row]]:
        """The rows of each, (sql, value...), one after the other in one packet: one trip to the server."""
        bound = [bind(sql, args) for sql, *args in statements]
        return [answer.rows for answer in await self._run(*bound)]

    def defer_read(self, sql: str, *args: object) -> list[Row]:
        """Send it in front of the next statement, in the same packet: its rows are in the list when that has been answered."""
        rows: list[Row] = []
        self._awaited.append((len(self._deferred), rows))
        self._deferred.append(bind(sql, args))
        return rows

    async def _run(self, *statements: bytes) -> list[Answer]:
        """The answers to `statements`, without those of what was deferred."""
        before = len(self._deferred)
        packet, self._deferred = [*self._deferred, *statements], []
        awaited, self._awaited = self._awaited, []
        async with asyncio.timeout(STATEMENT_S):
            answers = await self._connection.run(packet)
        for place, rows in awaited:
            rows += answers[place].rows
        return answers[before:]


class Tx(Cursor):
    """A transaction in progress. Lock the entity's row first; then claim the key; then decide."""

    def __init__(self, connection: Connection, ids: IdMaker, now_ms: int, wing: str) -> None:
        super().__init__(connection)
        self._ids = ids
        self._wing = wing
        self.now_ms = now_ms
        self._facts: list[Fact] = []
        self._claimed: tuple[int, str] | None = None
        self.defer("BEGIN")

    def defer(self, sql: str, *args: object) -> None:
        """Send it in front of the next statement, or of the COMMIT, in the same packet: a write whose answer says nothing."""
        self._deferred.append(bind(sql, args))

    def new_id(self, gene: int | None = None) -> Id:
        return self._ids.make(self.now_ms, gene)

    def _new_fact_id(self) -> Id:
        """Each wing has genes of its own for its facts: an inbox would take two facts with one id for the same. Within a
        wing the outbox's unique key refuses."""
        share = (1 << GENE_BITS) // len(WINGS)
        return self.new_id(WINGS.index(self._wing) * share + random.randrange(share))

    async def claim(self, call: Call, command: object, *locks: Statement) -> list[list[Row]]:
        """Take the call's idempotency key for this transaction; `locks` go in front of it in the same packet (the entity's
        row first, then what is read under its lock), and their rows are the answer.

        Raise idempotency.Replayed (which `Database.act` turns into the first reply) when this very command has been done
        under the key, KeyReused when another one has.
        """
        if call.key is None:
            return await self.together(*locks) if locks else []
        rows = await idempotency.claim(self, call, command, locks)
        self._claimed = (call.actor.user_id, call.key)
        return rows

    def give_back(self) -> None:
        """The key that was claimed: what has been written is committed, and the command refused all the same."""
        if self._claimed is not None:
            idempotency.give_back(self, *self._claimed)
            self._claimed = None

    def emit(self, *facts: Fact) -> None:
        self._facts.extend(facts)

    def _finish(self, reply: object) -> list[Published]:
        """What is left to write, deferred to the COMMIT."""
        if self._claimed is not None:
            idempotency.store_reply(self, *self._claimed, wire.msgpack(reply))
        published = [
            outbox.prepare(fact, self._new_fact_id(), time.time_ns() // 1000)
            for fact in self._facts
        ]
        if published:
            outbox.append(self, published)
        return published

    async def _commit(self) -> None:
        """Everything deferred, then COMMIT: when one fails, nothing after it is begun."""
        await self._run(b"COMMIT")


class Database:
    """Opened with `open_database`; `now_ms` and `ids` are the process's own."""

    def __init__(
        self,
        wing: str,
        pool: Pool,
        ids: IdMaker,
        publisher: Offers | None,
        acquire_timeout_s: float,
    ) -> None:
        self.wing = wing
        self._pool = pool
        self._ids = ids
        self._publisher = publisher
        self._acquire_timeout_s = acquire_timeout_s
        self.replica: Glances | None = None

    async def act(self, now_ms: int, body: Callable[[Tx], Awaitable[R]], reply: type[R]) -> R:
        """Run `body` as one transaction: commit, publish, and give back its reply.

        Rolled back unless everything succeeds. Deadlocks and lock timeouts are run again, and so are new ids that turn out
        to be taken. Under a key that has been used
        for the same command before, the first reply is given back instead. Raise Unavailable when MySQL is away.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self.once(now_ms, body)
            except idempotency.Replayed as replayed:
                return wire.from_msgpack(replayed.reply, reply)
            except pymysql.err.MySQLError as error:
                if not _worth_another_try(error):
                    raise
                if attempt == ATTEMPTS:
                    if error_code(error) == DUPLICATE:
                        raise
                    raise Unavailable("the row stays locked") from error
                RETRIES.labels(self.wing).inc()
                await asyncio.sleep(random.uniform(0.002, 0.01) * 2**attempt)
        raise AssertionError("unreachable")

    async def once(self, now_ms: int, body: Callable[[Tx], Awaitable[R]]) -> R:
        """As `act`, tried once: raise what MySQL says of a deadlock or a duplicate, and idempotency.Replayed."""
        async with self._connection() as connection:
            try:
                tx = Tx(connection, self._ids, now_ms, self.wing)
                result = await body(tx)
                published = tx._finish(result)
                failpoints.reach("before_commit")
                for item in published:
                    item.committed_us = time.time_ns() // 1000
                await tx._commit()
            except BaseException as error:
                await _roll_back(connection, error)
                raise
        failpoints.reach("after_commit")
        if published and self._publisher is not None:
            self._publisher.offer(self.wing, published)
        return result

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Cursor]:
        """Plain reads from the primary, each statement on its own snapshot."""
        async with self._connection() as connection:
            yield Cursor(connection)

    @asynccontextmanager
    async def glance(self) -> AsyncIterator[Cursor]:
        """Plain reads that may be some seconds old: from the replica while it is well, else from the primary."""
        source = self.read() if self.replica is None else self.replica.read()
        async with source as cursor:
            yield cursor

    async def as_new_as(
        self, seen: int | None, read: Callable[[Cursor], Awaitable[R]], version: Callable[[R], int]
    ) -> R:
        """What `read` finds, never older than the version that its reader has `seen`: the replica's if it has that, else
        the primary's. None: who knows what it has seen; the primary's. Raise NotFound when the primary does."""
        if seen is not None and self.replica is not None and self.replica.used:
            try:
                async with self.replica.read() as cursor:
                    found = await read(cursor)
            except NotFound:  # it may be on its way
                pass
            else:
                if version(found) >= seen:
                    return found
            self.replica.was_behind()
        async with self.read() as cursor:
            return await read(cursor)

    async def ping(self) -> None:
        """Whether anything can be read at all. Raise Unavailable."""
        async with self.glance() as cursor:
            await cursor.one("SELECT 1")

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        connection = self._pool.take() or await self._acquire()
        try:
            yield connection
        except pymysql.err.MySQLError as error:
            translated = _translated(error, self.wing)
            if translated is error:
                raise
            connection.close()
            raise translated from error
        except OSError as error:  # TimeoutError too
            connection.close()
            raise Unavailable("the database went away", wing=self.wing) from error
        except asyncio.CancelledError:
            connection.close()  # a statement may be half read; the pool makes a new one
            raise
        finally:
            self._pool.release(connection)

    async def _acquire(self) -> Connection:
        waiting = POOL_WAITING.labels(self.wing)
        waiting.inc()
        try:
            async with asyncio.timeout(self._acquire_timeout_s):
                return await self._pool.acquire()
        except OSError as error:  # TimeoutError too
            raise Unavailable("the database is away or overloaded", wing=self.wing) from error
        except pymysql.err.MySQLError as error:
            raise _translated(error, self.wing) from error
        finally:
            waiting.dec()


def error_code(error: BaseException) -> int:
    return error.args[0] if error.args and isinstance(error.args[0], int) else -1


def _worth_another_try(error: pymysql.err.MySQLError) -> bool:
    code = error_code(error)
    if code == DUPLICATE:
        index = str(error.args[-1]).rpartition(" for key ")[2].strip("'").rpartition(".")[2]
        return index in OURS
    return code in (DEADLOCK, LOCK_TIMEOUT)


def _translated(error: pymysql.err.MySQLError, wing: str) -> Exception:
    code = error_code(error)
    if isinstance(error, pymysql.err.InterfaceError) or code in AWAY:
        return Unavailable("the database is away", wing=wing)
    if code in (1264, 1406, 1366):
        return Conflict("a value does not fit", wing=wing)
    return error


async def _roll_back(connection: Connection, error: BaseException) -> None:
    if isinstance(error, asyncio.CancelledError):
        connection.close()
        return
    if not connection.get_transaction_status():  # not begun, or the server has rolled back itself
        return
    try:
        async with asyncio.timeout(STATEMENT_S):
            await connection.run([b"ROLLBACK"])
    except Exception:  # the connection is gone, and with it the transaction
        connection.close()


@asynccontextmanager
async def open_database(
    wing: str, dsn: Dsn, ids: IdMaker, *, publisher: Offers | None = None, size: int = 8,
    acquire_timeout_s: float = 3.0,
) -> AsyncIterator[Database]:  # fmt: skip
    pool = pool_of(dsn, size)
    try:
        yield Database(wing, pool, ids, publisher, acquire_timeout_s)
    finally:
        await pool.close()
