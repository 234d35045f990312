"""Wakes jobs when Redis says that there is something new. Without Redis they poll."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from infra.redis.client import connect
from workers.loop import Job

log = structlog.get_logger("wakes")


async def listen(url: str, channels: Mapping[str, Job]) -> None:
    """Until cancelled."""
    while True:
        redis: Redis = connect(url)
        try:
            async with redis.pubsub() as pubsub:
                await pubsub.subscribe(*channels)
                for job in channels.values():
                    job.wake.set()  # whatever was said before we listened
                while True:
                    message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=None)
                    if message is not None:
                        channels[message["channel"].decode()].wake.set()
        except (RedisError, OSError) as error:
            log.warning("redis is away; polling", error=str(error))
            await asyncio.sleep(0.5)
        finally:
            await redis.aclose()
