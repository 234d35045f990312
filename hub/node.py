"""One hub process: its clients, the topics they watch, the feed that fills them, and what keeps them honest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from prometheus_client import Counter, Gauge, Histogram

from hub import fanout, sources
from hub.feed import Feed
from hub.protocol import CloseCode
from hub.topics import Topic, Topics
from infra.process import Process, now_ms
from market.kernel.topics import Want

if TYPE_CHECKING:
    from hub.connection import Connection

log = structlog.get_logger("hub")

RETRY_S = 1.0

CONNECTIONS = Gauge("sharehub_hub_connections", "Open sockets.")
SUBSCRIPTIONS = Gauge("sharehub_hub_topics", "Topics watched on this node.")
HEALED = Counter("sharehub_hub_healed_total", "Pushes that came from comparing with MySQL.")
HEAL_SECONDS = Histogram(
    "sharehub_hub_heal_seconds", "Time to compare all local topics with MySQL."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Limits of one node. Times in seconds."""

    connect_deadline_s: float = 10.0
    heartbeat_s: float = 25.0
    pong_s: float = 10.0
    token_grace_s: float = 25.0
    max_topics: int = 200
    max_in_flight: int = 16
    max_in_flight_per_wing: int = 64
    commands_per_s: float = 20.0
    command_burst: int = 60
    mailbox_bytes: int = 512 * 1024
    high_water_bytes: int = 64 * 1024
    audit_s: float = 15.0
    idle_topic_s: float = 10.0
    deaf_s: float = 5.0
    drain_s: float = 5.0


class Node:
    def __init__(self, process: Process, wings: Mapping[str, Any], settings: Settings) -> None:
        self.tokens = process.tokens
        self.wings = wings
        self.settings = settings
        self.topics = Topics()
        self.connections: set[Connection] = set()
        self.in_flight: dict[str, int] = dict.fromkeys(wings, 0)
        self.draining = False
        self.feed = Feed(
            process.config.redis_url, process.node, self._names, self._on_message, self.heal_all
        )
        self._unread: set[str] = set()
        """Topics that were to be healed while their wing's database was away."""
        self._dirty: list[Connection] = []
        self._congested: set[Connection] = set()
        for name, work in (
            ("feed", self.feed.run()), ("probe", self.feed.probe(process.redis)), ("audit", self._audit()),
            ("heartbeat", self._heartbeat()), ("sweep", self._sweep()), ("congestion", self._relieve()),
        ):  # fmt: skip
            process.background(work, name)

    now_ms = staticmethod(now_ms)
    now_s = staticmethod(time.monotonic)

    def add(self, connection: Connection) -> None:
        self.connections.add(connection)
        CONNECTIONS.set(len(self.connections))

    def remove(self, connection: Connection) -> None:
        self.connections.discard(connection)
        self._congested.discard(connection)
        self.topics.leave(connection, connection.topics, self.now_s())
        CONNECTIONS.set(len(self.connections))

    def has(self, connection: Connection) -> bool:
        return connection in self.connections

    def mark_dirty(self, connection: Connection) -> None:
        """Its mailbox is flushed at the end of this turn of the loop, together with all others."""
        if not self._dirty:
            asyncio.get_running_loop().call_soon(self._flush)
        self._dirty.append(connection)

    async def heal(self, topics: Iterable[Topic]) -> int:
        """Read the truth about these topics, and push what our clients lack. What cannot be read now is tried again."""
        wants = [Want(topic=topic.name, have=topic.version) for topic in topics]
        if not wants:
            return 0
        found, away = await sources.read(self.wings, wants, self.now_ms())
        self._unread |= away
        healed = 0
        cut: list[Topic] = []
        for name, snapshot in found.items():
            topic = self.topics.get(name)
            if topic is not None and (topic.members or topic.joining):
                count = fanout.catch_up(topic, snapshot)
                healed += count
                if snapshot.more and count:
                    cut.append(topic)
        if healed:
            HEALED.inc(healed)
            log.info("healed", pushes=healed, topics=len(wants))
        return healed + (await self.heal(cut) if cut else 0)

    async def heal_all(self) -> None:
        with HEAL_SECONDS.time():
            await self.heal(t for t in self.topics.all() if t.members or t.joining)

    async def drain(self) -> None:
        """Tell everybody to come back elsewhere, in paced batches within `drain_s`."""
        self.draining = True
        everybody = list(self.connections)
        batch = max(1, len(everybody) // 50)
        for start in range(0, len(everybody), batch):
            for connection in everybody[start : start + batch]:
                connection.say_goodbye("going away", retry_after_ms=1000)
                connection.close_soon(CloseCode.GOING_AWAY, "going away")
            await asyncio.sleep(self.settings.drain_s / 60)
        if everybody:
            waiting = [asyncio.ensure_future(connection.gone.wait()) for connection in everybody]
            _, late = await asyncio.wait(waiting, timeout=2)
            for task in late:
                task.cancel()

    async def deaf(self) -> str | None:
        age = self.feed.age_s
        if age <= self.settings.deaf_s:
            return None
        return f"nothing heard from Redis for {age:.1f} s" if age < 1e6 else "Redis not heard yet"

    async def is_draining(self) -> str | None:
        return "draining" if self.draining else None

    def _names(self) -> list[str]:
        return [topic.name for topic in self.topics.all()]

    def _on_message(self, name: str, raw: bytes) -> None:
        topic = self.topics.get(name)
        if topic is None:
            return
        try:
            fanout.deliver_message(topic, raw)
        except Exception:
            log.exception("cannot deliver", topic=name)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for connection in dirty:
            if not connection.flush():
                self._congested.add(connection)

    async def _relieve(self) -> None:
        """Give congested clients more as their sockets drain."""
        while True:
            await asyncio.sleep(0.02)
            for connection in list(self._congested):
                if connection.flush():
                    self._congested.discard(connection)

    async def _audit(self) -> None:
        """Whatever slipped through is found here, and what could not be read is read as soon as it can be. Never fails."""
        audited_s = self.now_s()
        while True:
            await asyncio.sleep(min(RETRY_S, self.settings.audit_s))
            try:
                if self.now_s() - audited_s >= self.settings.audit_s:
                    audited_s = self.now_s()
                    await self.heal_all()
                elif self._unread:
                    unread, self._unread = self._unread, set()
                    await self.heal(t for name in unread if (t := self.topics.get(name)))
            except Exception:
                log.exception("audit failed")

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self.settings.idle_topic_s / 2)
            await self.feed.forget(self.topics.drop_idle(self.now_s(), self.settings.idle_topic_s))
            SUBSCRIPTIONS.set(len(self.topics))

    async def _heartbeat(self) -> None:
        while True:
            await asyncio.sleep(1)
            now_s, utc_ms = self.now_s(), self.now_ms()
            for connection in list(self.connections):
                connection.check_pulse(now_s, utc_ms)
