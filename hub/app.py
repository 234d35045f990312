"""The hub's application: one WebSocket endpoint, and the ops routes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

from aiohttp import web

from hub.commands import WINGS
from hub.connection import Connection
from hub.node import Node, Settings
from hub.protocol import MAX_MESSAGE_BYTES, SUBPROTOCOLS
from infra import metrics
from infra.action import finish_running
from infra.config import Config
from infra.process import open_process
from market.wings import open_wings

NODE: web.AppKey[Node] = web.AppKey("node", Node)


async def make_app(config: Config) -> web.Application:
    app = web.Application()

    async def lifetime(app: web.Application) -> AsyncIterator[None]:
        async with open_process(config, pool_size=6) as process:
            app[NODE] = Node(process, await open_wings(process, WINGS), settings_of(config))
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
    default = Settings()
    return Settings(
        heartbeat_s=config.number("HUB_HEARTBEAT_S", default.heartbeat_s),
        pong_s=config.number("HUB_PONG_S", default.pong_s),
        connect_deadline_s=config.number("HUB_CONNECT_DEADLINE_S", default.connect_deadline_s),
        max_topics=config.integer("HUB_MAX_TOPICS", default.max_topics),
        commands_per_s=config.number("HUB_COMMANDS_PER_S", default.commands_per_s),
        command_burst=config.integer("HUB_COMMAND_BURST", default.command_burst),
        mailbox_bytes=config.integer("HUB_MAILBOX_BYTES", default.mailbox_bytes),
        audit_s=config.number("HUB_AUDIT_S", default.audit_s),
    )


async def websocket(request: web.Request) -> web.StreamResponse:
    """GET /ws, upgraded. JSON unless the client offers sharehub.v1.msgpack."""
    node = request.app[NODE]
    if node.draining:
        return web.Response(status=503, headers={"Retry-After": "1"})
    # No compression: it costs 95 KiB a connection. No drain per message: the mailbox watches the buffer.
    # aiohttp refuses what reaches its limit, ours is the largest message that is taken.
    socket = web.WebSocketResponse(
        protocols=SUBPROTOCOLS, compress=False, max_msg_size=MAX_MESSAGE_BYTES + 1
    )
    await socket.prepare(request)
    transport = cast(asyncio.Transport, request.transport)
    encoding = "msgpack" if socket.ws_protocol == SUBPROTOCOLS[0] else "json"
    await Connection(node, socket, transport, encoding).serve()  # type: ignore[arg-type]
    return socket
