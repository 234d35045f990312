"""A second MariaDB that follows the first, by MariaDB's own replication.

with ReplicatedServers(path) as servers:
    servers.replica.hold_back()     # it lags
    servers.replica.kill()          # it is gone
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from devkit.child import Child, ChildError
from devkit.ports import free_port
from devkit.servers import MariaDb, PrivateServers

PRIMARY = ("--server-id=1", "--log-bin=bin", "--binlog-format=ROW", "--sync-binlog=1")
FOLLOWING = ("--server-id=2", "--read-only=1", "--relay-log=relay", "--slave-net-timeout=4")


class Replica(MariaDb):
    """Follows `primary`, which runs with the options PRIMARY. Methods block, as those of every child."""

    def __init__(self, directory: Path, primary: MariaDb, *, port: int) -> None:
        super().__init__(directory, port=port, root_password=primary.root_password, extra=FOLLOWING)
        self.name = "replica"
        self.primary = primary

    def begin(self) -> None:
        """Start as a copy of the primary's files, and follow from there on. The primary is restarted: only a server that was
        stopped has files that can be copied, and a binary log that can be begun anew."""
        self.stop()
        self.primary.start()  # whatever a crash has left is mended first
        self.primary.stop()
        for log in self.primary.data.glob("bin.*"):
            log.unlink()
        shutil.rmtree(self.data, ignore_errors=True)
        (self.directory / "tmp").mkdir(parents=True, exist_ok=True)
        shutil.copytree(self.primary.data, self.data)
        self.primary.start(wait=False)
        self.start()
        self.primary.wait_ready()
        self._follow()

    def hold_back(self) -> None:
        """Go on receiving, and apply nothing."""
        self._execute("STOP SLAVE SQL_THREAD")

    def catch_up(self) -> None:
        """Apply again; returns once all that the primary has now is here."""
        self._execute("START SLAVE")
        with self.primary.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT @@gtid_binlog_pos")
            [position] = cursor.fetchone() or [""]
        if self._execute("SELECT MASTER_GTID_WAIT(%s, 20)", position) != 0:
            raise ChildError(f"{self.name} does not catch up\n{self.log_tail()}")

    def _follow(self) -> None:
        account = "'replication'@'127.0.0.1'"
        with self.primary.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                f"CREATE USER IF NOT EXISTS {account} IDENTIFIED BY %s", (self.root_password,)
            )
            cursor.execute(f"GRANT REPLICATION SLAVE ON *.* TO {account}")
        self._execute(
            "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = %s, MASTER_USER = 'replication', "
            "MASTER_PASSWORD = %s, MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1",
            self.primary.port,
            self.root_password,
        )
        self.catch_up()

    def _execute(self, sql: str, *args: object) -> Any:
        """The first value of the answer, if there is one."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql, args or None)
            row = cursor.fetchone()
            return row[0] if row else None


class ReplicatedServers(PrivateServers):
    """As PrivateServers, which see, with a `replica` of the MariaDB."""

    def __init__(
        self, directory: Path, *, root_password: str = "replicated", **options: Any
    ) -> None:
        super().__init__(directory, root_password=root_password, mariadb_options=PRIMARY, **options)
        self.replica = Replica(self.directory / "replica", self.mariadb, port=free_port())

    @property
    def children(self) -> list[Child]:
        return [*super().children, self.replica]

    def start(self) -> None:
        """A replica that is not running begins anew as a copy of the primary, which is started again for that."""
        self.redis.start(wait=False)
        if not self.replica.alive:
            self.replica.begin()
        self.mariadb.start()
        self.redis.wait_ready()

    def stop(self) -> None:
        self.replica.stop()
        super().stop()

    def kill(self) -> None:
        self.replica.kill()
        super().kill()
