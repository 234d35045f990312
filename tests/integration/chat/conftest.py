"""The chat, and a conversation to talk in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiomysql
import pytest

from devkit.servers import PrivateServers
from devkit.settings import admin_environment
from infra.config import Config
from infra.process import Process
from market.chat.wing import Chat, open_wing
from tests.integration.chat.talks import Talk, hear, order_of
from tests.integration.conftest import new_id, someone


@pytest.fixture
async def chat(process: Process) -> Chat:
    return await open_wing(process)


@pytest.fixture
async def admin(process: Process, servers: PrivateServers) -> AsyncIterator[aiomysql.Connection]:
    """The chat's schema as somebody with every right."""
    dsn = Config({**process.config.environment, **admin_environment(servers)}).admin_dsn("chat")
    where: dict[str, Any] = (
        {"unix_socket": dsn.unix_socket}
        if dsn.unix_socket
        else {"host": dsn.host, "port": dsn.port}
    )
    connection = await aiomysql.connect(
        user=dsn.user,
        password=dsn.password,
        db=process.config.dsn("chat").schema,
        autocommit=True,
        **where,
    )
    yield connection
    connection.close()


@pytest.fixture
async def talk(chat: Chat) -> Talk:
    id_, buyer, owner = new_id(), someone(), someone()
    await hear(chat, "order.pending_payment", id_, 1, order_of(id_, buyer, owner))
    return Talk(chat, id_, buyer, owner)


@pytest.fixture
async def tamper(admin: aiomysql.Connection) -> AsyncIterator[Any]:
    """Change messages as only somebody can who takes the triggers off first."""
    async with admin.cursor() as cursor:
        await cursor.execute("DROP TRIGGER messages_stay")
        await cursor.execute("DROP TRIGGER messages_remain")

        async def change(statement: str, *args: object) -> None:
            assert await cursor.execute(statement, args) == 1

        yield change
        sql = "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'messages are append-only'"
        await cursor.execute(
            f"CREATE TRIGGER messages_stay BEFORE UPDATE ON messages FOR EACH ROW {sql}"
        )
        await cursor.execute(
            f"CREATE TRIGGER messages_remain BEFORE DELETE ON messages FOR EACH ROW {sql}"
        )
