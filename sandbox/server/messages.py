"""Access tokens and subscribe messages: thin, with the documented errors a tester can ask for.

touser starting with "refuses-"         43101, the user has not subscribed
template_id starting with "bad"         40037
a `thing` over 20 characters            47003
"""

from __future__ import annotations

import json
import secrets
from collections import deque
from typing import Any

from aiohttp import web

from sandbox.server.login import INVALID_CREDENTIAL, credential_error, mini_answer, mini_error
from sandbox.server.wire import STORE, json_answer, json_object, now_ms

TOKEN_LIFE_MS = 7200 * 1000
LONGEST_THING = 20

MESSAGES = web.AppKey("messages", deque[dict[str, Any]])


async def stable_token(request: web.Request) -> web.Response:
    """The same token as long as it lives, unless force_refresh."""
    asked, store, now = await json_object(request), request.app[STORE], now_ms()
    refusal = credential_error(request, asked.get("appid"), asked.get("secret"))
    if refusal is not None:
        return refusal
    if asked.get("grant_type") != "client_credential":
        return mini_error((40002, "invalid grant_type"))
    kept = json.loads(store.setting("token") or "{}")
    if asked.get("force_refresh") or kept.get("expires_at_ms", 0) - now < 300_000:
        kept = {"token": secrets.token_urlsafe(96), "expires_at_ms": now + TOKEN_LIFE_MS}
        store.set("token", json.dumps(kept))
    left_s = (kept["expires_at_ms"] - now) // 1000
    return mini_answer({"access_token": kept["token"], "expires_in": left_s})


async def send_message(request: web.Request) -> web.Response:
    if not token_is_good(request):
        return mini_error(INVALID_CREDENTIAL)
    message = await json_object(request)
    touser, template, data = (message.get(name) for name in ("touser", "template_id", "data"))
    if not isinstance(touser, str) or not touser:
        return mini_error((40003, "invalid openid"))
    if not isinstance(template, str) or not template or template.startswith("bad"):
        return mini_error((40037, "invalid template_id"))
    if touser.startswith("refuses-"):
        return mini_error((43101, "user refuse to accept the msg"))
    if not isinstance(data, dict) or not all(_value_is_good(k, v) for k, v in data.items()):
        return mini_error((47003, "argument invalid"))
    request.app[MESSAGES].append({**message, "sent_at_ms": now_ms()})
    return mini_error((0, "ok"))


async def list_messages(request: web.Request) -> web.Response:
    """GET /sandbox/messages[?touser=]: the last 1000, oldest first."""
    touser = request.query.get("touser")
    messages = [m for m in request.app[MESSAGES] if touser in (None, m["touser"])]
    return json_answer({"messages": messages})


def token_is_good(request: web.Request) -> bool:
    kept = json.loads(request.app[STORE].setting("token") or "{}")
    given = request.query.get("access_token")
    return bool(kept) and given == kept["token"] and kept["expires_at_ms"] > now_ms()


def _value_is_good(name: object, field: object) -> bool:
    value = field.get("value") if isinstance(field, dict) else None
    if not isinstance(value, str | int) or value == "":
        return False
    return not str(name).startswith("thing") or len(str(value)) <= LONGEST_THING
