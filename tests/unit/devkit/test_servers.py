"""The private servers, for real: start, stop, kill -9, restart, and what they promise meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devkit import ROOT
from devkit.child import Child, ChildError
from devkit.ports import free_port, is_free
from devkit.servers import MariaDb, PrivateServers, Redis


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServers]:
    directory = tmp_path_factory.mktemp("servers")
    with PrivateServers(directory, root_password="p'w\\ord%s") as servers:
        yield servers


def _variable(mariadb: MariaDb, name: str) -> object:
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SHOW VARIABLES LIKE %s", (name,))
        row = cursor.fetchone()
        assert row is not None
        return row[1]


def test_mariadb_commits_durably_and_is_strict(pair: PrivateServers) -> None:
    assert _variable(pair.mariadb, "innodb_flush_log_at_trx_commit") == "1"
    assert _variable(pair.mariadb, "character_set_server") == "utf8mb4"
    assert _variable(pair.mariadb, "bind_address") == "127.0.0.1"
    assert "STRICT_TRANS_TABLES" in str(_variable(pair.mariadb, "sql_mode"))


def test_root_is_the_only_account_and_has_a_password(pair: PrivateServers) -> None:
    with pair.mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT user, host FROM mysql.global_priv ORDER BY user, host")
        accounts = set(cursor.fetchall())
    assert accounts - {("mariadb.sys", "localhost")} == {
        ("root", "127.0.0.1"),
        ("root", "localhost"),
    }
    with pytest.raises(Exception, match="Access denied"), pair.mariadb.connect(password=""):
        pass


def test_mariadb_keeps_what_it_committed_over_kill_9(pair: PrivateServers) -> None:
    with pair.mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE IF NOT EXISTS kept")
        cursor.execute("CREATE OR REPLACE TABLE kept.t (n INT PRIMARY KEY)")
        cursor.execute("INSERT INTO kept.t VALUES (7)")
    port = pair.mariadb.port
    pair.mariadb.kill()
    assert not pair.mariadb.alive
    assert pair.mariadb.returncode == -signal.SIGKILL
    pair.mariadb.start()
    assert pair.mariadb.port == port
    with pair.mariadb.connect(schema="kept") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT n FROM t")
        assert cursor.fetchall() == ((7,),)


def test_redis_comes_back_on_its_port_with_its_data(pair: PrivateServers) -> None:
    assert pair.redis.command("SET", "kept", "yes") == b"+OK\r\n"
    pair.redis.kill()
    with pytest.raises(OSError, match="refused"):
        pair.redis.command("PING")
    pair.redis.start()
    assert pair.redis.command("GET", "kept") == b"$3\r\nyes\r\n"
    pair.redis.restart()
    assert pair.redis.command("GET", "kept") == b"$3\r\nyes\r\n"


def test_a_paused_redis_hangs_and_resumes(pair: PrivateServers) -> None:
    pair.redis.pause()
    try:
        state = Path(f"/proc/{pair.redis.pid}/stat").read_text().split()[2]
        assert state == "T"
    finally:
        pair.redis.resume()
    assert pair.redis.command("PING") == b"+PONG\r\n"


def test_start_is_idempotent(pair: PrivateServers) -> None:
    before = pair.redis.pid, pair.mariadb.pid
    pair.start()
    assert (pair.redis.pid, pair.mariadb.pid) == before


def test_a_long_directory_still_gets_a_socket(tmp_path: Path) -> None:
    server = MariaDb(tmp_path / ("d" * 120), port=free_port())
    assert len(os.fsencode(server.socket)) <= 107


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with Redis(tmp_path, port=free_port()) as taken:
        rival = Redis(tmp_path / "rival", port=taken.port)
        # the port answers, but it is not the rival that does
        with pytest.raises(ChildError, match="ended with code"):
            rival.start()


def test_children_die_with_their_parent(tmp_path: Path) -> None:
    port = free_port()
    script = f"""
import os, signal, pathlib
from devkit.servers import Redis
server = Redis(pathlib.Path({str(tmp_path)!r}), port={port})
server.start()
print(server.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.strip().isdigit(), done.stderr
    deadline = time.monotonic() + 5
    while not is_free(port) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert is_free(port)


def test_a_child_that_ends_early_is_reported_with_its_last_words(tmp_path: Path) -> None:
    child = Child(
        "sh",
        ["sh", "-c", "echo last words; exit 3"],
        log_file=tmp_path / "log",
        ready=lambda: False,
    )
    with pytest.raises(ChildError, match=r"sh ended with code 3(.|\n)*last words"):
        child.start()


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    mark = tmp_path / "up"
    child = Child(
        "stubborn",
        ["sh", "-c", f"trap '' TERM; touch {mark}; while :; do sleep 0.05; done"],
        log_file=tmp_path / "log",
        ready=mark.exists,
    )
    child.start()
    child.stop(timeout_s=0.3)
    assert child.returncode == -signal.SIGKILL
