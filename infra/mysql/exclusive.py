"""One process at a time: a named lock that lives and dies with a connection of its own."""

from __future__ import annotations

from contextlib import AsyncExitStack

from infra.mysql.database import Cursor, Database

GET = "SELECT GET_LOCK(%s, 0)"


class Exclusive:
    """Holds MySQL's named lock `name` (at most 64 characters) for as long as this process and its connection live."""

    def __init__(self, db: Database, name: str) -> None:
        self._db = db
        self._name = name
        self._stack = AsyncExitStack()
        self._cursor: Cursor | None = None

    async def cursor(self) -> Cursor | None:
        """The connection that holds the lock, or None while somebody else does. Raise Unavailable when MySQL is away."""
        if self._cursor is not None:
            return self._cursor
        stack = AsyncExitStack()
        cursor = await stack.enter_async_context(self._db.read())
        try:
            row = await cursor.one(GET, self._name)
            if row is None or row[0] != 1:
                await stack.aclose()
                return None
        except BaseException:
            cursor.drop()  # the answer, or the lock itself, may still be on its way
            await stack.aclose()
            raise
        self._stack, self._cursor = stack, cursor
        return cursor

    async def let_go(self) -> None:
        """After an error, or at the end. The connection is dropped, and the lock with it."""
        stack, self._stack = self._stack, AsyncExitStack()
        if self._cursor is not None:
            self._cursor.drop()
            self._cursor = None
        await stack.aclose()
