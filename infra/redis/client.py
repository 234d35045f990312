"""Redis connections with explicit time limits, so that a dead server costs milliseconds and not minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from redis.asyncio import Connection, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as Disconnected

SCRIPTS = {
    file.stem: file.read_text(encoding="utf-8")
    for file in (Path(__file__).parent / "scripts").glob("*.lua")
}


class _Connection(Connection):
    """uvloop refuses to write to a socket that has just been closed with a RuntimeError, which redis-py does not know."""

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        try:
            await super().send_packed_command(command, check_health)
        except RuntimeError as error:
            await self.disconnect(nowait=True)
            raise Disconnected(str(error)) from error


def connect(url: str, *, timeout_s: float = 1.0, max_connections: int = 32) -> Redis:
    """Nothing is sent until the first command. A broken connection is retried once, at once."""
    return Redis.from_url(
        url,
        connection_class=_Connection,
        protocol=2,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        max_connections=max_connections,
        retry=Retry(NoBackoff(), 1),
        health_check_interval=0,
        driver_info=None,  # CLIENT SETINFO reads files at each connect, on the event loop
    )


def script(redis: Redis, name: str) -> AsyncScript:
    return redis.register_script(SCRIPTS[name])
