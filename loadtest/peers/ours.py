"""ShareHub's hubs as a side of the comparison: as in production, tokens checked, every topic read from MySQL on joining."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from devkit import ROOT, RUN
from devkit.loop import WHOLE_WEEK
from devkit.servers import Redis
from devkit.stack import Layout, Stack
from infra.config import Config
from infra.tokens import Tokens
from loadtest.peers.install import python_versions
from loadtest.peers.side import SERVERS, Say
from loadtest.swarm import ShareHub
from market.kernel.actor import Actor
from market.kernel.ids import Id

FIRST_LISTING = 118_000_000_000_000_000
WIDE_LISTING = FIRST_LISTING - 1
FIRST_USER = 118_100_000_000_000_000
FIRST_SESSION = 118_200_000_000_000_000

BOOKABLES = (
    "INSERT INTO bookables (listing_id, version, listing_version, terms_version, owner_id, status, title, category, "
    "address, terms) VALUES (%s, 1, 1, 1, 1, 'live', '', 'tools', '', %s)"
)
SESSIONS = (
    "INSERT INTO sessions (id, version, user_id, generation, revoked, expires_ms, created_ms) "
    "VALUES (%s, 1, %s, 1, '', %s, 1)"
)


class Ours:
    """Rooms are calendars, because everybody may join one and it costs no order to make it; the payload is an order's."""

    name = "ours"
    about = "two hubs, msgpack; the publish script emits"
    dialect = ShareHub
    wide = f"calendar:{WIDE_LISTING}"

    def __init__(self, say: Say) -> None:
        self._say = say
        self._made: Stack | None = None
        self.versions = python_versions(
            Path(sys.executable), "aiohttp", "uvloop", "redis", "hiredis"
        )

    @property
    def _stack(self) -> Stack:
        assert self._made is not None, "not started"
        return self._made

    def start(self, connections: int) -> None:
        directory = RUN / "bench-peers" / self.name
        shutil.rmtree(directory, ignore_errors=True)
        layout = Layout(hubs=SERVERS, api=(), workers=())
        self._made = Stack(directory, layout=layout, say=self._say)
        self._stack.prepare()
        self._seed(connections)
        self._stack.start_processes()

    def _seed(self, connections: int) -> None:
        mariadb = self._stack.servers.mariadb
        terms = json.dumps({"plan": WHOLE_WEEK, "price_hour_fen": 500})
        forever_ms = int(time.time() * 1000) + 10**9
        with mariadb.connect(schema="orders") as connection, connection.cursor() as cursor:
            listings = [WIDE_LISTING, *(FIRST_LISTING + n for n in range(connections // 2))]
            cursor.executemany(BOOKABLES, [(listing, terms) for listing in listings])
        with mariadb.connect(schema="users") as connection, connection.cursor() as cursor:
            clients = range(connections)
            cursor.executemany(
                SESSIONS, [(FIRST_SESSION + n, FIRST_USER + n, forever_ms) for n in clients]
            )

    def stop(self) -> None:
        if self._made is not None:
            self._made.stop()

    @property
    def urls(self) -> tuple[str, ...]:
        return tuple(hub.url for hub in self._stack.hubs)

    @property
    def server_pids(self) -> list[int]:
        return [hub.pid for hub in self._stack.hubs]

    @property
    def redis(self) -> Redis:
        return self._stack.servers.redis

    def room(self, number: int) -> str:
        return f"calendar:{FIRST_LISTING + number}"

    def token(self, client: int) -> str:
        tokens = Tokens(Config(self._stack.environment).token_keys)
        actor = Actor(
            user_id=Id(FIRST_USER + client), role="user", session_id=Id(FIRST_SESSION + client)
        )
        return tokens.access(actor, int(time.time() * 1000))

    def emitter(self, plan: Path) -> tuple[Sequence[str | Path], Mapping[str, str]]:
        command = (sys.executable, "-m", "loadtest.peers.our_emitter", plan)
        return command, {**os.environ, "PYTHONPATH": str(ROOT)}

    def collect_garbage(self) -> None: ...
