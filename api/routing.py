"""Routes as data: from them the server, the OpenAPI file and the tests of every endpoint are made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from infra.action import AnyOperation
from market.kernel.actor import Actor

Caller = Callable[[Any, web.Request], Actor]
RawHandler = Callable[[Any, web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`{name}` in `path` is a field of what the operation takes; the rest comes from the JSON body, or the query for GET.

    `caller(wing, request)` says who asks where that may be more than the bearer of an access token.
    """

    method: str
    path: str
    operation: AnyOperation
    status: int = 200
    caller: Caller | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRoute:
    """An endpoint that is not JSON in, JSON out: callbacks and files. `handler(wing, request)`."""

    method: str
    path: str
    wing: str
    handler: RawHandler
    summary: str
    max_bytes: int = 64 * 1024


Routes = Sequence[Route | RawRoute]


def route(
    method: str, path: str, operation: AnyOperation, status: int = 200, caller: Caller | None = None
) -> Route:
    return Route(method=method, path=path, operation=operation, status=status, caller=caller)


def raw(
    method: str, path: str, wing: str, handler: RawHandler, summary: str, max_bytes: int = 64 * 1024
) -> RawRoute:
    return RawRoute(
        method=method, path=path, wing=wing, handler=handler, summary=summary, max_bytes=max_bytes
    )
