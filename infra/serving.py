"""Serving an aiohttp application until a signal ends it, as `web.run_app` does, and refusing what is no request in the
application's own words: aiohttp answers that before there is anything that a middleware could see.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from infra import logs
from infra.config import Config, ConfigError

BACKLOG = 4096
"""Connections that wait to be taken. Phones come back in thousands at once; the kernel may allow fewer (somaxconn)."""
KEEPALIVE_S, SHUTDOWN_S = 75.0, 3.0

Refuse = Callable[[BaseException], web.Response | None]
"""The answer to what could not be handled as a request; None: aiohttp's own."""


class _Connection(RequestHandler):
    """Asks its server what to say."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        server = self._manager
        assert isinstance(server, _Server)
        answer = server.refuse(exc) if exc is not None and not request.writer.output_size else None
        if answer is None:
            return super().handle_error(request, status, exc, message)
        answer.force_close()
        return answer


class _Server(web.Server):
    def __init__(self, made: web.Server, refuse: Refuse) -> None:
        super().__init__(
            self._handle, request_factory=made.request_factory, loop=made._loop, **made._kwargs
        )
        self.refuse = refuse
        self._inner = made.request_handler

    def __call__(self) -> RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Some of aiohttp's refusals come before all middlewares."""
        try:
            return await self._inner(request)
        except web.HTTPException as refusal:
            return self.refuse(refusal) or refusal


class _Runner(web.AppRunner):
    def __init__(self, app: web.Application, refuse: Refuse, **options: Any) -> None:
        super().__init__(app, **options)
        self._refuse = refuse

    async def _make_server(self) -> web.Server:
        return _Server(await super()._make_server(), self._refuse)


def serve(
    name: str, make_app: Coroutine[Any, Any, web.Application], host: str, port: int,
    refuse: Refuse = lambda error: None,
) -> None:  # fmt: skip
    """Run an aiohttp application until SIGTERM or SIGINT."""
    config = Config.from_environment()
    logs.configure(name, config.text("NODE", name), config.text("LOG_LEVEL", "info"))
    try:
        _until_told(_serve(make_app, host, port, refuse))
    except ConfigError as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        print(f"cannot listen on {host}:{port}: {error.strerror}", file=sys.stderr)
        sys.exit(1)


def _until_told(serving: Coroutine[Any, Any, None]) -> None:
    """What is served ends first, and then all that runs beside it."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        loop = runner.get_loop()
        main = loop.create_task(serving)
        try:
            loop.run_until_complete(main)
        except (web.GracefulExit, KeyboardInterrupt):
            main.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                loop.run_until_complete(main)


async def _serve(
    make_app: Coroutine[Any, Any, web.Application], host: str, port: int, refuse: Refuse
) -> None:
    runner = _Runner(
        await make_app, refuse, handle_signals=True, access_log=None, keepalive_timeout=KEEPALIVE_S,
        shutdown_timeout=SHUTDOWN_S,
    )  # fmt: skip
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=BACKLOG).start()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
