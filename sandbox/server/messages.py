"""Access tokens and subscribe messages, with the documented errors.

Templates are those of sandbox.json. What a phone's person has answered to wx.requestSubscribeMessage its phone tells here:

POST /sandbox/subscriptions {"openid": "alice", "answers": {TEMPLATE_ID: "accept" or "reject"}, "always"?: false}
GET /sandbox/subscriptions?openid= -> {"answers": {TEMPLATE_ID: {"remaining": 1, "always": ""}}}: `always` is what is not asked again
GET /sandbox/templates -> {"templates": {TEMPLATE_ID: {"name", "title"}}}
GET /sandbox/messages[?touser=][&after=]: the last 1000, oldest first, each with its number and what the person reads

One accept is good for one message. touser starting with "refuses-": 43101, whatever was answered.
"""

from __future__ import annotations

import json
import re
import secrets
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from sandbox.server.login import INVALID_CREDENTIAL, credential_error, mini_answer, mini_error
from sandbox.server.store import Subscription
from sandbox.server.wire import (  # fmt: skip
    IDENTITY,
    STORE,
    json_answer,
    json_object,
    now_ms,
    object_field,
    param_error,
    text_field,
)

TOKEN_LIFE_MS = 7200 * 1000
ANSWERS = ("accept", "reject")
_BLANK = r"(?!\s*\Z)"
_CLOCK = r"\d{4}年\d{1,2}月\d{1,2}日( \d{1,2}:\d{2})?"
VALUES: Mapping[str, str] = {
    "thing": _BLANK + r"[^\n\r\t]{1,20}",
    "number": r"-?\d{1,32}(\.\d+)?",
    "letter": r"[A-Za-z]{1,32}",
    "symbol": r"[^\w\s]{1,5}",
    "character_string": r"[\x21-\x7e]{1,32}",
    "time": rf"({_CLOCK}|\d{{1,2}}:\d{{2}})(~({_CLOCK}|\d{{1,2}}:\d{{2}}))?",
    "date": _CLOCK,
    "amount": r"[¥￥$]?\d{1,10}(\.\d{1,2})?元?",
    "phrase": r"[\u4e00-\u9fff]{1,5}",
    "name": r"[\u4e00-\u9fff]{1,10}|[A-Za-z\W]{1,20}",
}
"""What a value of each kind of field has to look like, as documented (参数值内容限制说明)."""


@dataclass(slots=True)
class Outbox:
    """What was sent since the sandbox started. `last` is the newest one's number."""

    messages: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=1000))
    last: int = 0


MESSAGES = web.AppKey("messages", Outbox)


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
    openid, data, page = message.get("touser"), message.get("data"), message.get("page", "")
    if not isinstance(openid, str) or not openid:
        return mini_error((40003, "invalid openid"))
    template = _template(request, message.get("template_id"))
    if template is None:
        return mini_error((40037, "invalid template_id"))
    if not isinstance(page, str) or page.startswith("/") or "://" in page:
        return mini_error((41030, "invalid page"))
    fault = _fault(template["fields"], data)
    if fault:
        return mini_error((47003, f"argument invalid! {fault}"))
    store = request.app[STORE]
    allowed = store.subscription(openid, template["id"])
    if openid.startswith("refuses-") or allowed is None or allowed.remaining < 1:
        return mini_error((43101, "user refuse to accept the msg"))
    store.save(replace(allowed, remaining=allowed.remaining - 1))
    sent = request.app[MESSAGES]
    sent.last += 1
    assert isinstance(data, dict)
    rows = [{"label": label, "value": str(data[name]["value"])} for name, label in template["fields"].items()]  # fmt: skip
    sent.messages.append(
        {**message, "number": sent.last, "title": template["title"], "rows": rows, "sent_at_ms": now_ms()}
    )  # fmt: skip
    return mini_answer({"errcode": 0, "errmsg": "ok", "msgid": secrets.randbits(62)})


async def answer_asking(request: web.Request) -> web.Response:
    """The person has looked at the sheet. Unknown templates are refused, as by wx.requestSubscribeMessage."""
    asked, store = await json_object(request), request.app[STORE]
    openid = text_field(asked, "openid", longest=128)
    answers = object_field(asked, "answers")
    if not 0 < len(answers) <= 3 or any(answer not in ANSWERS for answer in answers.values()):
        raise param_error("answers are accept or reject, for one to three templates")
    if any(_template(request, template_id) is None for template_id in answers):
        raise param_error("No template data return, verify the template id exist")
    for template_id, answer in answers.items():
        before = store.subscription(openid, template_id) or Subscription(
            id=f"{openid}/{template_id}", openid=openid, template_id=template_id, remaining=0, always=""
        )  # fmt: skip
        remaining = before.remaining + (answer == "accept")
        always = answer if asked.get("always") else before.always
        store.save(replace(before, remaining=remaining, always=always))
    return await list_answers(request, openid)


async def list_answers(request: web.Request, openid: str = "") -> web.Response:
    known = request.app[STORE].subscriptions_of(openid or request.query.get("openid", ""))
    answers = {s.template_id: {"remaining": s.remaining, "always": s.always} for s in known}
    return json_answer({"answers": answers})


async def list_templates(request: web.Request) -> web.Response:
    of = request.app[IDENTITY].account.templates
    return json_answer(
        {"templates": {t["id"]: {"name": name, "title": t["title"]} for name, t in of.items()}}
    )


async def list_messages(request: web.Request) -> web.Response:
    touser, after = request.query.get("touser"), request.query.get("after", "0")
    if not after.isdigit():
        raise param_error("after is a number")
    sent = request.app[MESSAGES]
    chosen = [m for m in sent.messages if touser in (None, m["touser"]) and m["number"] > int(after)]  # fmt: skip
    return json_answer({"messages": chosen, "last": sent.last})


def token_is_good(request: web.Request) -> bool:
    kept = json.loads(request.app[STORE].setting("token") or "{}")
    given = request.query.get("access_token")
    return bool(kept) and given == kept["token"] and kept["expires_at_ms"] > now_ms()


def _template(request: web.Request, template_id: object) -> dict[str, Any] | None:
    templates = request.app[IDENTITY].account.templates.values()
    return next((t for t in templates if t["id"] == template_id), None)


def _fault(fields: Mapping[str, str], data: object) -> str:
    """Which field is not as documented; empty when all are well."""
    if not isinstance(data, dict) or set(data) != set(fields):
        return "data"
    for name in fields:
        value = data[name].get("value") if isinstance(data[name], dict) else None
        kind = name.rstrip("0123456789")
        if not isinstance(value, str | int) or not re.fullmatch(VALUES[kind], str(value)):
            return f"data.{name}.value is invalid"
    return ""
