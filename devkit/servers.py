"""A private MariaDB and a private Redis in one directory: for ./dev run, for tests, for benchmarks.

Nothing of the system's own servers is read or touched. A server keeps its port and its data over stop, kill and start.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pymysql

from devkit import RUN
from devkit.child import Child, ChildError
from devkit.ports import free_port

# sockaddr_un holds 108 bytes.
_LONGEST_SOCKET_PATH_BYTES = 107


def program(name: str) -> str:
    """Full path of a server program; ChildError names the Debian package when it is missing."""
    path = shutil.which(
        name, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", str(RUN / "bin")))
    )
    if path is None:
        raise ChildError(f"{name} is not installed: start through ./dev, which fetches it")
    return path


class MariaDb(Child):
    """One MariaDB. `root` with `root_password` is its only account until migrations make others."""

    def __init__(
        self,
        directory: Path,
        *,
        port: int,
        root_password: str = "",
        log_file_size: str = "8M",
        buffer_pool: str = "128M",
        extra: tuple[str, ...] = (),
    ) -> None:
        directory = directory.resolve()
        self.directory = directory
        self.host = "127.0.0.1"
        self.port = port
        self.root_password = root_password
        self.data = directory / "data"
        self.socket = directory / "s.sock"
        if len(os.fsencode(self.socket)) > _LONGEST_SOCKET_PATH_BYTES:
            short = tempfile.mkdtemp(prefix="sharehub-")
            weakref.finalize(self, shutil.rmtree, short, ignore_errors=True)
            self.socket = Path(short) / "s.sock"
        self._redo = f"--innodb-log-file-size={log_file_size}"
        super().__init__(
            "mariadb",
            [
                program("mariadbd"),
                "--no-defaults",
                *_as_user(),
                f"--datadir={self.data}",
                f"--tmpdir={directory / 'tmp'}",
                f"--socket={self.socket}",
                f"--port={port}",
                "--bind-address=127.0.0.1",
                f"--pid-file={directory / 'pid'}",
                "--skip-name-resolve",
                "--character-set-server=utf8mb4",
                "--collation-server=utf8mb4_unicode_ci",
                "--default-time-zone=+00:00",
                # what MySQL 8 has by default
                "--sql-mode=ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
                "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
                "--max-connections=500",
                "--thread-cache-size=64",
                f"--innodb-buffer-pool-size={buffer_pool}",
                self._redo,
                # Durable, as in production: a commit is on disk before it is acknowledged.
                "--innodb-flush-log-at-trx-commit=1",
                *extra,
            ],
            log_file=directory / "mariadb.log",
            ready=self._answers,
        )

    def start(self, *, wait: bool = True) -> None:
        if not (self.data / "mysql").exists():
            self._install()
        super().start(wait=wait)

    def _install(self) -> None:
        """Make the data directory beside its place and rename it, so that half of one is never taken for a whole."""
        fresh = self.directory / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)
        (self.directory / "tmp").mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [
                program("mariadb-install-db"),
                "--no-defaults",
                *_as_user(),
                f"--datadir={fresh}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                self._redo,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ChildError(
                f"mariadb-install-db failed ({done.returncode})\n{(done.stdout + done.stderr)[-2000:]}"
            )
        fresh.rename(self.data)

    def _answers(self) -> bool:
        try:
            with self.connect():
                return True
        except OSError:
            return False
        except pymysql.err.OperationalError as error:
            if error.args[0] != 1045 or not self.root_password:
                return False
        try:
            self._secure()
        except pymysql.err.OperationalError:
            return False
        return True

    def _secure(self) -> None:
        """First start: root gets its password, and no other account is left."""
        with self.connect(password="") as connection, connection.cursor() as cursor:
            cursor.execute("SELECT user, host FROM mysql.global_priv")
            accounts = [(user, host) for user, host in cursor.fetchall() if user != "mariadb.sys"]
            cursor.execute("CREATE USER IF NOT EXISTS root@'127.0.0.1'")
            cursor.execute("GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION")
            for user, host in accounts:
                if (user, host) not in (("root", "localhost"), ("root", "127.0.0.1")):
                    cursor.execute("DROP USER IF EXISTS %s@%s", (user, host))
            cursor.execute("ALTER USER root@'127.0.0.1' IDENTIFIED BY %s", (self.root_password,))
            cursor.execute("ALTER USER root@localhost IDENTIFIED BY %s", (self.root_password,))

    @contextlib.contextmanager
    def connect(
        self, *, user: str = "root", password: str | None = None, schema: str | None = None
    ) -> Iterator[pymysql.Connection[Any]]:
        """A blocking connection, in autocommit, closed at the end of the block. OSError when nobody listens."""
        # The socket is ours, because pymysql leaks its own when the server does not answer.
        with socket.socket(socket.AF_UNIX) as own:
            own.settimeout(5)
            own.connect(str(self.socket))
            connection = pymysql.connect(
                user=user,
                password=self.root_password if password is None else password,
                database=schema,
                charset="utf8mb4",
                autocommit=True,
                defer_connect=True,
            )
            connection.connect(own)
            try:
                yield connection
            finally:
                connection.close()


class Redis(Child):
    """One Redis, with an append-only file flushed every second."""

    def __init__(self, directory: Path, *, port: int, extra: tuple[str, ...] = ()) -> None:
        directory = directory.resolve()
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.host = "127.0.0.1"
        self.port = port
        super().__init__(
            "redis",
            [
                _redis_program(directory),
                *("--port", str(port)),
                *("--bind", "127.0.0.1"),
                *("--dir", str(directory)),
                *("--appendonly", "yes"),
                *("--appendfsync", "everysec"),
                *("--save", ""),
                # for fault tests: DEBUG SLEEP
                *("--enable-debug-command", "local"),
                *extra,
            ],
            log_file=directory / "redis.log",
            ready=self._answers,
        )

    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}/0"

    def command(self, *parts: str) -> bytes:
        """Send one command and return the first bytes of the raw reply (RESP2)."""
        request = f"*{len(parts)}\r\n" + "".join(
            f"${len(part.encode())}\r\n{part}\r\n" for part in parts
        )
        with socket.create_connection((self.host, self.port), 5) as connection:
            connection.sendall(request.encode())
            return connection.recv(65_536)

    def follow(self, primary: Redis, timeout_s: float = 10.0) -> None:
        """Become a running Redis' replica; returns once all that it has is here."""
        self.command("REPLICAOF", primary.host, str(primary.port))
        deadline = time.monotonic() + timeout_s
        while b"master_link_status:up" not in self.command("INFO", "replication"):
            if time.monotonic() > deadline:
                raise ChildError(f"no copy after {timeout_s:g} s\n{self.log_tail()}")
            time.sleep(0.01)

    def detach(self) -> None:
        """Keep what is here and hear no more of the primary, as behind a broken link."""
        self.command("REPLICAOF", "NO", "ONE")

    def move_to(self, port: int) -> None:
        """Listen on another port, which is free; over restarts too."""
        if (answer := self.command("CONFIG", "SET", "port", str(port))) != b"+OK\r\n":
            raise ChildError(f"redis cannot have port {port}: {answer.decode().strip()}")
        self.port = port
        self.argv[self.argv.index("--port") + 1] = str(port)

    def _answers(self) -> bool:
        try:
            # Loaded, and not some other Redis that has our port.
            return self.command(
                "PING"
            ) == b"+PONG\r\n" and f"process_id:{self.pid}\r\n".encode() in self.command(
                "INFO", "server"
            )
        except OSError:
            return False


