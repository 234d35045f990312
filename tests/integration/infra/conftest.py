"""The orders' database, seen from both sides: as the wing sees it, and as an administrator does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import pytest

from devkit.servers import PrivateServers
from devkit.settings import admin_environment
from infra.config import Config
from infra.mysql.database import Database
from infra.process import Process

Sql = Callable[..., Awaitable[tuple[tuple[object, ...], ...]]]


@pytest.fixture
async def db(process: Process) -> Database:
    """The insights wing's: its tables are few, and its outbox is nobody else's business here."""
    return await process.database("insights")


@pytest.fixture
def admin_config(environment: Mapping[str, str], servers: PrivateServers) -> Config:
    return Config.from_environment({**environment, **admin_environment(servers)})
