"""The clients of one generator process. The driver calls the public methods of Crowd over a pipe."""

from __future__ import annotations

import asyncio
import random
import socket
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from loadtest.swarm.client import Client, Watched
from loadtest.swarm.dialect import Dialect
from loadtest.swarm.ledger import Ledger

TICK_S = 0.01
PATIENCE_S = 30.0
"""How long a handshake may take."""
AT_ONCE = 256
"""Handshakes in flight, per generator."""
BIND_ADDRESS_NO_PORT = 24
"""linux/in.h: the port is chosen at connect, so that it only has to be free for this destination."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One client. `urls`: http://host:port of its servers; it begins with `first_url` and takes the next after a failure."""

    id: int
    urls: tuple[str, ...]
    topics: tuple[str, ...]
    token: str = ""
    first_url: int = 0
    source: str = "127.0.0.1"


@dataclass(slots=True, kw_only=True)
class Status:
    live: int = 0
    clients: int = 0
    ended: int = 0
    """Told by the server not to come back, or without a valid token."""
    pushes: int = 0
    """Since the start."""
    counts: Counter[str] = field(default_factory=Counter)
    """Since the start: ends of connections, refusals, pings, errors, by name."""


@dataclass(slots=True, kw_only=True)
class Window:
    """What came between `begin` and `end` in one generator. Times are UTC microseconds."""

    counts: Counter[str]
    topics: list[str]
    topic: array[int]
    version: array[int]
    committed_us: array[int]
    received_us: array[int]