class PrivateServers:
    """One MariaDB and one Redis under `directory`. Usable as a context manager.

        with PrivateServers(path) as servers:
            servers.redis.kill()
            servers.redis.start()       # the same port, the same data

    For a longer life than a test's, give `log_file_size="64M"` and a password.
    """

    def __init__(
        self,
        directory: Path,
        *,
        mariadb_port: int | None = None,
        redis_port: int | None = None,
        root_password: str = "",
        log_file_size: str = "8M",
        buffer_pool: str = "128M",
        mariadb_options: tuple[str, ...] = (),
    ) -> None:
        self.directory = directory.resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.mariadb = MariaDb(
            self.directory / "mariadb",
            port=free_port(mariadb_port),
            root_password=root_password,
            log_file_size=log_file_size,
            buffer_pool=buffer_pool,
            extra=mariadb_options,
        )
        self.redis = Redis(self.directory / "redis", port=free_port(redis_port))

    @property
    def children(self) -> list[Child]:
        return [self.mariadb, self.redis]

    def start(self) -> None:
        """Start what is not running, both at once, and wait until both answer."""
        self.redis.start(wait=False)
        self.mariadb.start()
        self.redis.wait_ready()

    def promote(self, replica: Redis) -> None:
        """The replica in the place of our Redis, which has died: at its address, without what was not copied."""
        replica.detach()
        replica.move_to(self.redis.port)
        self.redis = replica

    def stop(self) -> None:
        self.mariadb.resume()
        self.mariadb.ask_to_stop()
        self.redis.stop()
        self.mariadb.wait(30)

    def kill(self) -> None:
        """Both at once, with no chance to clean up."""
        self.redis.kill()
        self.mariadb.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _as_user() -> tuple[str, ...]:
    # MariaDB refuses to run as root unless told so by name.
    return ("--user=root",) if os.geteuid() == 0 else ()


def _redis_program(directory: Path) -> str:
    try:
        return program("redis-server")
    except ChildError:
        # Debian's redis-server is redis-check-rdb under another name: the program looks at argv[0].
        link = directory / "redis-server"
        if not link.exists():
            link.symlink_to(program("redis-check-rdb"))
        return str(link)
