"""The subscription: one connection to Redis that hears every topic watched here, and knows whether it is deaf.

Each (re)subscription, once acknowledged, is a reason to compare with MySQL: whatever was said before is lost on us.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import structlog
from prometheus_client import Counter, Gauge
from redis.asyncio import Redis
from redis.exceptions import RedisError

from infra.redis import keys
from infra.redis.client import connect

log = structlog.get_logger("feed")

PROBE_EVERY_S = 1.0
SILENCE_S = 3.0
"""Our own probe comes every second; this long without a word and the connection is made anew."""
ACKNOWLEDGE_S = 1.0
CHUNK = 500

AGE = Gauge(
    "sharehub_hub_pubsub_last_seen_age_seconds", "Since this node last heard its own probe."
)
RESUBSCRIPTIONS = Counter(
    "sharehub_hub_resubscriptions_total", "Connections to Redis' pub/sub made anew."
)


class Feed:
    """`on_message(topic, raw)` is called for every change; `on_subscribed()` after every (re)connection, and when a publisher
    had to drop something."""

    def __init__(
        self,
        url: str,
        node: str,
        wanted: Callable[[], Iterable[str]],
        on_message: Callable[[str, bytes], None],
        on_subscribed: Callable[[], Awaitable[None]],
    ) -> None:
        self._url = url
        self._probe = keys.probe(f"{node}:{secrets.token_hex(4)}")
        self._wanted = wanted
        self._on_message = on_message
        self._on_subscribed = on_subscribed
        self._pubsub: Any = None
        self._acknowledged: dict[str, asyncio.Future[None]] = {}
        self._again = False
        self._heard_s = float("-inf")
        self._healing: set[asyncio.Task[None]] = set()

    @property
    def age_s(self) -> float:
        """Seconds since this node last heard itself."""
        return time.monotonic() - self._heard_s

    async def listen(self, topics: Iterable[str]) -> None:
        """Subscribe to what is not yet, and wait for Redis' word. While Redis is away this returns at once: every
        topic is healed when it comes back."""
        pubsub = self._pubsub
        if pubsub is None:
            return
        fresh = []
        for topic in topics:
            channel = keys.channel(topic)
            if channel not in self._acknowledged:
                self._acknowledged[channel] = asyncio.get_running_loop().create_future()
                fresh.append(channel)
        waiting = [
            future for topic in topics
            if (future := self._acknowledged.get(keys.channel(topic))) is not None and not future.done()
        ]  # fmt: skip
        try:
            if fresh:
                await pubsub.subscribe(*fresh)
            if waiting:
                await asyncio.wait(waiting, timeout=ACKNOWLEDGE_S)
        except (RedisError, OSError) as error:
            log.warning("cannot subscribe now", error=str(error))

    async def forget(self, topics: Iterable[str]) -> None:
        channels = [keys.channel(topic) for topic in topics]
        for channel in channels:
            self._acknowledged.pop(channel, None)
        if self._pubsub is not None and channels:
            try:
                await self._pubsub.unsubscribe(*channels)
            except (RedisError, OSError) as error:
                log.warning("cannot unsubscribe now", error=str(error))

    async def run(self) -> None:
        """Until cancelled: connect, subscribe to all, heal, read; again when anything fails."""
        while True:
            redis: Redis = connect(self._url)
            try:
                pubsub = redis.pubsub()
                await pubsub.subscribe(self._probe, keys.MISSED)
                channels = [keys.channel(topic) for topic in self._wanted()]
                loop = asyncio.get_running_loop()
                self._acknowledged = {channel: loop.create_future() for channel in channels}
                self._pubsub = pubsub
                for start in range(0, len(channels), CHUNK):
                    await pubsub.subscribe(*channels[start : start + CHUNK])
                RESUBSCRIPTIONS.inc()
                self._begin_healing(list(self._acknowledged.values()))
                await self._read(pubsub)
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("redis is away", error=str(error))
            finally:
                self._pubsub = None
                for future in self._acknowledged.values():
                    future.cancel()
                self._acknowledged = {}
                for healing in self._healing:
                    healing.cancel()
                await redis.aclose()
            await asyncio.sleep(0.2)

    async def probe(self, redis: Redis) -> None:
        """Until cancelled: say something to ourselves every second; more often until it has been heard once."""
        while True:
            with contextlib.suppress(RedisError, OSError):
                await redis.publish(self._probe, b"")
            AGE.set(min(self.age_s, 1e6))
            await asyncio.sleep(PROBE_EVERY_S if self.age_s < PROBE_EVERY_S * 2 else 0.1)

    def _begin_healing(self, acknowledgements: list[asyncio.Future[None]]) -> None:
        task = asyncio.create_task(self._heal(acknowledgements))
        self._healing.add(task)
        task.add_done_callback(self._healed)

    def _healed(self, task: asyncio.Task[None]) -> None:
        self._healing.discard(task)
        if self._again and self._pubsub is not None:
            self._again = False
            self._begin_healing([])

    def _heal_once_more(self) -> None:
        """Many publishers tell of the same outage: one reading after the present one serves them all."""
        if self._healing:
            self._again = True
        else:
            self._begin_healing([])

    async def _heal(self, acknowledgements: list[asyncio.Future[None]]) -> None:
        if acknowledgements:
            await asyncio.wait(acknowledgements, timeout=10)
        await self._on_subscribed()

    async def _read(self, pubsub: Any) -> None:
        begun = False
        while True:
            message = await pubsub.get_message(timeout=SILENCE_S)
            if message is None:
                raise TimeoutError(f"nothing heard for {SILENCE_S} s")
            kind, channel = message["type"], message["channel"].decode()
            if kind == "message":
                if channel == self._probe:
                    self._heard_s = time.monotonic()
                elif channel == keys.MISSED:
                    self._heal_once_more()
                else:
                    self._on_message(keys.topic_of(channel), message["data"])
            elif kind == "subscribe":
                if channel == self._probe:
                    # redis-py reconnects and subscribes again by itself, and says nothing of what passed meanwhile.
                    if begun:
                        raise ConnectionResetError("connected anew beneath us")
                    begun = True
                future = self._acknowledged.get(channel)
                if future is not None and not future.done():
                    future.set_result(None)
