"""Around every request: its id, who asks, what went wrong, how long it took."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache

import structlog
from aiohttp import web
from prometheus_client import Histogram

from api import errors
from api.bearers import Bearers
from infra.process import now_ms
from market.kernel.actor import ANONYMOUS, Actor
from market.kernel.errors import BadInput, MarketError, Unauthenticated

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

BEARERS: web.AppKey[Bearers] = web.AppKey("bearers", Bearers)
REQUEST_ID = web.RequestKey("request_id", str)

log = structlog.get_logger("api")
_SANE_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")

REQUEST_SECONDS = Histogram(
    "sharehub_http_request_seconds",
    "Time to answer a request, by route and status.",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
_seconds = lru_cache(1000)(REQUEST_SECONDS.labels)


@web.middleware
async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The request's id in answer and logs; every refusal in one envelope; never a stack trace outside."""
    given = request.headers.get("X-Request-Id", "")
    request_id = given if _SANE_ID.match(given) else secrets.token_hex(8)
    request[REQUEST_ID] = request_id
    started = time.perf_counter()
    # Nothing to unbind: a connection's requests come one after the other in one context, and each binds its own.
    structlog.contextvars.bind_contextvars(request_id=request_id)
    try:
        answer = await handler(request)
    except MarketError as error:
        answer = errors.response(error, request_id)
    except web.HTTPException as error:
        answer = errors.http_response(error, request_id)
    except (web.RequestPayloadError, ConnectionResetError):
        # Badly encoded, or its sender went away: nobody's fault here. (A wing's own lost connections are Unavailable.)
        answer = errors.response(BadInput("the body cannot be read"), request_id)
    except Exception:
        log.exception("unexpected error", method=request.method, path=request.path)
        answer = errors.response(MarketError("internal error"), request_id)
    seconds = time.perf_counter() - started
    resource = request.match_info.route.resource
    route = resource.canonical if resource else "(none)"
    _seconds(request.method, route, str(answer.status)).observe(seconds)
    log.info(
        "request", method=request.method, path=request.path, status=answer.status,
        ms=round(seconds * 1000, 2),
    )  # fmt: skip
    if not answer.prepared:
        answer.headers["X-Request-Id"] = request_id
    return answer


def actor_of(request: web.Request) -> Actor:
    """The bearer's identity; ANONYMOUS without a token. Raise Unauthenticated or TokenExpired for a bad one."""
    header = request.headers.get("Authorization")
    if header is None:
        return ANONYMOUS
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("the Authorization header is `Bearer <access token>`")
    return request.app[BEARERS].actor(token.strip(), now_ms())
