"""One hub process: its clients, the topics they watch, the feed that fills them, and what keeps them honest."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from prometheus_client import Counter, Gauge, Histogram

from hub.beacons import REFRESH_S, Beacons
from hub.fanout import Fanout
from hub.feed import Feed
from hub.limits import SETTLE_S, Buckets, Crowd
from hub.protocol import CloseCode
from hub.rereading import Rereading
from hub.sources import Sources
from hub.topics import Topic, Topics
from infra.process import Process, now_ms
from market.kernel.errors import Limited
from market.kernel.topics import Want

if TYPE_CHECKING:
    from hub.connection import Connection

log = structlog.get_logger("hub")

RETRY_S = 1.0
FINISH_S = 3.0
"""How long a client that is told to go may wait for the answers to what it has asked."""

CONNECTIONS = Gauge("sharehub_hub_connections", "Open sockets.")
TOPICS = Gauge("sharehub_hub_topics", "Topics watched on this node.")
SUBSCRIPTIONS = Gauge("sharehub_hub_subscriptions", "(Connection, topic) pairs on this node.")
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
    max_connections: int = 15_000
    max_per_address: int = 2_000
    max_per_user: int = 10
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
    drain_per_s: float = 250.0
    drain_s: float = 40.0
    address_header: str = ""


class Node:
    def __init__(self, process: Process, wings: Mapping[str, Any], settings: Settings) -> None:
        self.tokens = process.tokens
        self.wings = wings
        self.settings = settings
        self.topics = Topics()
        self.rereading = Rereading(self._refresh)
        self.fanout = Fanout(self.rereading.note)
        self.beacons = Beacons(wings["chat"], process.redis)
        self.sources = Sources({**wings, "beacons": self.beacons}, now_ms)
        self.buckets = Buckets(process.redis, settings.commands_per_s, settings.command_burst)
        self.crowd = Crowd(settings.max_per_address, settings.max_per_user)
        self.connections: set[Connection] = set()
        self.in_flight: dict[str, int] = dict.fromkeys(wings, 0)
        self.draining = False
        self.feed = Feed(
            process.config.redis_url, process.node, self._names, self._on_message, self.heal_all
        )
        self._unread: set[str] = set()
        """Topics that were to be healed while their wing's database was away."""
        for name, work in (
            ("feed", self.feed.run()), ("probe", self.feed.probe(process.redis)), ("audit", self._audit()),
            ("heartbeat", self._heartbeat()), ("sweep", self._sweep()), ("settle", self._settle()), ("beacons", self._shine()),
            ("rereading", self.rereading.run()),
        ):  # fmt: skip
            process.background(work, name)

    now_ms = staticmethod(now_ms)
    now_s = staticmethod(time.monotonic)

    def add(self, connection: Connection) -> None:
        self.connections.add(connection)
        CONNECTIONS.set(len(self.connections))

    def identify(self, connection: Connection, user_id: int) -> None:
        """It has said who it is; a user with too many connections loses the oldest."""
        outdone = self.crowd.identify(connection, user_id)
        if outdone is not None:
            outdone.close_soon(CloseCode.TOO_MANY, "too many connections of this user")

    def remove(self, connection: Connection) -> None:
        self.connections.discard(connection)
        self.fanout.forget(connection)
        self.leave(connection, connection.topics)
        if connection.identity is not None:
            self.crowd.forget(connection, connection.identity.actor.user_id)
        CONNECTIONS.set(len(self.connections))

    def has(self, connection: Connection) -> bool:
        return connection in self.connections

    def leave(self, connection: Connection, topics: Iterable[str]) -> None:
        self.topics.leave(connection, topics, self.now_s())
        if connection.identity is not None:
            self.beacons.leave(connection.identity.actor.user_id, topics)

    def spend_token(self, user_id: int) -> None:
        """Commands, subscriptions and signals share one bucket. Raise Limited when it is empty."""
        if not self.buckets.spend(user_id, self.now_s()):
            raise Limited("too many commands", per_second=self.settings.commands_per_s)

    # --- healing --------------------------------------------------------------------------------------------------

    async def heal_all(self, *, in_haste: bool = True) -> None:
        """Compare every version with MySQL's, and read what differs."""
        with HEAL_SECONDS.time():
            have = {t.name: t.version for t in self.topics.all() if t.is_watched}
            newer, away = await self.sources.compare(have, in_haste=in_haste)
            self._unread |= away
            await self.heal(t for name in newer if (t := self.topics.get(name)))

    async def heal(self, topics: Iterable[Topic]) -> None:
        """Read the truth about these topics, and push what our clients lack. What cannot be read now is tried again."""
        healed = await self._refresh(dict.fromkeys((topic.name for topic in topics), 0))
        if healed:
            HEALED.inc(healed)
            log.info("healed", pushes=healed)

    async def _refresh(self, committed_us: Mapping[str, int]) -> int:
        """As `heal`, of topics and when they were committed: how many pushes that took."""
        pushes = 0
        topics = [topic for name in committed_us if (topic := self.topics.get(name))]
        while topics:
            wants = [Want(topic=topic.name, have=topic.version) for topic in topics]
            found, away = await self.sources.read(wants)
            self._unread |= away
            topics = []
            for name, snapshot in found.items():
                topic = self.topics.get(name)
                if topic is not None and topic.is_watched:
                    count = self.fanout.catch_up(topic, snapshot, committed_us[name])
                    pushes += count
                    if snapshot.more and count:
                        topics.append(topic)
        return pushes

    # --- the end --------------------------------------------------------------------------------------------------

    async def drain(self) -> None:
        """Tell everybody to come back elsewhere: `drain_per_s` of them a second, faster only if `drain_s` would not do. Each
        gets the answers to what it has asked, and a moment of its own to come back at."""
        if self.draining:
            return
        self.draining = True
        everybody = list(self.connections)
        random.shuffle(everybody)
        per_s = max(self.settings.drain_per_s, len(everybody) / self.settings.drain_s)
        batch = max(1, round(per_s / 10))
        leaving = []
        for start in range(0, len(everybody), batch):
            leaving += [
                asyncio.create_task(connection.go_away(random.randint(100, 1000), FINISH_S))
                for connection in everybody[start : start + batch]
            ]
            await asyncio.sleep(batch / per_s)
        if leaving:
            await asyncio.wait(leaving, timeout=FINISH_S + 1)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.crowd.nobody_left.wait(), FINISH_S)

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
            self.fanout.deliver_message(topic, raw)
        except Exception:
            log.exception("cannot deliver", topic=name)

    async def _settle(self) -> None:
        while True:
            await asyncio.sleep(SETTLE_S)
            await self.buckets.settle(self.now_s())
            await self.beacons.publish()

    async def _shine(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            self.beacons.refresh()

    async def _audit(self) -> None:
        """Whatever slipped through is found here, and what could not be read is read as soon as it can be. Never fails."""
        audited_s = self.now_s()
        while True:
            await asyncio.sleep(min(RETRY_S, self.settings.audit_s))
            try:
                if self.now_s() - audited_s >= self.settings.audit_s:
                    audited_s = self.now_s()
                    await self.heal_all(in_haste=False)
                elif self._unread:
                    unread, self._unread = self._unread, set()
                    await self.heal(t for name in unread if (t := self.topics.get(name)))
            except Exception:
                log.exception("audit failed")

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self.settings.idle_topic_s / 2)
            self.feed.forget(self.topics.drop_idle(self.now_s(), self.settings.idle_topic_s))
            TOPICS.set(len(self.topics))
            SUBSCRIPTIONS.set(sum(len(connection.topics) for connection in self.connections))

    async def _heartbeat(self) -> None:
        """Everybody's pulse once a second, a tenth of them at a time."""
        while True:
            everybody = list(self.connections)
            for tenth in range(10):
                now_s, utc_ms = self.now_s(), self.now_ms()
                for connection in everybody[tenth::10]:
                    connection.check_pulse(now_s, utc_ms)
                await asyncio.sleep(0.1)
