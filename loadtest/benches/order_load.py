"""Orders asked for over the hub's sockets: the schedule, and the processes that keep to it.

The load is an open loop: every command has its time, whatever has become of those before it, and its latency counts from then.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
from msgspec import Struct

from loadtest.swarm import frames
from loadtest.swarm.remote import Remote
from market.kernel.period import DAY_MS, HOUR_MS

PATIENCE_S = 15.0
"""For the last answers."""
SHORT_MS = HOUR_MS // 4
HORIZON_MS = 89 * DAY_MS

Wish = tuple[int, int, int]
"""Listing, start and end (UTC ms)."""


class Demand:
    """What people want: the k-th most popular of the listings `k ** -skew` times as often as the first, each time a period
    that nobody has asked for. A period is a quarter of an hour somewhere within 89 days, in an order that looks like chance."""

    STRIDE = 5347
    """Prime to the number of quarters in the horizon: all of them come before one comes again."""

    def __init__(self, listings: Sequence[int], skew: float, now_ms: int) -> None:
        self._listings = listings
        self._weights = list(itertools.accumulate((k + 1) ** -skew for k in range(len(listings))))
        self._begin_ms = (now_ms // HOUR_MS + 2) * HOUR_MS
        self._slots = HORIZON_MS // SHORT_MS
        self._asked: Counter[int] = Counter()

    def wishes(self, count: int) -> list[Wish]:
        """Raise ValueError when a listing has nothing left."""
        chosen = random.choices(self._listings, cum_weights=self._weights, k=count)
        return [(listing, *self._next(listing)) for listing in chosen]

    def _next(self, listing: int) -> tuple[int, int]:
        asked = self._asked[listing]
        if asked == self._slots:
            raise ValueError("a listing is sold out")
        self._asked[listing] += 1
        slot = (listing + asked * self.STRIDE) % self._slots
        start_ms = self._begin_ms + slot * SHORT_MS
        return start_ms, start_ms + SHORT_MS

    @property
    def most(self) -> int:
        """How often the most popular listing was asked for."""
        return max(self._asked.values(), default=0)


@dataclass(slots=True)
class Outcome:
    """By command, in the order of the schedule. Microseconds; `took_us` counts from the scheduled time and is -1 for what
    had no answer."""

    took_us: array[int] = field(default_factory=lambda: array("q"))
    late_us: array[int] = field(default_factory=lambda: array("q"))
    accepted: list[int] = field(default_factory=list)
    """The orders that were acknowledged."""
    refused: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    wall_s: float = 0.0
    """From the first command's time to the last answer."""

    def add(self, other: Outcome) -> None:
        self.took_us += other.took_us
        self.late_us += other.late_us
        self.accepted += other.accepted
        self.refused += other.refused
        self.unanswered += other.unanswered
        self.wall_s = max(self.wall_s, other.wall_s)

    @property
    def per_s(self) -> float:
        return len(self.accepted) / self.wall_s if self.wall_s else 0.0


