"""How often listings are opened by others: a courtesy to owners, not a promise.

A person counts once a day for a listing, by a key in Redis; without Redis nothing is counted. What was counted is written every few
seconds, many at a time; what a process had not written when it died is lost.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from infra.mysql.database import Database, Tx
from infra.process import now_ms as clock_ms
from infra.redis import keys
from market.kernel.errors import Unavailable
from market.kernel.ids import Id
from market.kernel.period import DAY_MS
from market.listings import store

EVERY_S = 2.0

log = structlog.get_logger("openings")


class Openings:
    def __init__(self, db: Database, redis: Redis) -> None:
        self._db = db
        self._redis = redis
        self._waiting: Counter[Id] = Counter()

    async def count(self, listing_id: Id, user_id: Id, now_ms: int) -> None:
        """Unless it has been counted today (UTC)."""
        day = now_ms // DAY_MS
        try:
            first = await self._redis.set(
                keys.opened(listing_id, user_id, day), 1, nx=True, px=DAY_MS
            )
        except (RedisError, OSError):
            return
        if first:
            self._waiting[listing_id] += 1

    async def flush(self) -> int:
        """Of how many listings something was written. Raise Unavailable, with nothing lost."""
        some, self._waiting = self._waiting, Counter()
        if not some:
            return 0

        async def body(tx: Tx) -> None:
            store.add_views(tx, some)

        try:
            await self._db.act(clock_ms(), body, type(None))
        except Unavailable:
            self._waiting.update(some)
            raise
        return len(some)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.flush()
            except Unavailable:
                pass
            except Exception:  # what cannot be written is gone
                log.exception("openings not written")
            await asyncio.sleep(EVERY_S)
