"""python -m hub --port N"""

from __future__ import annotations

import asyncio
import os
import signal

from aiohttp import web

from hub.app import NODE, make_app
from infra.config import Config
from infra.process import arguments
from infra.serving import serve


async def make_draining_app(config: Config) -> web.Application:
    app = await make_app(config)
    app.on_startup.append(drain_on_sigterm)
    return app


async def drain_on_sigterm(app: web.Application) -> None:
    """Drain while the server lives: once aiohttp has begun to shut down, it hears nothing of what clients say."""
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    def end() -> None:
        raise web.GracefulExit

    async def drain() -> None:
        await app[NODE].drain()
        os.kill(os.getpid(), signal.SIGTERM)

    def begin() -> None:
        loop.add_signal_handler(signal.SIGTERM, end)  # who says it twice means it
        tasks.add(loop.create_task(drain()))

    loop.add_signal_handler(signal.SIGTERM, begin)


def main() -> None:
    args = arguments("hub", "The WebSocket hub.")
    serve("hub", make_draining_app(Config.from_environment()), args.host, args.port)


main()
