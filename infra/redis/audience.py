"""Whether anybody listens: hubs subscribe to a topic's channel while one of their clients watches it."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.exceptions import RedisError

from infra.redis import keys


async def is_heard(redis: Redis, topic: str) -> bool:
    """False too when Redis does not answer."""
    try:
        ((_, listeners),) = await redis.pubsub_numsub(keys.channel(topic))
    except (RedisError, OSError):
        return False
    return int(listeners) > 0
