"""Pushes on their way to the hubs.

`Publisher.offer` is called after a commit, off the reply's path: it never waits and never fails. While Redis is away what is
offered is dropped, and once it is back the hubs are told so, to read from MySQL what their clients lack.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Sequence

import structlog
from prometheus_client import Counter, Gauge
from redis.asyncio import Redis
from redis.exceptions import RedisError

from infra import wire
from infra.mysql.outbox import Published
from infra.redis import keys
from infra.redis.client import script
from infra.redis.pipeline import Command, evaluate
from market.kernel.topics import Push

log = structlog.get_logger("publish")

BATCH = 64
QUEUE = 10_000
PACE_S = 0.005
"""Batches are at least this far apart: who comes alone goes at once, and in a crowd one trip (and one waking of Redis and
of each hub) serves many."""
REMEMBER_S = {"state": 3600, "keyed": 3600, "log": 120}

PUSHES = Counter("sharehub_pushes_total", "Pushes handed to Redis.", ["result"])
QUEUED = Gauge("sharehub_publish_queue", "Pushes waiting for Redis.")


def message(push: Push, committed_us: int) -> bytes:
    """What travels on a topic's channel: [kind, version, key, expires_ms, committed_us, payload], as msgpack.

    Ephemeral values (`lease.lua`) have the same shape, with the counter as version and the epoch as key.
    """
    return wire.msgpack((push.kind, push.version, push.key, 0, committed_us, push.payload))


class PushScript:
    """Publishes through `publish.lua`, many per round trip."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._script = script(redis, "publish")

    async def send(self, published: Iterable[Published], wakes: Iterable[str] = ()) -> None:
        """Raise RedisError or OSError when Redis is away."""
        commands: list[Command] = [
            self._command(item, push) for item in published for push in item.pushes
        ]
        commands += [("PUBLISH", channel, b"") for channel in wakes]
        if commands:
            await evaluate(self._redis, self._script, commands)

    def _command(self, item: Published, push: Push) -> Command:
        first = (
            keys.log_entry(push.topic, item.fact_id)
            if push.kind == "log"
            else keys.newest(push.topic)
        )
        return (
            "EVALSHA", self._script.sha, 2, first, keys.channel(push.topic),
            push.kind, push.version, push.key or "v", message(push, item.committed_us),
            REMEMBER_S.get(push.kind, 120),
        )  # fmt: skip


class Publisher:
    """A bounded queue and the task that empties it."""

    def __init__(self, redis: Redis) -> None:
        self._script = PushScript(redis)
        self._queue: deque[tuple[str, Published]] = deque(maxlen=QUEUE)
        self._wakes: set[str] = set()
        self._dropped = False
        self._filled = asyncio.Event()
        self._next_s = 0.0

    def offer(self, wing: str, published: Sequence[Published]) -> None:
        self._dropped |= len(self._queue) + len(published) > QUEUE
        self._queue.extend((wing, item) for item in published)
        self._filled.set()

    def wake(self, channel: str) -> None:
        """Tell whoever listens there that there is something new."""
        self._wakes.add(channel)
        self._filled.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._queue or self._wakes or self._dropped:
                await self._pace()
                batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
                QUEUED.set(len(self._queue))
                pushes = sum(len(item.pushes) for _, item in batch)
                wakes = self._wakes | {keys.wake("outbox", wing) for wing, _ in batch}
                self._wakes = set()
                if self._dropped:
                    wakes.add(keys.MISSED)
                was_away, self._dropped = self._dropped, False
                try:
                    await self._script.send((item for _, item in batch), wakes)
                except (RedisError, OSError) as error:
                    PUSHES.labels("dropped").inc(pushes)
                    if not was_away:
                        log.warning("redis is away; the hubs will heal", error=str(error))
                    self._queue.clear()
                    self._dropped = True
                    await asyncio.sleep(0.2)
                else:
                    PUSHES.labels("sent").inc(pushes)

    async def _pace(self) -> None:
        early_s = self._next_s - time.monotonic()
        if early_s > 0:
            await asyncio.sleep(early_s)
        self._next_s = time.monotonic() + PACE_S
