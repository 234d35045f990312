"""Connections to Redis that break while they are in use."""

from __future__ import annotations

import uvloop

from devkit.servers import PrivateServers
from infra.redis.client import connect


def test_a_socket_that_has_just_been_closed_is_made_anew(servers: PrivateServers) -> None:
    """As it is when Redis dies between two commands, on the loop that the product runs on."""

    async def body() -> None:
        redis = connect(servers.redis.url)
        try:
            assert await redis.ping()
            connection = await redis.connection_pool.get_connection()  # type: ignore[no-untyped-call]
            connection._writer.transport.abort()
            await redis.connection_pool.release(connection)
            assert await redis.ping()
        finally:
            await redis.aclose()

    uvloop.run(body())
