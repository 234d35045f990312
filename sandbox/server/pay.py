"""/v3/pay/transactions: order, query, close for a direct merchant.

Source: pay.weixin.qq.com, API v3: 小程序下单, 商户订单号查询订单, 关闭订单, with their error codes.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from sandbox.server.ecommerce import trades
from sandbox.server.store import Trade
from sandbox.server.wire import (
    IDENTITY,
    STORE,
    PayError,
    json_answer,
    json_object,
    now_ms,
    object_field,
    param_error,
    text_field,
)

LATEST_EXPIRY_MS = 90 * 86400 * 1000


async def prepay(request: web.Request) -> web.Response:
    asked, now = await json_object(request), now_ms()
    _check_merchant(request, asked.get("mchid"))
    if asked.get("appid") != request.app[IDENTITY].account.appid:
        raise PayError(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
    openid = text_field(object_field(asked, "payer"), "openid", longest=128)
    wished = trades.wished(
        asked, now, openid=openid, sub_mchid="", sharing=0, latest_ms=LATEST_EXPIRY_MS
    )
    return trades.opened(request, wished, now)


async def query_by_out_trade_no(request: web.Request) -> web.Response:
    trade = request.app[STORE].trade(request.match_info["out_trade_no"])
    return _query(request, trade)


async def query_by_id(request: web.Request) -> web.Response:
    trade = request.app[STORE].trade_of_transaction(request.match_info["transaction_id"])
    return _query(request, trade)


async def close(request: web.Request) -> web.Response:
    asked: dict[str, Any] = await json_object(request)
    _check_merchant(request, asked.get("mchid"))
    return trades.closed(request, request.app[STORE].trade(request.match_info["out_trade_no"]))


def _query(request: web.Request, trade: Trade | None) -> web.Response:
    _check_merchant(request, request.query.get("mchid"))
    if trade is None:
        raise PayError(404, "ORDER_NOT_EXIST", "订单不存在")
    return json_answer(trades.trade_fields(request.app[IDENTITY].account, trade))


def _check_merchant(request: web.Request, mchid: object) -> None:
    if mchid != request.app[IDENTITY].account.mchid:
        raise param_error("mchid must be the merchant who signed")
