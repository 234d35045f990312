"""What the handlers share: the keys of the app, WeChat's refusals, JSON in and out, times on the
wire.
"""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone
from typing import Any

from aiohttp import web

from sandbox.server.faults import Faults
from sandbox.server.keys import Identity
from sandbox.server.rules import Rulebook
from sandbox.server.store import Store

IDENTITY = web.AppKey("identity", Identity)
STORE = web.AppKey("store", Store)
FAULTS = web.AppKey("faults", Faults)
RULEBOOK = web.AppKey("rulebook", Rulebook)
TIME_FACTOR = web.AppKey("time_factor", float)

BEIJING = timezone(timedelta(hours=8))


class PayError(Exception):
    """An error of /v3: {"code": "PARAM_ERROR", "message": "..."} with its HTTP status."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(f"{status} {code} {message}")
        self.status, self.code, self.message = status, code, message


def param_error(message: str) -> PayError:
    return PayError(400, "PARAM_ERROR", message)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def rfc3339(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, BEIJING).isoformat()


def json_answer(content: Any, status: int = 200) -> web.Response:
    body = json.dumps(content, ensure_ascii=False).encode()
    return web.Response(body=body, status=status, content_type="application/json")


async def json_object(request: web.Request) -> dict[str, Any]:
    """The request's body as a JSON object, or PARAM_ERROR."""
    try:
        content = json.loads(await request.read())
    except (ValueError, RecursionError):
        raise param_error("the body is not JSON") from None
    if not isinstance(content, dict):
        raise param_error("the body is not a JSON object")
    return content


def text_field(fields: dict[str, Any], name: str, *, longest: int, optional: bool = False) -> str:
    """A text of 1 to `longest` characters, or PARAM_ERROR; "" when it is optional and absent."""
    value = fields.get(name)
    if optional and value in (None, ""):
        return ""
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise param_error(f"{name} must be text of 1 to {longest} characters")
    return value


def fen_field(fields: dict[str, Any], name: str) -> int:
    """A positive number of fen, or PARAM_ERROR."""
    value = fields.get(name)
    if type(value) is not int or not 0 < value <= 10**10:
        raise param_error(f"{name} must be a positive whole number of fen")
    return value


def object_field(fields: dict[str, Any], name: str) -> dict[str, Any]:
    value = fields.get(name)
    if not isinstance(value, dict):
        raise param_error(f"{name} must be an object")
    return value