class Crowd:
    def __init__(self, make_dialect: Callable[[], Dialect]) -> None:
        self.loop = asyncio.get_running_loop()
        self.dialect = make_dialect()
        self.ledger = Ledger()
        self.counts: Counter[str] = Counter()
        self.clients: dict[int, Client] = {}
        self.now_us = 0
        self._live = 0
        self._ended: set[Client] = set()
        self._dialing: dict[Client, float] = {}
        self._queue: asyncio.Queue[Client] = asyncio.Queue()
        self._before: Counter[str] = Counter()
        self._tasks = [self.loop.create_task(self._dialer()) for _ in range(AT_ONCE)]
        self._tasks.append(self.loop.create_task(self._lose_patience()))

    # --- for clients ---

    def look_at_the_clock(self) -> None:
        self.now_us = time.time_ns() // 1000

    def authority(self, client: Client) -> str:
        return client.url().partition("://")[2].partition("/")[0]

    def came_live(self, client: Client) -> None:
        self._live += 1
        self._dialing.pop(client, None)

    def went(self, client: Client, was_live: bool) -> None:
        self._dialing.pop(client, None)
        self._live -= was_live
        if not client.wanted:
            return
        self.counts[f"closed {client.close_code}"] += 1
        after = self.dialect.after_close(client.close_code)
        if after == "back":
            client.turn += not was_live or client.retry_after_ms > 0
            self.loop.call_later(client.pause_s(), self._queue.put_nowait, client)
        else:
            client.wanted = False
            self._ended.add(client)

    # --- for the driver: every public method from here on ---

    def add(self, plans: list[Plan], per_s: float) -> None:
        """Make clients and connect them, evenly, `per_s` of them a second."""
        fresh = []
        for plan in plans:
            client = self.clients[plan.id] = Client(self, plan)
            fresh.append(client)
        self._spread(self._queue.put_nowait, fresh, len(fresh) / per_s)

    def status(self) -> Status:
        return Status(
            live=self._live,
            clients=len(self.clients),
            ended=len(self._ended),
            pushes=self.ledger.pushes,
            counts=+self.counts,
        )

    def begin(self) -> None:
        self.ledger.forget()
        self._before = self._all_counts()
        self.ledger.recording = True

    def end(self) -> Window:
        self.ledger.recording = False
        counts = self._all_counts()
        counts.subtract(self._before)
        topics, *columns = self.ledger.rows()
        window = Window(
            counts=+counts, topics=topics, topic=columns[0], version=columns[1],
            committed_us=columns[2], received_us=columns[3],
        )  # fmt: skip
        self.ledger.forget()
        return window

    def drop(self, ids: list[int] | None) -> None:
        """Break connections without a goodbye; they stay away until `come_back`."""
        for client in self._these(ids):
            client.wanted = False
            client.abort()

    def come_back(self, ids: list[int] | None, within_s: float) -> None:
        """Connect who was dropped, evenly over `within_s` and in random order."""
        away = [c for c in self._these(ids) if not c.wanted and c not in self._ended]
        random.shuffle(away)
        for client in away:
            client.wanted, client.tries, client.live_us = True, 0, 0
        self._spread(self._queue.put_nowait, away, within_s)

    def remove(self, ids: list[int] | None) -> None:
        """Break connections, and forget who had them."""
        for client in self._these(ids):
            client.wanted = False
            client.abort()
            del self.clients[client.plan.id]

    def watch(self, topics: list[str], ids: list[int] | None, within_s: float) -> None:
        """Subscribe to more topics, all of `topics` in one frame."""

        def one(client: Client) -> None:
            for topic in topics:
                client.watched.setdefault(topic, Watched(self.ledger.index_of(topic)))
            if client.is_live:
                wants = [(topic, client.watched[topic].version) for topic in topics]
                self.dialect.watch(client, wants)

        self._spread(one, self._these(ids), within_s)

    def unwatch(self, topics: list[str], ids: list[int] | None, within_s: float) -> None:
        def one(client: Client) -> None:
            for topic in topics:
                client.watched.pop(topic, None)
            if client.is_live:
                self.dialect.unwatch(client, topics)

        self._spread(one, self._these(ids), within_s)

    def renew(self, tokens: dict[int, str]) -> None:
        """New tokens, by client; who waited for one comes back."""
        for id_, token in tokens.items():
            client = self.clients.get(id_)
            if client is None:
                continue
            client.token = token
            if client in self._ended:
                self._ended.discard(client)
                client.wanted = True
                self._queue.put_nowait(client)

    def versions(self) -> dict[int, dict[str, int | None]]:
        """By client and topic: what the client has."""
        return {
            id_: {topic: watched.version for topic, watched in client.watched.items()}
            for id_, client in self.clients.items()
        }

    def lives(self) -> dict[int, tuple[int, int]]:
        """By client: UTC us of its last dialing, and of being up to date after it (0: not yet)."""
        return {
            id_: (client.dialed_us, client.live_us if client.is_live else 0)
            for id_, client in self.clients.items()
        }

    # --- inside ---

    def _these(self, ids: list[int] | None) -> list[Client]:
        if ids is None:
            return list(self.clients.values())
        return [self.clients[id_] for id_ in ids if id_ in self.clients]

    def _all_counts(self) -> Counter[str]:
        return self.counts + Counter(self.ledger.counts())

    def _spread(
        self, do: Callable[[Client], None], clients: Iterable[Client], over_s: float
    ) -> None:
        """Do something with each of them, evenly over so many seconds."""
        everybody = list(clients)
        began = self.loop.time()

        def some(done: int) -> None:
            elapsed = self.loop.time() - began + TICK_S
            share = 1.0 if over_s <= 0 else min(1.0, elapsed / over_s)
            upto = max(done, int(len(everybody) * share))
            for client in everybody[done:upto]:
                do(client)
            if upto < len(everybody):
                self.loop.call_later(TICK_S, some, upto)

        some(0)

    async def _dialer(self) -> None:
        while True:
            client = await self._queue.get()
            if client.wanted and client.transport is None and client not in self._dialing:
                await self._dial(client)

    async def _dial(self, client: Client) -> None:
        host, _, port = self.authority(client).partition(":")
        sock = socket.socket()
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_IP, BIND_ADDRESS_NO_PORT, 1)
            sock.bind((client.plan.source, 0))
            client.dialed_us = time.time_ns() // 1000
            self._dialing[client] = self.loop.time()
            async with asyncio.timeout(PATIENCE_S):
                await self.loop.sock_connect(sock, (host, int(port)))
            await self.loop.create_connection(lambda: client, sock=sock)
        except OSError as error:  # TimeoutError too
            sock.close()
            self._dialing.pop(client, None)
            self.counts[f"connect {type(error).__name__}"] += 1
            client.turn += 1
            self.loop.call_later(client.pause_s(), self._queue.put_nowait, client)

    async def _lose_patience(self) -> None:
        while True:
            await asyncio.sleep(1)
            limit = self.loop.time() - PATIENCE_S
            for client in [c for c, since in self._dialing.items() if since < limit]:
                self.counts["no answer"] += 1
                client.abort()
