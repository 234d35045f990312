"""Many commands in one trip. As redis-py's pipeline, but packed by hiredis: redis-py packs in Python."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import hiredis
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ResponseError

Command = tuple[Any, ...]


async def execute(redis: Redis, commands: Sequence[Command]) -> list[object]:
    """The answers, of which each may be a refusal (ResponseError). Raise RedisError or OSError when Redis is away."""
    packed = b"".join(map(hiredis.pack_command, commands))
    pool = redis.connection_pool
    connection: AbstractConnection = await pool.get_connection()  # type: ignore[no-untyped-call]

    async def exchange() -> list[object]:
        await connection.send_packed_command(packed)
        async with asyncio.timeout(connection.socket_timeout):
            return [await _answer(connection) for _ in commands]

    try:
        answers: list[object] = await connection.retry.call_with_retry(
            exchange, lambda _: connection.disconnect()
        )
    finally:
        await pool.release(connection)
    return answers


async def _answer(connection: AbstractConnection) -> object:
    try:
        return await connection.read_response(
            timeout=math.inf
        )  # `exchange` sets the limit, for all
    except ResponseError as refusal:
        return refusal
