"""The subscription: one connection to Redis that hears every topic watched here, and knows whether it is deaf.

Each (re)subscription, once acknowledged, is a reason to compare with MySQL: whatever was said before is lost on us.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable

import structlog
from prometheus_client import Counter, Gauge
from redis.asyncio import Redis
from redis.exceptions import RedisError

from infra.redis import keys
from infra.redis.subscriber import Subscriber, open_subscriber

log = structlog.get_logger("feed")

PROBE_EVERY_S = 1.0
SILENCE_S = 3.0
"""Our own probe comes every second; this long without a word and the connection is made anew."""
ACKNOWLEDGE_S = 1.0
RECONNECT_S = 0.1

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
        self._subscriber: Subscriber | None = None
        self._asked: dict[str, asyncio.Future[None] | None] = {}
        """Channel -> None once Redis has acknowledged it, before that a future."""
        self._again = False
        self._heard_s = float("-inf")
        self._anything_s = 0.0
        self._healing: set[asyncio.Task[None]] = set()

    @property
    def age_s(self) -> float:
        """Seconds since this node last heard itself."""
        return time.monotonic() - self._heard_s

    async def listen(self, topics: Iterable[str]) -> None:
        """Subscribe to what is not yet, and wait for Redis' word. While Redis is away this returns at once, and when it is slow
        after a second: every topic is healed when it comes back."""
        if self._subscriber is None:
            return
        fresh, waiting = [], []
        for topic in topics:
            channel = keys.channel(topic)
            if channel not in self._asked:
                self._asked[channel] = asyncio.get_running_loop().create_future()
                fresh.append(channel)
            acknowledged = self._asked[channel]
            if acknowledged is not None:
                waiting.append(acknowledged)
        if fresh:
            self._subscriber.subscribe(fresh)
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=ACKNOWLEDGE_S)
            if late:
                # The caller reads now: what is said between that and Redis' word is lost on it.
                self._begin_healing(list(late))

    def forget(self, topics: Iterable[str]) -> None:
        channels = [keys.channel(topic) for topic in topics]
        for channel in channels:
            asked = self._asked.pop(channel, None)
            if asked is not None:
                asked.cancel()  # whoever waits for all of them need not wait for this one
        if self._subscriber is not None and channels:
            self._subscriber.unsubscribe(channels)

    async def run(self) -> None:
        """Until cancelled: connect, subscribe to all, heal, listen; again when anything fails."""
        while True:
            try:
                subscriber = await open_subscriber(self._url, self._hear, self._acknowledge)
            except (OSError, TimeoutError) as error:
                log.warning("redis is away", error=str(error))
            else:
                try:
                    await self._live(subscriber)
                except (RedisError, OSError, TimeoutError) as error:
                    log.warning("redis is away", error=str(error))
                finally:
                    self._end(subscriber)
            await asyncio.sleep(RECONNECT_S)

    async def probe(self, redis: Redis) -> None:
        """Until cancelled: say something to ourselves every second; more often until it has been heard once."""
        while True:
            with contextlib.suppress(RedisError, OSError):
                await redis.publish(self._probe, b"")
            AGE.set(min(self.age_s, 1e6))
            await asyncio.sleep(PROBE_EVERY_S if self.age_s < PROBE_EVERY_S * 2 else 0.1)

    async def _live(self, subscriber: Subscriber) -> None:
        channels = [self._probe, keys.MISSED, *(keys.channel(topic) for topic in self._wanted())]
        loop = asyncio.get_running_loop()
        self._asked = {channel: loop.create_future() for channel in channels}
        self._subscriber = subscriber
        self._anything_s = time.monotonic()
        subscriber.subscribe(channels)
        RESUBSCRIPTIONS.inc()
        self._begin_healing([future for future in self._asked.values() if future is not None])
        while True:
            await asyncio.wait({subscriber.lost}, timeout=SILENCE_S / 3)
            if subscriber.lost.done():
                subscriber.lost.result()
            if time.monotonic() - self._anything_s > SILENCE_S:
                raise TimeoutError(f"nothing heard for {SILENCE_S} s")

    def _end(self, subscriber: Subscriber) -> None:
        self._subscriber = None
        subscriber.close()
        for future in self._asked.values():
            if future is not None:
                future.cancel()
        self._asked = {}
        for healing in self._healing:
            healing.cancel()

    def _hear(self, channel: bytes, data: bytes) -> None:
        self._anything_s = time.monotonic()
        name = channel.decode()
        if name.startswith("t:"):
            self._on_message(keys.topic_of(name), data)
        elif name == self._probe:
            self._heard_s = self._anything_s
        elif name == keys.MISSED:
            self._heal_once_more()

    def _acknowledge(self, channel: bytes) -> None:
        self._anything_s = time.monotonic()
        name = channel.decode()
        future = self._asked.get(name)
        if future is not None:
            self._asked[name] = None
            if not future.done():
                future.set_result(None)

    def _begin_healing(self, acknowledgements: list[asyncio.Future[None]]) -> None:
        task = asyncio.create_task(self._heal(acknowledgements))
        self._healing.add(task)
        task.add_done_callback(self._healed)

    def _healed(self, task: asyncio.Task[None]) -> None:
        self._healing.discard(task)
        if self._again and self._subscriber is not None:
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
