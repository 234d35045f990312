"""The hub's application: one WebSocket endpoint, and the ops routes."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import AsyncIterator
from typing import Any, cast

from aiohttp import web

from hub.commands import WINGS
from hub.connection import Connection
from hub.limits import REFUSED
from hub.node import Node, Settings
from hub.protocol import MAX_MESSAGE_BYTES, SUBPROTOCOLS, Encoding
from infra import metrics
from infra.action import finish_running
from infra.config import Config
from infra.process import leave_garbage_alone, open_process
from market.wings import open_wings

NODE: web.AppKey[Node] = web.AppKey("node", Node)


async def make_app(config: Config) -> web.Application:
    app = web.Application()

    async def lifetime(app: web.Application) -> AsyncIterator[None]:
        async with open_process(config, pool_size=6) as process:
            app[NODE] = Node(process, await open_wings(process, WINGS), settings_of(config))
            leave_garbage_alone()
            yield
            await finish_running(timeout_s=5)

    async def drain(app: web.Application) -> None:
        await app[NODE].drain()

    async def deaf() -> str | None:
        return await app[NODE].deaf()

    async def draining() -> str | None:
        return await app[NODE].is_draining()

    app.cleanup_ctx.append(lifetime)
    app.on_shutdown.append(drain)
    app.router.add_get("/ws", websocket)
    app.router.add_routes(metrics.routes({"redis": deaf, "drain": draining}))
    return app


def settings_of(config: Config) -> Settings:
    """Each is `SHAREHUB_HUB_` and its name."""

    def read(name: str, default: Any) -> Any:
        match default:
            case int():
                return config.integer(name, default)
            case float():
                return config.number(name, default)
            case _:
                return config.text(name, default)

    defaults = dataclasses.asdict(Settings())
    return Settings(**{name: read(f"HUB_{name.upper()}", d) for name, d in defaults.items()})


async def websocket(request: web.Request) -> web.StreamResponse:
    """GET /ws, upgraded. JSON unless the client offers sharehub.v1.msgpack."""
    node = request.app[NODE]
    settings = node.settings
    if node.draining:
        return _come_back(503)
    if len(node.connections) >= settings.max_connections:
        REFUSED.labels("connections").inc()
        return _come_back(503)
    address = request.headers.get(settings.address_header, "") if settings.address_header else ""
    address = address.rpartition(",")[2].strip() or request.remote or ""
    if node.crowd.refuses(address):
        REFUSED.labels("connections_of_address").inc()
        return _come_back(429)
    # No compression: it costs 95 KiB a connection. No drain per message: the mailbox watches the buffer.
    # aiohttp refuses what reaches its limit, ours is the largest message that is taken.
    socket = web.WebSocketResponse(
        protocols=SUBPROTOCOLS, compress=False, max_msg_size=MAX_MESSAGE_BYTES + 1
    )
    node.crowd.enter(address)
    try:
        await socket.prepare(request)
        transport = cast(asyncio.Transport, request.transport)
        encoding: Encoding = "msgpack" if socket.ws_protocol == SUBPROTOCOLS[0] else "json"
        await Connection(node, socket, transport, encoding).serve()
    except ConnectionError:
        pass  # it went before it was let in
    finally:
        node.crowd.leave(address)
    return socket


def _come_back(status: int) -> web.Response:
    """Before the socket is open there is only HTTP to say it in."""
    return web.Response(status=status, headers={"Retry-After": str(random.randint(1, 5))})
