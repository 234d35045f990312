"""Nonsense against a running hub, over real sockets, from many connections at once; and what the hub says to it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket as sockets
import struct
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from devkit import ROOT
from devkit.client import Socket
from loadtest.fuzz import wire
from loadtest.fuzz.sessions import Author, Session

PAGE = (ROOT / "docs" / "protocol.md").read_text()
CLOSES = {int(code) for code in re.findall(r"^\| (4\d\d\d) \|", PAGE, re.M)} | {1002, 1007, 1009}
ERRORS = set(
    re.findall(
        r"^\| `(\w+)` \|",
        PAGE.partition("<!-- generated: errors -->")[2].partition("<!-- end -->")[0],
        re.M,
    )
)
LIMITS = (4002, 4504)
"""With which even somebody who says nothing wrong may be closed: too much is waiting, or the user has too many connections."""
OPS = {
    "connected", "subscribed", "unsubscribed", "reply", "refreshed", "push", "error", "bye", "ping", "pong",
}  # fmt: skip

PATIENCE_S = 30.0
"""How long a connection may take to answer or to close. On a busy machine far more than it takes."""


QUIET_S = 1.0
"""How long to wait for an answer that may never come, because the server still waits for the rest of a frame."""

BARRIER = b"all heard?"


@dataclass(slots=True)
class Tally:
    """What was said and what came back. `faults`: what nobody has documented."""

    frames: int = 0
    connections: int = 0
    ops: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    closes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def fault(self, number: int, what: str) -> None:
        self.faults.append(f"session {number}: {what}")


class Ear:
    """Listens to one connection until it ends."""

    def __init__(self, session: Session, reader: asyncio.StreamReader, tally: Tally) -> None:
        self._session = session
        self._reader = reader
        self._tally = tally
        self.pongs = 0
        self.close: int | None = None
        self.all_pongs = asyncio.Event()
        self.barrier = asyncio.Event()

    async def listen(self) -> None:
        try:
            while self.close is None:
                self._take(await wire.hear(self._reader))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except wire.NotWebSocket as error:
            self._tally.fault(self._session.number, str(error))
        self._tally.closes[str(self.close or "none")] += 1

    def _take(self, said: wire.Said) -> None:
        session, tally = self._session, self._tally
        if said.opcode in (wire.PING, wire.PONG):
            if said.payload == BARRIER:
                self.barrier.set()
            return
        if said.opcode == wire.CLOSE:
            self.close = int.from_bytes(said.payload[:2]) if len(said.payload) > 1 else 1005
            # Whoever says Close hears its own code again (RFC 6455 5.5.1).
            if self.close not in CLOSES and not session.said_close:
                tally.fault(session.number, f"closed with {self.close} {said.payload[2:]!r}")
            return
        if (said.opcode == wire.TEXT) != session.json:
            tally.fault(session.number, f"an answer in the other encoding: {said.payload[:80]!r}")
            return
        decode = msgspec.json.decode if session.json else msgspec.msgpack.decode
        try:
            frames: list[dict[str, Any]] = decode(said.payload)
            for frame in frames:
                self._hear(frame)
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
            tally.fault(session.number, f"no frames of ours, {error!r}: {said.payload[:200]!r}")

    def _hear(self, frame: dict[str, Any]) -> None:
        op, tally = frame["op"], self._tally
        tally.ops[op] += 1
        if op not in OPS:
            tally.fault(self._session.number, f"an unknown op {op!r}")
        self.pongs += op == "pong"
        if self.pongs >= self._session.pings:
            self.all_pongs.set()
        error = frame.get("error")
        codes = [refused["code"] for refused in frame.get("refused", ())]
        codes += [error["code"]] if error is not None else []
        for code in codes:
            tally.codes[code] += 1
            if code not in ERRORS or code == "internal":
                tally.fault(self._session.number, f"refused with {code!r}: {frame!r:.300}")


class Siege:
    """`author` writes the sessions; `attack` plays them until so many frames have been said."""

    def __init__(self, author: Author, port: int, connections: int = 48) -> None:
        self.author = author
        self._port = port
        self._connections = connections
        self._next = 0
        self.tally = Tally()

    async def attack(self, frames: int, go_on: Callable[[], bool] = lambda: True) -> None:
        async def one() -> None:
            while self.tally.frames < frames and go_on():
                number, self._next = self._next, self._next + 1
                await self.play(self.author.write(number))

        await asyncio.gather(*(one() for _ in range(self._connections)))

    async def play(self, session: Session) -> None:
        """One session from the first byte to the last."""
        tally = self.tally
        tally.connections += 1
        try:
            async with asyncio.timeout(PATIENCE_S):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except (OSError, TimeoutError) as error:
            tally.fault(session.number, f"the hub takes no connection: {error!r}")
            await asyncio.sleep(0.2)
            return
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._converse(session, reader, writer)
        except TimeoutError:
            tally.fault(
                session.number, f"neither answered nor closed; {session.end}, honest: {session.honest}"
            )  # fmt: skip
        except OSError:  # reset, or closed before it could be half-closed
            tally.closes["reset"] += 1
        finally:
            tally.frames += session.frames
            writer.transport.abort()

    async def _converse(
        self, session: Session, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(session.handshake)
        if not session.upgrades:
            writer.write_eof()
            answer = await reader.read(-1)
            if b" 500 " in answer[:20] or (answer and not answer.startswith(b"HTTP/1.")):
                self.tally.fault(session.number, f"to a bad handshake: {answer[:100]!r}")
            return
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            self.tally.fault(session.number, f"no upgrade: {head[:100]!r}")
            return
        ear = Ear(session, reader, self.tally)
        if session.end == "deaf":
            await self._say(session, writer)
            _reset(writer)
            return
        listening = asyncio.create_task(ear.listen())
        try:
            await self._say(session, writer)
            await self._end(session, ear, listening, writer)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _say(self, session: Session, writer: asyncio.StreamWriter) -> None:
        for piece in session.pieces:
            writer.write(piece)
            await writer.drain()

    async def _end(
        self,
        session: Session,
        ear: Ear,
        listening: asyncio.Task[None],
        writer: asyncio.StreamWriter,
    ) -> None:
        if session.patient:  # otherwise an end of the connection overtakes what was said on it
            writer.write(b"\x89" + bytes([0x80 | len(BARRIER)]) + b"\0\0\0\0" + BARRIER)
            await _either(ear.barrier, listening, QUIET_S)
        match session.end:
            case "abort":
                _reset(writer)
            case "close":
                session.said_close = True
                code = struct.pack(">H", 1000)
                writer.write(b"\x88\x82\0\0\0\0" + code)  # masked with zeros
                writer.write_eof()
                await listening
            case "half-close":
                writer.write_eof()
                await listening
            case _ if session.honest:
                await _either(ear.all_pongs, listening, None)
                if not ear.all_pongs.is_set() and ear.close not in LIMITS:
                    self.tally.fault(session.number, f"all was right, closed with {ear.close}")
            case _:
                # Whether the server still listens is its business; what is cut off it cannot answer.
                writer.write_eof()
                await listening


async def _either(event: asyncio.Event, task: asyncio.Task[None], timeout_s: float | None) -> None:
    happened = asyncio.create_task(event.wait())
    await asyncio.wait(
        {happened, task}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
    )  # fmt: skip
    happened.cancel()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End with RST and not with FIN."""
    socket: sockets.socket = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Honest:
    """Somebody who says nothing wrong all the while: is told what is published, and has every command answered.

    `publish()` gives the number of a new notice in the inbox that `watcher` watches.
    """

    def __init__(self, watcher: Socket, topic: str, publish: Callable[[], Awaitable[int]]) -> None:
        self._watcher = watcher
        self._topic = topic
        self._publish = publish
        self.rounds = 0
        self.worst_s = 0.0

    async def _round(self) -> None:
        seq = await self._publish()
        await self._watcher.until(self._topic, lambda t: (t.version or 0) >= seq)
        await self._watcher.command("notices.mark_read", {"up_to": seq})

    async def live(self, faults: list[str]) -> None:
        """Until cancelled."""
        while True:
            began = time.monotonic()
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await self._round()
            except Exception as error:
                faults.append(f"the honest client was not served: {error!r}")
            self.rounds += 1
            self.worst_s = max(self.worst_s, time.monotonic() - began)
            if self._watcher.closes:
                faults.append(f"the honest client was closed with {self._watcher.closes}")
                self._watcher.closes.clear()
            await asyncio.sleep(0.1)