class Buyers:
    """The driver's side: several processes, each with sockets of its own."""

    def __init__(self, generators: int) -> None:
        self._remotes = [Remote(Asker) for _ in range(generators)]

    @property
    def pids(self) -> list[int]:
        return [remote.pid for remote in self._remotes]

    async def connect(self, url: str, tokens: Sequence[str]) -> None:
        """One socket for each token; those there were before are closed."""
        count = len(self._remotes)
        await asyncio.gather(
            *(r.call("connect", url, list(tokens[n::count])) for n, r in enumerate(self._remotes))
        )

    async def run(self, wishes: Sequence[Wish], per_s: float) -> Outcome:
        """All of them, evenly at that rate."""
        count = len(self._remotes)
        begin_us = time.monotonic_ns() // 1000 + 500_000
        outcomes = await asyncio.gather(
            *(
                remote.call(
                    "run",
                    [(at / per_s, wishes[at]) for at in range(n, len(wishes), count)],
                    begin_us,
                )
                for n, remote in enumerate(self._remotes)
            )
        )
        whole = Outcome()
        for outcome in outcomes:
            whole.add(outcome)
        return whole

    async def repeat(self, wishes: Sequence[Wish], clients: int, seconds: float) -> Outcome:
        """A closed loop: so many clients, each asking again when it has been answered."""
        count = len(self._remotes)
        shares = [clients // count + (n < clients % count) for n in range(count)]
        outcomes = await asyncio.gather(
            *(
                remote.call("repeat", list(wishes[n::count]), share, seconds)
                for n, (remote, share) in enumerate(zip(self._remotes, shares, strict=True))
                if share
            )
        )
        whole = Outcome()
        for outcome in outcomes:
            whole.add(outcome)
        return whole

    async def stop(self) -> None:
        await asyncio.gather(*(remote.stop() for remote in self._remotes))


class _Ordered(Struct):
    order_id: str


class _Error(Struct):
    code: str


class _Frame(Struct):
    """As much of a server's frame as matters here."""

    op: str
    id: int = 0
    ok: bool = False
    body: _Ordered | None = None
    error: _Error | None = None


_decode = msgspec.msgpack.Decoder(list[_Frame]).decode
_encode = msgspec.msgpack.Encoder().encode
PONG = frames.masked(frames.BINARY, _encode([{"op": "pong"}]))


class Asker:
    """The process's side."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._sockets: list[Socket] = []
        self._at_us: array[int] = array("q")
        self._outcome = Outcome()
        self._open = 0
        self._over = asyncio.Event()
        self._run = 0
        self._next: Iterator[bytes] | None = None
        self._until_us = 0

    async def connect(self, url: str, tokens: list[str]) -> None:
        for socket in self._sockets:
            socket.close()
        host, _, port = url.partition("://")[2].partition(":")
        self._sockets = []
        for token in tokens:
            socket = Socket(self, f"{host}:{port}", token)
            await self._loop.create_connection(lambda socket=socket: socket, host, int(port))  # type: ignore[misc]
            await socket.live
            self._sockets.append(socket)

    async def run(self, schedule: list[tuple[float, Wish]], begin_us: int) -> Outcome:
        commands = [self._command(number, wish) for number, (_, wish) in enumerate(schedule)]
        self._begin(len(schedule))
        self._at_us = array("q", (begin_us + int(at_s * 1e6) for at_s, _ in schedule))
        sockets = itertools.cycle(self._sockets)
        for number, at_us in enumerate(self._at_us):
            pause_us = at_us - _now_us()
            if pause_us > 0:
                await asyncio.sleep(pause_us / 1e6)
            self._outcome.late_us.append(_now_us() - at_us)
            next(sockets).send(commands[number])
        return await self._end(begin_us)

    async def repeat(self, wishes: list[Wish], clients: int, seconds: float) -> Outcome:
        commands = [self._command(number, wish) for number, wish in enumerate(wishes)]
        self._begin(len(wishes))
        self._open = clients
        self._at_us = array("q", bytes(8 * len(wishes)))
        begin_us = _now_us()
        self._until_us = begin_us + int(seconds * 1e6)
        self._next = iter(commands)
        self._numbers = itertools.count()
        for _, socket in zip(range(clients), itertools.cycle(self._sockets), strict=False):
            self._ask_next(socket)
        outcome = await self._end(begin_us)
        self._next = None
        return outcome

    def _begin(self, count: int) -> None:
        self._run += 1
        self._outcome = Outcome(took_us=array("q", [-1]) * count)
        self._open = count
        self._over.clear()

    async def _end(self, begin_us: int) -> Outcome:
        if self._open:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self._over.wait()
            except TimeoutError:
                self._outcome.unanswered = self._open
        self._outcome.wall_s = (_now_us() - begin_us) / 1e6
        self._outcome.took_us = array("q", (took for took in self._outcome.took_us if took >= 0))
        return self._outcome

    def _command(self, number: int, wish: Wish) -> bytes:
        listing, start_ms, end_ms = wish
        frame = {
            "op": "command", "id": number, "name": "orders.create", "key": f"{self._run}-{listing}-{start_ms}",
            "body": {
                "listing_id": str(listing), "start_ms": start_ms, "end_ms": end_ms, "terms_version": 1,
            },
        }  # fmt: skip
        return frames.masked(frames.BINARY, _encode([frame]))

    def _ask_next(self, socket: Socket) -> None:
        """In the closed loop: the next command, or one client fewer."""
        assert self._next is not None
        now_us = _now_us()
        command = next(self._next, None) if now_us < self._until_us else None
        if command is None:
            self._open -= 1
            if not self._open:
                self._over.set()
            return
        self._at_us[next(self._numbers)] = now_us
        socket.send(command)

    def answered(self, socket: Socket, frame: _Frame) -> None:
        outcome = self._outcome
        if frame.id >= len(outcome.took_us):
            return  # of a run that is over
        outcome.took_us[frame.id] = _now_us() - self._at_us[frame.id]
        if frame.ok and frame.body is not None:
            outcome.accepted.append(int(frame.body.order_id))
        else:
            outcome.refused[frame.error.code if frame.error else "?"] += 1
        if self._next is not None:
            self._ask_next(socket)
            return
        self._open -= 1
        if not self._open:
            self._over.set()


class Socket(asyncio.Protocol):
    """A bare WebSocket client that asks and is answered."""

    def __init__(self, asker: Asker, authority: str, token: str) -> None:
        self._asker = asker
        self._authority = authority
        self._token = token
        self._rest = b""
        self._upgraded = False
        self._transport: asyncio.Transport | None = None
        self.live: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(frames.upgrade("/ws", self._authority, "sharehub.v1.msgpack"))

    def send(self, frame: bytes) -> None:
        assert self._transport is not None
        self._transport.write(frame)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        at = 0
        if not self._upgraded:
            at = data.find(b"\r\n\r\n") + 4
            if at < 4:
                self._rest = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                self.live.set_exception(ConnectionError(data[:200].decode(errors="replace")))
                return
            self._upgraded = True
            hello = [{"op": "connect", "token": self._token, "topics": []}]
            self.send(frames.masked(frames.BINARY, _encode(hello)))
        size = len(data)
        while at < size:
            begin, end = frames.bounds(data, at)
            if end == 0 or end > size:
                break
            if data[at] & 0xF == frames.BINARY:
                self._message(data[begin:end])
            elif data[at] & 0xF == frames.PING:
                self.send(frames.masked(frames.PONG, data[begin:end]))
            at = end
        self._rest = data[at:]

    def _message(self, payload: bytes) -> None:
        for frame in _decode(payload):
            if frame.op == "reply":
                self._asker.answered(self, frame)
            elif frame.op == "ping":
                self.send(PONG)
            elif frame.op == "connected":
                self.live.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.live.done():
            self.live.set_exception(ConnectionError("closed at once"))


def _now_us() -> int:
    return time.monotonic_ns() // 1000


def milliseconds(values: Sequence[int]) -> list[float]:
    return [value / 1000 for value in values]


Figures = dict[str, Any]
