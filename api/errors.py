"""Refusals as HTTP: one envelope, one table from the error tree to statuses."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from infra import wire
from market.kernel.errors import (
    BadInput,
    BadSignature,
    Conflict,
    Forbidden,
    Limited,
    MarketError,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
)  # fmt: skip

STATUSES: tuple[tuple[type[MarketError], int], ...] = (
    (TooLarge, 413),
    (BadInput, 400),
    (BadSignature, 403),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Limited, 429),
    (Unavailable, 503),
    (MarketError, 500),
)
"""The first that fits."""

HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "invalid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBody:
    """`code` is stable; `retryable`: the same request with the same idempotency key may succeed later."""

    code: str
    message: str
    retryable: bool
    data: dict[str, Any]
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorEnvelope:
    """Every refusal of the REST API."""

    error: ErrorBody


def status_of(error: MarketError) -> int:
    return next(status for type_, status in STATUSES if isinstance(error, type_))


def response(error: MarketError, request_id: str) -> web.Response:
    return _response(
        status_of(error), error.code, error.message, error.retryable, dict(error.data), request_id
    )


def http_response(error: web.HTTPException, request_id: str) -> web.Response:
    """aiohttp's own refusals (no such path, body too large) in our envelope."""
    code = HTTP_CODES.get(error.status, "invalid" if error.status < 500 else "internal")
    answer = _response(error.status, code, error.reason, False, {}, request_id)
    if "Allow" in error.headers:
        answer.headers["Allow"] = error.headers["Allow"]
    return answer


def malformed(error: BaseException) -> web.Response | None:
    """What is not even HTTP, or refused before there is a request. None for what is nobody's bad input."""
    request_id = secrets.token_hex(8)
    match error:
        case LineTooLong():
            answer = response(TooLarge("a line of the head is too long"), request_id)
        case HttpProcessingError():
            answer = response(BadInput("this is no well-formed HTTP request"), request_id)
        case web.HTTPException():
            answer = http_response(error, request_id)
        case _:
            return None
    answer.headers["X-Request-Id"] = request_id
    return answer


def _response(
    status: int, code: str, message: str, retryable: bool, data: dict[str, Any], request_id: str
) -> web.Response:
    body = ErrorBody(
        code=code, message=message, retryable=retryable, data=data, request_id=request_id
    )
    headers = {"Retry-After": "1"} if status in (429, 503) else None
    return web.Response(
        status=status, body=wire.json(ErrorEnvelope(error=body)), content_type="application/json",
        headers=headers,
    )  # fmt: skip
