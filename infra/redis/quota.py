"""So much of something a day and user, counted in Redis: a courtesy to the disks, not a promise. Without Redis nothing is counted."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from infra.redis import keys
from market.kernel.errors import QuotaSpent
from market.kernel.ids import Id
from market.kernel.period import DAY_MS

log = structlog.get_logger("quota")

KEPT_S = 2 * 86_400


class Quota:
    """`limits`: name -> the most of it a day (UTC)."""

    def __init__(self, redis: Redis, limits: Mapping[str, int]) -> None:
        self._redis = redis
        self._limits = limits

    async def spend(self, user_id: Id, amounts: Mapping[str, int], now_ms: int) -> None:
        """Raise QuotaSpent when that is more than is left; what was too much has been counted, too."""
        key = keys.quota(user_id, now_ms // DAY_MS)
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for name, amount in amounts.items():
                    pipe.hincrby(key, name, amount)
                pipe.expire(key, KEPT_S)
                spent = await pipe.execute()
        except (RedisError, OSError) as error:
            log.warning("nothing is counted", error=str(error))
            return
        for name, total in zip(amounts, spent, strict=False):
            if total > self._limits[name]:
                raise QuotaSpent(
                    f"so many {name} a day and no more", limit=self._limits[name], of=name
                )
