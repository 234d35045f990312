"""The safety net of publishing: what a process has committed and did not come to publish.

Every fact comes by here before it leaves its outbox. Nearly all pushes are in Redis by then: to ask for the version that the
script remembers costs little, and a duplicate is neither encoded nor sent. What is missing is in Redis before its fact leaves:
who would publish it later may die, and nobody else would know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import structlog
from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from infra.mysql.database import Offers
from infra.mysql.outbox import Published
from infra.redis import keys
from infra.redis.pipeline import Command, execute
from infra.redis.publish import PushScript

log = structlog.get_logger("republisher")

AWAY_MS = 2000
"""After Redis has not answered, it is not asked for so long: facts do not wait for it."""

REPUBLISHED = Counter(
    "sharehub_facts_republished_total", "Facts with pushes that had not reached Redis.", ["wing"]
)


class Republisher:
    """`redis` and the script's should have a short time limit: the relay waits for its answers."""

    def __init__(self, redis: Redis, script: PushScript, publisher: Offers) -> None:
        self._redis = redis
        self._script = script
        self._publisher = publisher
        self._ask_again_ms = 0

    async def check(self, wing: str, facts: Sequence[Published], now_ms: int) -> None:
        """Publish what has not been. While Redis does not answer all of it is left to the publisher, which tells the hubs if it fails,
        too."""
        pushing = [fact for fact in facts if fact.pushes]
        if not pushing:
            return
        if now_ms >= self._ask_again_ms:
            try:
                missing = await self._missing(pushing)
                await self._script.send(missing)
            except (RedisError, OSError) as error:
                log.warning("redis does not say what was published", error=str(error))
                self._ask_again_ms = now_ms + AWAY_MS
            else:
                REPUBLISHED.labels(wing).inc(len(missing))
                return
        REPUBLISHED.labels(wing).inc(len(pushing))
        self._publisher.offer(wing, pushing)

    async def _missing(self, facts: Sequence[Published]) -> list[Published]:
        """Those with a push that `publish.lua` would not drop."""
        pushes = [(fact, push) for fact in facts for push in fact.pushes]
        commands: list[Command] = [
            ("EXISTS", keys.log_entry(push.topic, fact.fact_id))
            if push.kind == "log"
            else ("HGET", keys.newest(push.topic), push.key or "v")
            for fact, push in pushes
        ]
        answers = await execute(self._redis, commands)
        for answer in answers:
            if isinstance(answer, RedisError):
                raise answer
        unknown = {
            fact.seq
            for (fact, push), answer in zip(pushes, answers, strict=True)
            if int(cast(bytes, answer) or 0) < (1 if push.kind == "log" else push.version)
        }
        return [fact for fact in facts if fact.seq in unknown]
