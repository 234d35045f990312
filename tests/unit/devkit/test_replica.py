"""A real replica of a real MariaDB: it follows, it can be held back, it begins anew, and it can take the primary's place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql.err
import pytest

from devkit.replica import ReplicatedServers
from devkit.servers import MariaDb

PASSWORD = "writer's"


def run(server: MariaDb, sql: str, **account: str) -> list[tuple[Any, ...]]:
    with server.connect(**account) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def write(server: MariaDb, n: int) -> None:
    """As somebody who may write, and is not root, whom `read_only` does not stop."""
    run(server, f"INSERT INTO kept.t VALUES ({n})", user="writer", password=PASSWORD)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[ReplicatedServers]:
    with ReplicatedServers(tmp_path, root_password="r'oot") as servers:
        run(servers.mariadb, "CREATE DATABASE kept")
        run(servers.mariadb, "CREATE TABLE kept.t (n INT PRIMARY KEY)")
        run(servers.mariadb, f'CREATE USER writer@localhost IDENTIFIED BY "{PASSWORD}"')
        run(servers.mariadb, "GRANT SELECT, INSERT ON kept.t TO writer@localhost")
        write(servers.mariadb, 1)
        servers.replica.catch_up()
        yield servers


def there(server: MariaDb) -> list[int]:
    return [n for (n,) in run(server, "SELECT n FROM kept.t ORDER BY n")]


def test_it_follows_and_can_be_held_back(servers: ReplicatedServers) -> None:
    assert there(servers.replica) == [1]
    servers.replica.hold_back()
    write(servers.mariadb, 2)
    assert there(servers.replica) == [1]
    servers.replica.catch_up()
    assert there(servers.replica) == [1, 2]
    with pytest.raises(pymysql.err.OperationalError, match="read-only"):
        write(servers.replica, 3)


def test_both_outlive_kill_9_and_another_start(servers: ReplicatedServers) -> None:
    servers.kill()
    servers.mariadb.start()
    servers.replica.start()
    write(servers.mariadb, 2)
    servers.replica.catch_up()
    assert there(servers.replica) == [1, 2]
    servers.kill()
    servers.start()
    write(servers.mariadb, 3)
    servers.replica.catch_up()
    assert there(servers.replica) == [1, 2, 3]


def test_it_can_be_promoted_as_the_runbook_says(servers: ReplicatedServers) -> None:
    servers.replica.hold_back()
    write(servers.mariadb, 2)
    servers.replica.catch_up()
    servers.mariadb.kill()
    for step in ("STOP REPLICA", "RESET REPLICA ALL", "SET GLOBAL read_only = 0"):
        run(servers.replica, step)
    write(servers.replica, 3)
    assert there(servers.replica) == [1, 2, 3]
