"""The middlewares, outermost first:

open_to_browsers   lets the phone page, served from elsewhere, call /sandbox/*
prove              signs every answer of /v3 with the platform's key
inject             faults, on WeChat's addresses only
refuse             PayError -> its JSON
demand             the merchant's signature on every request to /v3, for real
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from sandbox.server.crypto import authorization_fault, platform_headers
from sandbox.server.ecommerce.media import UPLOAD, described
from sandbox.server.faults import DELAY_S
from sandbox.server.login import BUSY, mini_error
from sandbox.server.wire import FAULTS, IDENTITY, PayError, json_answer, now_ms, param_error

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PAY = "/v3/"
MINI = ("/sns/", "/cgi-bin/", "/wxa/")
PHONE = "/sandbox/"
BILL = "/v3/billdownload/file"
WRONGLY = "wrongly signed"


@web.middleware
async def open_to_browsers(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not request.path.startswith(PHONE):
        return await handler(request)
    answer = web.Response() if request.method == "OPTIONS" else await handler(request)
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT"
    answer.headers["Access-Control-Allow-Headers"] = "Content-Type"
    return answer


@web.middleware
async def prove(request: web.Request, handler: Handler) -> web.StreamResponse:
    answer = await handler(request)
    # As documented: WeChat signs its answer once it has accepted the request's signature, unless it
    # is a bill.
    signed = request.path.startswith(PAY) and request.path != BILL
    if signed and isinstance(answer, web.Response) and answer.status != 401:
        ring = request.app[IDENTITY].ring
        body = answer.body if isinstance(answer.body, bytes) else b""
        if WRONGLY in request:
            body += b" "
        key_id = request.headers.get("Wechatpay-Serial", ring.newest_id)
        key = ring.key(key_id)
        if key is not None:
            answer.headers.update(platform_headers(key, key_id, body, now_ms() // 1000))
    return answer


@web.middleware
async def inject(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not request.path.startswith((PAY, *MINI)):
        return await handler(request)
    match request.app[FAULTS].for_call():
        case "error_before":
            return _system_error(request)
        case "error_after":
            await handler(request)
            return _system_error(request)
        case "drop_before":
            return _cut(request)
        case "drop_after":
            await handler(request)
            return _cut(request)
        case "delay":
            await asyncio.sleep(DELAY_S)
        case "answer_wrong_signature":
            request[WRONGLY] = True
    return await handler(request)


@web.middleware
async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except PayError as error:
        if request.path.startswith(MINI):
            return mini_error((47001, f"data format error: {error.message}"))
        return json_answer({"code": error.code, "message": error.message}, error.status)


@web.middleware
async def demand(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not request.path.startswith(PAY):
        return await handler(request)
    identity = request.app[IDENTITY]
    body = await described(request) if request.path == UPLOAD else await request.read()
    fault = authorization_fault(
        request.headers.get("Authorization", ""),
        key=identity.merchant_pub,
        mchid=identity.account.mchid,
        serial=identity.account.merchant_serial,
        method=request.method,
        target=request.raw_path,
        body=body,
        now_s=now_ms() // 1000,
    )
    if fault is not None:
        raise PayError(401, "SIGN_ERROR", fault)
    if identity.ring.key(request.headers.get("Wechatpay-Serial", identity.ring.newest_id)) is None:
        raise param_error("Wechatpay-Serial names a key that is not ours")
    if "application/json" not in request.headers.get("Accept", ""):
        raise param_error("Accept must be application/json")
    return await handler(request)


def _system_error(request: web.Request) -> web.Response:
    if request.path.startswith(MINI):
        return mini_error(BUSY)
    return json_answer({"code": "SYSTEM_ERROR", "message": "系统异常,请稍后重试"}, 500)


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
