"""A python-socketio server as its documentation deploys one: AsyncServer, AsyncRedisManager, WebSocket transport, uvloop.

Runs in the peers' own environment. `--on aiohttp` and `--on uvicorn` are the two asyncio deployments which the
documentation names; no extension is negotiated on the sockets, because the clients offer none.
"""

from __future__ import annotations

import argparse
from typing import Any

import socketio  # type: ignore[import-untyped]
import uvicorn  # type: ignore[import-not-found]
import uvloop
from aiohttp import web


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--redis", required=True)
    parser.add_argument("--on", choices=("aiohttp", "uvicorn"), required=True)
    options = parser.parse_args()
    if options.on == "aiohttp":
        app = web.Application()
        make_server(options.redis, "aiohttp").attach(app)
        web.run_app(
            app, host="127.0.0.1", port=options.port, loop=uvloop.new_event_loop(), access_log=None
        )
    else:
        uvicorn.run(
            socketio.ASGIApp(make_server(options.redis, "asgi")),
            host="127.0.0.1", port=options.port, loop="uvloop", http="httptools", ws="websockets-sansio",
            ws_per_message_deflate=False, access_log=False, log_level="warning",
        )  # fmt: skip


def make_server(redis_url: str, mode: str) -> Any:
    server = socketio.AsyncServer(
        async_mode=mode,
        client_manager=socketio.AsyncRedisManager(redis_url),
        transports=["websocket"],
    )

    async def join(client: str, rooms: list[str]) -> int:
        for room in rooms:
            await server.enter_room(client, room)
        return len(rooms)

    server.on("join", handler=join)
    return server


main()
