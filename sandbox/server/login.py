"""GET /sns/jscode2session: a code works once, for five minutes."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace

from aiohttp import web

from sandbox.server.wire import IDENTITY, STORE, now_ms

CODE_LIFE_MS = 5 * 60 * 1000

BUSY = (-1, "system error")
INVALID_CREDENTIAL = (40001, "invalid credential, access_token is invalid or not latest")
BAD_APPID = (40013, "invalid appid")
BAD_CODE = (40029, "invalid code")
BAD_SECRET = (40125, "invalid appsecret")
USED_CODE = (40163, "code been used")


def mini_answer(content: object) -> web.Response:
    """api.weixin.qq.com says text/plain and means JSON."""
    return web.Response(text=json.dumps(content, ensure_ascii=False), content_type="text/plain")


def mini_error(error: tuple[int, str]) -> web.Response:
    errcode, errmsg = error
    return mini_answer({"errcode": errcode, "errmsg": errmsg})


def credential_error(request: web.Request, appid: object, secret: object) -> web.Response | None:
    account = request.app[IDENTITY].account
    if appid != account.appid:
        return mini_error(BAD_APPID)
    if secret != account.secret:
        return mini_error(BAD_SECRET)
    return None


async def jscode2session(request: web.Request) -> web.Response:
    query, store = request.query, request.app[STORE]
    refusal = credential_error(request, query.get("appid"), query.get("secret"))
    if refusal is not None:
        return refusal
    if query.get("grant_type") != "authorization_code":
        return mini_error((40002, "invalid grant_type"))
    code = store.code(query.get("js_code", ""))
    if code is None or now_ms() - code.made_at_ms > CODE_LIFE_MS:
        return mini_error(BAD_CODE)
    if code.used:
        return mini_error(USED_CODE)
    store.save(replace(code, used=1))
    digest = hashlib.md5(code.code.encode(), usedforsecurity=False).digest()
    answer = {"openid": code.openid, "session_key": base64.b64encode(digest).decode()}
    if code.unionid is not None:
        answer["unionid"] = code.unionid
    return mini_answer(answer)
