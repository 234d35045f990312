"""Connections of one wing: opened as they are needed, kept, given to who has waited longest."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import pymysql.err

from infra.config import Dsn
from infra.mysql.connection import Connection

Connect = Callable[[], Awaitable[Connection]]


class Pool:
    """At most `size` connections. One that has been idle for `recycle_s` is not used again."""

    def __init__(self, connect: Connect, size: int, recycle_s: float = 1800.0) -> None:
        self._connect = connect
        self._size = size
        self._recycle_s = recycle_s
        self._free: list[Connection] = []
        self._used: set[Connection] = set()
        self._opening = 0
        self._waiting: deque[asyncio.Future[Connection | None]] = deque()
        self._closed = False

    def take(self) -> Connection | None:
        """A free connection at once, the one used last; None when there is none."""
        while self._free:
            connection = self._free.pop()
            idle_s = connection.loop.time() - connection.last_usage
            if connection.fresh and idle_s < self._recycle_s:
                self._used.add(connection)
                return connection
            self._drop(connection)
        return None

    async def acquire(self) -> Connection:
        """Waits without end: callers set a limit. Raise what connecting raises."""
        while True:
            if self._closed:
                raise pymysql.err.InterfaceError(0, "the pool is closed")
            connection = self.take()
            if connection is None and self._there < self._size:
                connection = await self._new()
            if connection is None:
                connection = await self._wait()
            if connection is not None:
                self._used.add(connection)
                return connection

    def release(self, connection: Connection) -> None:
        """Give back; a connection that is closed, or in the middle of something, makes room for a new one."""
        if self._closed or not connection.fresh:
            self._drop(connection)
        elif not self._hand_over(connection):
            self._used.discard(connection)
            self._free.append(connection)

    async def close(self, patience_s: float = 2.0) -> None:
        """Free connections go now, those in use when they are given back, or when patience ends."""
        self._closed = True
        while self._free:
            self._drop(self._free.pop())
        while self._hand_over(None):
            pass
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while self._used:
                    await self._wait()
        for connection in self._used:
            connection.close()

    @property
    def _there(self) -> int:
        return len(self._used) + len(self._free) + self._opening

    async def _new(self) -> Connection:
        self._opening += 1
        try:
            return await self._connect()
        except BaseException:
            self._hand_over(None)
            raise
        finally:
            self._opening -= 1

    async def _wait(self) -> Connection | None:
        """A connection handed over, or None: there is room for a new one."""
        turn: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it came too late: the next one's
                connection = turn.result()
                if connection is None:
                    self._hand_over(None)
                else:
                    self.release(connection)
            raise

    def _hand_over(self, connection: Connection | None) -> bool:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return True
        return False

    def _drop(self, connection: Connection) -> None:
        connection.close()
        self._used.discard(connection)
        self._hand_over(None)


def pool_of(dsn: Dsn, size: int) -> Pool:
    """At most `size` connections, opened as needed, so that a process starts without its database."""
    where: dict[str, Any] = (
        {"unix_socket": dsn.unix_socket}
        if dsn.unix_socket
        else {"host": dsn.host, "port": dsn.port}
    )

    async def connect() -> Connection:
        connection = Connection(
            user=dsn.user, password=dsn.password, db=dsn.schema, charset="utf8mb4", autocommit=True,
            connect_timeout=2,
            sql_mode="'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ENGINE_SUBSTITUTION'",  # aiomysql does not quote it
            init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", **where,
        )  # fmt: skip
        await connection.open()
        return connection

    return Pool(connect, size)
