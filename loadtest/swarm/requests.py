"""An open loop of HTTP requests at scheduled times, from a process of its own, over connections that stay open.

The schedule does not wait for answers. A request that finds no free connection waits for one, and how late it was sent is
reported beside how long its answer took: latency under load is meaningless without it.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from loadtest.swarm.remote import Remote

PATIENCE_S = 20.0


def request(
    method: str, path: str, *, token: str, key: str, body: bytes, host: str = "127.0.0.1"
) -> bytes:
    """One HTTP/1.1 request with a JSON body, ready to be written."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        f"Idempotency-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(slots=True)
class Answers:
    """By request, in the order of the schedule. `status` 0: no answer. Times in microseconds."""

    status: array[int]
    late_us: array[int]
    """From its scheduled time to its sending."""
    took_us: array[int]
    """From its scheduled time to its answer."""
    bodies: list[bytes] = field(default_factory=list)


class Requests:
    """The driver's side."""

    def __init__(self, urls: Sequence[str], *, connections: int = 32) -> None:
        self._remote = Remote(partial(Sender, tuple(urls), connections))

    @property
    def pid(self) -> int:
        return self._remote.pid

    async def run(self, schedule: Sequence[tuple[float, bytes]]) -> Answers:
        """Send each (seconds from now, request), and wait for the last answer."""
        return cast(Answers, await self._remote.call("run", list(schedule)))

    async def stop(self) -> None:
        await self._remote.stop()


class Sender:
    """The process's side."""

    def __init__(self, urls: tuple[str, ...], connections: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._idle: deque[Line] = deque()
        self._waiting: deque[int] = deque()
        self._places = [
            (host, int(port))
            for n in range(connections)
            for host, _, port in [urls[n % len(urls)].partition("://")[2].partition(":")]
        ]
        self._busy: set[Line] = set()
        self._lines = 0
        self._schedule: list[tuple[float, bytes]] = []
        self._began_us = 0
        self._open = 0
        self._over = asyncio.Event()
        self._answers = Answers(array("i"), array("q"), array("q"))

    async def run(self, schedule: list[tuple[float, bytes]]) -> Answers:
        if not self._lines:
            for place in self._places:
                await self._connect(place)
        self._schedule, count = schedule, len(schedule)
        blank = array("q", bytes(8 * count))
        self._answers = Answers(array("i", bytes(4 * count)), blank, blank[:], [b""] * count)
        self._open, self._began_us = count, _now_us()
        self._over.clear()
        began = self._loop.time()
        for number, (at_s, _) in enumerate(schedule):
            pause = began + at_s - self._loop.time()
            if pause > 0:
                await asyncio.sleep(pause)
            self._waiting.append(number)
            self._feed()
        if count:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self._over.wait()
            except TimeoutError:
                for line in list(self._busy):
                    line.abort()
        return self._answers

    async def _connect(self, place: tuple[str, int]) -> None:
        await self._loop.create_connection(lambda: Line(self, place), *place)
        self._lines += 1

    def _feed(self) -> None:
        while self._waiting and self._idle:
            line, number = self._idle.popleft(), self._waiting.popleft()
            at_s, content = self._schedule[number]
            self._answers.late_us[number] = _now_us() - self._began_us - int(at_s * 1e6)
            self._busy.add(line)
            line.send(number, content)

    def free(self, line: Line) -> None:
        self._busy.discard(line)
        self._idle.append(line)
        self._feed()

    def done(self, number: int, status: int, body: bytes) -> None:
        answers = self._answers
        answers.status[number] = status
        answers.took_us[number] = _now_us() - self._began_us - int(self._schedule[number][0] * 1e6)
        answers.bodies[number] = body
        self._open -= 1
        if not self._open:
            self._over.set()

    async def again(self, line: Line) -> None:
        """A line is gone: another one in its place, as soon as there is one."""
        self._busy.discard(line)
        if line in self._idle:
            self._idle.remove(line)
        while True:
            try:
                await self._connect(line.place)
                return
            except OSError:
                await asyncio.sleep(0.1)


class Line(asyncio.Protocol):
    """One connection: one request at a time."""

    def __init__(self, sender: Sender, place: tuple[str, int]) -> None:
        self.place = place
        self._sender = sender
        self._transport: asyncio.Transport | None = None
        self._number: int | None = None
        self._buffer = b""
        self._again: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._sender.free(self)

    def send(self, number: int, content: bytes) -> None:
        assert self._transport is not None
        self._number = number
        self._transport.write(content)

    def abort(self) -> None:
        """Whatever is being answered has no answer."""
        assert self._transport is not None
        number, self._number = self._number, None
        if number is not None:
            self._sender.done(number, 0, b"")
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if len(self._buffer) < end + 4 + length:
            return
        body = self._buffer[end + 4 : end + 4 + length]
        self._buffer = b""
        number, self._number = self._number, None
        if number is not None:
            self._sender.done(number, int(head[9:12]), body)
        self._sender.free(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._number is not None:
            self._sender.done(self._number, 0, b"")
            self._number = None
        self._again = asyncio.get_running_loop().create_task(self._sender.again(self))


def _now_us() -> int:
    return time.monotonic_ns() // 1000
