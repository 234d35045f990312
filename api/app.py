"""The REST application: routes of the services asked for, and nothing else."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

import msgspec
from aiohttp import web

from api import openapi
from api.bearers import Bearers
from api.middleware import BEARERS, Handler, actor_of, around
from api.routing import RawRoute, Route, Routes
from infra import metrics, wire
from infra.action import finish_running
from infra.config import Config
from infra.process import leave_garbage_alone, now_ms, open_process
from market.kernel.errors import BadInput, TooLarge
from market.wings import open_wings

SERVICES = (
    "users", "listings", "orders", "payments", "ratings", "chat", "notices", "insights", "objects",
)  # fmt: skip
MAX_BODY_BYTES = 64 * 1024

WINGS: web.AppKey[dict[str, Any]] = web.AppKey("wings", dict)


def routes_of(service: str) -> Routes:
    routes: Routes = importlib.import_module(f"api.{service}").ROUTES
    return routes


def wings_of(routes: Routes) -> list[str]:
    return sorted({r.wing if isinstance(r, RawRoute) else r.operation.wing for r in routes})


async def make_app(services: Sequence[str], config: Config) -> web.Application:
    app = web.Application(middlewares=[around], client_max_size=MAX_BODY_BYTES)
    routes = [route for service in services for route in routes_of(service)]

    async def lifetime(app: web.Application) -> AsyncIterator[None]:
        async with open_process(config, pool_size=16, reads_replicas=True) as process:
            app[BEARERS] = Bearers(process.tokens)
            app[WINGS] = await open_wings(process, wings_of(routes))
            leave_garbage_alone()
            yield
            await finish_running(timeout_s=5)

    app.cleanup_ctx.append(lifetime)
    for route in routes:
        app.router.add_route(route.method, route.path, _handler(route))
    openapi.add(app, routes)
    app.router.add_routes(metrics.routes({"databases": _databases(app)}))
    return app


def _handler(route: Route | RawRoute) -> Handler:
    if isinstance(route, RawRoute):
        return _raw_handler(route)
    return _operation_handler(route)


def _raw_handler(route: RawRoute) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        if request.content_length is not None and request.content_length > route.max_bytes:
            raise TooLarge(limit_bytes=route.max_bytes)
        return await route.handler(request.app[WINGS][route.wing], request)

    return handle


def _operation_handler(route: Route) -> Handler:
    operation, reads = route.operation, route.method == "GET"

    async def handle(request: web.Request) -> web.StreamResponse:
        wing = request.app[WINGS][operation.wing]
        actor = route.caller(wing, request) if route.caller else actor_of(request)
        given: dict[str, object] = dict(request.query) if reads else await _body(request)
        result = await operation.perform(
            wing, actor, now_ms(), request.headers.get("Idempotency-Key"),
            {**given, **request.match_info}, strings=reads,
        )  # fmt: skip
        return web.Response(
            status=route.status, body=wire.json(result), content_type="application/json"
        )

    return handle


async def _body(request: web.Request) -> dict[str, object]:
    raw = await request.read()
    if not raw:
        return {}
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise BadInput("the body is a JSON object")
    return body


def _databases(app: web.Application) -> Callable[[], Any]:
    async def check() -> str | None:
        """Ready while at least one wing can be served: one database's absence is no reason to refuse the others."""
        wings = [wing for wing in app[WINGS].values() if hasattr(wing, "db")]
        # At once: nine databases that hang one after the other would outlast whoever asks.
        reasons = list(filter(None, await asyncio.gather(*map(_ping, wings))))
        return "; ".join(reasons) if wings and len(reasons) == len(wings) else None

    return check


async def _ping(wing: Any) -> str | None:
    try:
        await wing.db.ping()
    except Exception as error:
        return f"{wing.db.wing}: {error}"
    return None


def check_services(names: Iterable[str]) -> list[str]:
    """Raise ValueError with one sentence when a name is no service."""
    names = list(names)
    unknown = set(names) - set(SERVICES)
    if unknown:
        raise ValueError(
            f"no such service: {', '.join(sorted(unknown))}; there are {', '.join(SERVICES)}"
        )
    return names or list(SERVICES)
