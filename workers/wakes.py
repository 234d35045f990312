"""Wakes jobs when Redis says that there is something new. Without Redis they poll."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog
from redis.exceptions import RedisError

from infra.redis.subscriber import open_subscriber
from workers.loop import Job

log = structlog.get_logger("wakes")


async def listen(url: str, channels: Mapping[str, Job]) -> None:
    """Until cancelled."""

    def wake(channel: bytes, _: bytes = b"") -> None:
        channels[channel.decode()].wake.set()

    while True:
        try:
            # Acknowledged, too: whatever was said before we listened.
            subscriber = await open_subscriber(url, wake, wake)
            try:
                subscriber.subscribe(channels)
                await subscriber.lost
            finally:
                subscriber.close()
        except (RedisError, OSError) as error:
            log.warning("redis is away; polling", error=str(error))
            await asyncio.sleep(0.5)
