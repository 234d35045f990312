"""One client: a bare asyncio.Protocol that upgrades by hand, reads frames, and knows its topics' versions."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, cast

from loadtest.swarm import frames

if TYPE_CHECKING:
    from loadtest.swarm.crowd import Crowd, Plan

GAP_PATIENCE_S = 0.1
"""How long an early log line waits for those before it, before the client asks."""
MAX_BACKOFF_S = 30.0


class Watched:
    """One topic of one client. `version` is the newest one; of a log, the last one without a gap before it."""

    __slots__ = ("asking", "early", "index", "version")

    def __init__(self, index: int) -> None:
        self.index = index
        self.version: int | None = None
        self.early: set[int] | None = None
        self.asking = False


class Client(asyncio.Protocol):
    __slots__ = (
        "close_code", "crowd", "dialed_us", "is_live", "live_us", "partial", "plan", "rest",
        "retry_after_ms", "token", "transport", "tries", "turn", "upgraded", "wanted", "watched",
    )  # fmt: skip

    def __init__(self, crowd: Crowd, plan: Plan) -> None:
        self.crowd = crowd
        self.plan = plan
        self.token = plan.token
        self.watched = {topic: Watched(crowd.ledger.index_of(topic)) for topic in plan.topics}
        self.transport: asyncio.Transport | None = None
        self.wanted = True
        """Whether it should be connected: False while dropped on purpose, and after the end."""
        self.is_live = False
        self.upgraded = False
        self.close_code = 1006
        self.tries = 0
        self.turn = plan.first_url
        self.retry_after_ms = 0
        self.dialed_us = self.live_us = 0
        self.rest = b""
        self.partial: list[bytes] | None = None

    # --- what a dialect asks for (Speaker) ---

    def send(self, payload: bytes, *, text: bool = False) -> None:
        if self.transport is not None:
            self.transport.write(frames.masked(frames.TEXT if text else frames.BINARY, payload))

    def wants(self) -> list[tuple[str, int | None]]:
        return [(topic, watched.version) for topic, watched in self.watched.items()]

    def live(self) -> None:
        self.is_live = True
        self.tries = 0
        self.live_us = self.crowd.now_us
        self.crowd.came_live(self)

    def push(self, topic: str, kind: str, version: int, committed_us: int) -> None:
        ledger = self.crowd.ledger
        ledger.pushes += 1
        watched = self.watched.get(topic)
        if watched is None:
            ledger.strangers += 1
            return
        have = watched.version
        if kind == "log":
            if not self._append(topic, watched, version):
                return
        elif kind == "state":
            if have is None or version > have:
                watched.version = version
            elif version == have:
                ledger.duplicates += 1
                return
            else:
                ledger.backwards += 1
                return
        ledger.received(watched.index, version, committed_us, self.crowd.now_us)

    def _append(self, topic: str, watched: Watched, version: int) -> bool:
        """Whether the line is new."""
        have = watched.version or 0
        early = watched.early
        if version <= have or (early and version in early):
            self.crowd.ledger.duplicates += 1
            return False
        if version > have + 1:
            self.crowd.ledger.gaps += 1
            if early is None:
                early = watched.early = set()
            early.add(version)
            if not watched.asking:
                self.ask_again(topic, GAP_PATIENCE_S)
            return True
        watched.version = version
        while early and watched.version + 1 in early:
            watched.version += 1
            early.discard(watched.version)
        if not early:
            watched.early = None
        return True

    def snapshot(
        self, topic: str, kind: str, version: int, entries: list[int] | None, more: bool
    ) -> None:
        watched = self.watched.get(topic)
        if watched is None:
            return
        if kind != "log":
            if watched.version is None or version > watched.version or kind != "state":
                if watched.version is not None and version > watched.version:
                    self.crowd.ledger.resumed += 1
                watched.version = version
            return
        watched.asking = False
        if watched.version is None:
            watched.version = entries[0] - 1 if entries else version
        before = watched.version
        for number in entries or ():
            if number > watched.version:
                self._append(topic, watched, number)
        self.crowd.ledger.resumed += watched.version - before

    def ask_again(self, topic: str, after_s: float) -> None:
        watched = self.watched[topic]
        watched.asking = True
        self.crowd.loop.call_later(after_s, self._ask, topic, self.transport)

    def _ask(self, topic: str, transport: asyncio.Transport | None) -> None:
        watched = self.watched.get(topic)
        if watched is None or self.transport is not transport or not self.upgraded:
            return
        watched.asking = False
        if watched.early is not None or watched.version is None or not self.is_live:
            self.crowd.counts["asked again"] += 1
            self.crowd.dialect.watch(self, [(topic, watched.version)])

    def come_back_after(self, ms: int) -> None:
        self.retry_after_ms = ms

    def count(self, what: str) -> None:
        self.crowd.counts[what] += 1

    # --- asyncio.Protocol ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.upgraded, self.rest, self.partial, self.close_code = False, b"", None, 1006
        if not self.wanted:
            self.transport.abort()
            return
        dialect = self.crowd.dialect
        hello = frames.upgrade(dialect.path, self.crowd.authority(self), dialect.subprotocol)
        self.transport.write(hello)

    def data_received(self, data: bytes) -> None:
        crowd = self.crowd
        crowd.look_at_the_clock()
        crowd.ledger.bytes_in += len(data)
        if self.rest:
            data = self.rest + data
        at = 0
        if not self.upgraded:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self.rest = data
                return
            if not self._accepted(data[:end]):
                return
            at = end + 4
        size = len(data)
        while at < size:
            begin, end = frames.bounds(data, at)
            if end == 0 or end > size:
                break
            head = data[at]
            payload = data[begin:end]
            if head == 0x82 or head == 0x81:
                crowd.dialect.message(self, head & 0xF, payload)
            else:
                self._rare(head, payload)
            at = end
        self.rest = data[at:] if at < size else b""

    def _accepted(self, head: bytes) -> bool:
        if head.startswith(b"HTTP/1.1 101") and frames.ACCEPT in head:
            self.upgraded = True
            self.crowd.dialect.opened(self)
            return True
        status = head.split(b" ", 2)[1].decode(errors="replace") if b" " in head else "?"
        self.crowd.counts[f"http {status}"] += 1
        self.abort()
        return False

    def _rare(self, head: int, payload: bytes) -> None:
        opcode, final = head & 0xF, bool(head & 0x80)
        assert self.transport is not None
        if opcode == frames.PING:
            self.transport.write(frames.masked(frames.PONG, payload))
        elif opcode == frames.CLOSE:
            self.close_code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
            self.transport.write(frames.masked(frames.CLOSE, payload[:2]))
            self.transport.close()
        elif opcode != frames.PONG:
            if opcode != frames.CONTINUATION:
                self.partial = [bytes([opcode])]
            assert self.partial is not None
            self.partial.append(payload)
            if final:
                opcode, payload = self.partial[0][0], b"".join(self.partial[1:])
                self.partial = None
                self.crowd.dialect.message(self, opcode, payload)

    def connection_lost(self, exc: Exception | None) -> None:
        was_live, self.is_live, self.transport, self.upgraded = self.is_live, False, None, False
        self.rest = b""
        for watched in self.watched.values():
            watched.asking, watched.early = False, None
        self.crowd.went(self, was_live)

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    # --- coming back ---

    def url(self) -> str:
        return self.plan.urls[self.turn % len(self.plan.urls)]

    def pause_s(self) -> float:
        """Before the next attempt: what the server said, or full jitter whose upper end doubles."""
        if self.retry_after_ms:
            pause = self.retry_after_ms / 1000 * random.uniform(0.5, 1.5)
            self.retry_after_ms = 0
            return pause
        upper = min(MAX_BACKOFF_S, 0.1 * 2.0 ** min(self.tries, 10))
        self.tries += 1
        return random.uniform(0, upper)
