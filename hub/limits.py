"""How much anybody may ask for: commands of one user on all nodes together, connections of one user and of one address here."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import prometheus_client
from redis.asyncio import Redis
from redis.exceptions import RedisError

from infra.redis import keys
from infra.redis.client import script
from infra.redis.pipeline import evaluate

if TYPE_CHECKING:
    from hub.connection import Connection

SETTLE_S = 0.25

REFUSED = prometheus_client.Counter(
    "sharehub_hub_refused_total", "What was refused because of a limit, by limit.", ["limit"]
)


@dataclass(slots=True)
class Bucket:
    tokens: float
    at_s: float
    spent: int = 0
    """Since it was last settled with the other nodes."""


class Buckets:
    """One token bucket for each user. A command never waits for Redis: tokens are spent here at once, and a few times a second
    all nodes settle what each has spent. While Redis is away each node counts alone."""

    def __init__(self, redis: Redis, per_s: float, burst: int) -> None:
        self.per_s = per_s
        self._burst = burst
        self._redis = redis
        self._script = script(redis, "bucket")
        self._buckets: dict[int, Bucket] = {}
        self._spent: set[int] = set()

    def spend(self, user_id: int, now_s: float) -> bool:
        """False when there is nothing left."""
        bucket = self._buckets.get(user_id)
        if bucket is None:
            bucket = self._buckets[user_id] = Bucket(self._burst, now_s)
        self._refill(bucket, now_s)
        if bucket.tokens < 1:
            REFUSED.labels("commands").inc()
            return False
        bucket.tokens -= 1
        bucket.spent += 1
        self._spent.add(user_id)
        return True

    async def settle(self, now_s: float) -> None:
        """Tell the other nodes what was spent here, and learn what they have left. Never fails."""
        spent, self._spent = self._spent, set()
        if not spent:
            self._forget_full(now_s)
            return
        users = list(spent)
        amounts = [self._buckets[user].spent for user in users]
        left: Sequence[Any]
        try:
            left = await evaluate(
                self._redis, self._script,
                [
                    ("EVALSHA", self._script.sha, 1, keys.bucket(user), amount, self.per_s, self._burst)
                    for user, amount in zip(users, amounts, strict=True)
                ],
            )  # fmt: skip
        except (RedisError, OSError):
            left = [self._burst] * len(users)  # alone, we know only what we have spent ourselves
        for user, amount, tokens in zip(users, amounts, left, strict=True):
            bucket = self._buckets[user]
            bucket.spent -= amount
            bucket.tokens = min(bucket.tokens, float(tokens) - bucket.spent)
            if bucket.spent:
                self._spent.add(user)

    def _refill(self, bucket: Bucket, now_s: float) -> None:
        bucket.tokens = min(self._burst, bucket.tokens + (now_s - bucket.at_s) * self.per_s)
        bucket.at_s = now_s

    def _forget_full(self, now_s: float) -> None:
        for user in list(self._buckets):
            bucket = self._buckets[user]
            self._refill(bucket, now_s)
            if bucket.tokens >= self._burst:
                del self._buckets[user]


class Crowd:
    """Who is connected to this node. A full address is refused; of a user with too many devices the oldest gives way, since it
    may be a socket that a phone has long forgotten."""

    def __init__(self, per_address: int, per_user: int) -> None:
        self._per_address = per_address
        self._per_user = per_user
        self._at: Counter[str] = Counter()
        self._of: dict[int, tuple[Connection, ...]] = {}
        self.nobody_left = asyncio.Event()
        self.nobody_left.set()

    def refuses(self, address: str) -> bool:
        return self._at[address] >= self._per_address

    def enter(self, address: str) -> None:
        self._at[address] += 1
        self.nobody_left.clear()

    def leave(self, address: str) -> None:
        self._at[address] -= 1
        if not self._at[address]:
            del self._at[address]
        if not self._at:
            self.nobody_left.set()

    def identify(self, connection: Connection, user_id: int) -> Connection | None:
        """Who has to go for it."""
        others = self._of.get(user_id, ())
        self._of[user_id] = (*others, connection)
        if len(others) < self._per_user:
            return None
        REFUSED.labels("connections_of_user").inc()
        return others[0]

    def forget(self, connection: Connection, user_id: int) -> None:
        others = tuple(c for c in self._of.get(user_id, ()) if c is not connection)
        if others:
            self._of[user_id] = others
        else:
            self._of.pop(user_id, None)
