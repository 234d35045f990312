"""Many commands in one trip. As redis-py's pipeline, but packed by hiredis: redis-py packs in Python."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import hiredis
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.commands.core import AsyncScript
from redis.exceptions import NoScriptError, RedisError, ResponseError

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


async def evaluate(redis: Redis, script: AsyncScript, commands: Sequence[Command]) -> list[object]:
    """As `execute`, for commands of which some are EVALSHA of this script, which is loaded if need be. Raise the first refusal,
    too."""
    answers = await execute(redis, commands)
    again = [n for n, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
    if again:
        await redis.script_load(script.script)
        answered = await execute(redis, [commands[n] for n in again])
        for n, answer in zip(again, answered, strict=True):
            answers[n] = answer
    for answer in answers:
        if isinstance(answer, RedisError):
            raise answer
    return answers


async def _answer(connection: AbstractConnection) -> object:
    try:
        return await connection.read_response(
            timeout=math.inf
        )  # `exchange` sets the limit, for all
    except ResponseError as refusal:
        return refusal
