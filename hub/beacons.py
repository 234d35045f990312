"""Who is here, and who is typing: `presence:ID` and `typing:ID` of a conversation (an order's has the order's id).

Ephemeral: the value is {user, until_ms} of each, kept in Redis alone, and it vanishes by itself. To watch a conversation's presence is
to be present in it: the hub keeps the watcher's light on. Typing is said by the client, each few seconds.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from infra.redis import keys
from infra.redis.client import script
from market.chat import views as chat_views
from market.chat.wing import Chat
from market.kernel.ids import Id
from market.kernel.topics import Readers, Snapshot, Want, topic_id

PRESENCE, TYPING = "presence", "typing"

REFRESH_S = 8.0
PRESENT_MS = 20_000
LINGER_MS = 10_000
"""WeChat cuts the socket of whoever looks away for a moment; somebody who comes back by then was never gone."""
TYPING_MS = 6_000

Lamp = tuple[str, int]
"""(topic, user)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """Somebody who is present, or typing, until then (UTC ms) unless it is said again."""

    user_id: Id
    until_ms: int


class Beacons:
    def __init__(self, chat: Chat, redis: Redis) -> None:
        self._chat = chat
        self._redis = redis
        self._script = script(redis, "beacon")
        self._lit: Counter[Lamp] = Counter()
        self._changes: dict[Lamp, tuple[str, int]] = {}

    def enter(self, user_id: int, topics: Iterable[str]) -> None:
        """One of this user's connections watches these topics from now on."""
        for topic in topics:
            if topic.startswith(PRESENCE):
                self._lit[topic, user_id] += 1
                self._changes[topic, user_id] = ("set", PRESENT_MS)

    def leave(self, user_id: int, topics: Iterable[str]) -> None:
        for topic in topics:
            light = (topic, user_id)
            if light in self._lit:
                self._lit[light] -= 1
                if not self._lit[light]:
                    del self._lit[light]
                    self._changes[light] = ("leave", LINGER_MS)

    def is_lit(self, topic: str, user_id: int) -> bool:
        return (topic, user_id) in self._lit

    def type(self, user_id: int, topic: str, on: bool) -> None:
        self._changes[topic, user_id] = ("set", TYPING_MS) if on else ("leave", 0)

    def refresh(self) -> None:
        for light in self._lit:
            self._changes.setdefault(light, ("set", PRESENT_MS))

    async def publish(self) -> None:
        """What has changed since the last time. While Redis is away it is forgotten: presence comes back with the next refresh."""
        changes, self._changes = self._changes, {}
        if not changes:
            return
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for (topic, user_id), (verb, for_ms) in changes.items():
                    await self._run(topic, verb, user_id, for_ms, client=pipeline)
                await pipeline.execute()
        except (RedisError, OSError):
            pass

    async def readers(self, ids: Sequence[Id]) -> dict[Id, Readers]:
        return await chat_views.readers(self._chat, ids)

    async def read(self, topic: str) -> tuple[str, int, list[Light]]:
        """(epoch, counter, who until when). Nobody while Redis is away."""
        try:
            epoch, counter, *rest = await self._run(topic, "read")
        except (RedisError, OSError):
            return "", 0, []
        lights = [
            Light(user_id=Id(user), until_ms=until_ms)
            for user, until_ms in zip(rest[::2], rest[1::2], strict=True)
        ]
        return epoch.decode(), counter, lights

    async def _run(
        self,
        topic: str,
        verb: str,
        user_id: int = 0,
        for_ms: int = 0,
        *,
        client: Redis | None = None,
    ) -> Any:
        return await self._script(
            keys=[keys.beacon(topic), keys.channel(topic)],
            args=[verb, int(user_id), for_ms, secrets.token_hex(4)],
            client=client,
        )


async def snapshot(beacons: Beacons, wants: Sequence[Want], now_ms: int) -> list[Snapshot]:
    """Of conversations that exist."""
    ids = {
        want.topic: id_
        for want in wants
        for prefix in TOPICS
        if (id_ := topic_id(want.topic, prefix)) is not None
    }
    readers = await beacons.readers(list(set(ids.values())))
    found = []
    for topic in [topic for topic, id_ in ids.items() if id_ in readers]:
        epoch, counter, lights = await beacons.read(topic)
        found.append(
            Snapshot(
                topic=topic, kind="ephemeral", version=counter, readers=readers[ids[topic]], epoch=epoch,
                expires_ms=max((light.until_ms for light in lights), default=now_ms), state=lights,
            )
        )  # fmt: skip
    return found


TOPICS = (PRESENCE, TYPING)
VERSIONS: dict[str, str] = {}
"""There is nothing in MySQL to compare."""
