"""/v3/pay/partner/transactions: order, query, close for a sub-merchant.

Source: pay.weixin.qq.com, 合作伙伴 API v3: 小程序下单, 商户订单号查询订单, 关闭订单, with their error
codes.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import replace
from datetime import datetime
from typing import Any

from aiohttp import web

from sandbox.server.keys import Account
from sandbox.server.store import Trade
from sandbox.server.wire import (
    IDENTITY,
    STORE,
    TIME_FACTOR,
    PayError,
    fen_field,
    json_answer,
    json_object,
    now_ms,
    object_field,
    param_error,
    rfc3339,
    text_field,
)

OUT_TRADE_NO = re.compile(r"[0-9A-Za-z_\-|*]{6,32}\Z")
PREPAY_LIFE_MS = 2 * 3600 * 1000
SOONEST_EXPIRY_MS = 60 * 1000  # scaled by the time factor, so that tests need not wait a minute
LATEST_EXPIRY_MS = 15 * 86400 * 1000
DEFAULT_EXPIRY_MS = 7 * 86400 * 1000

DESCRIPTIONS = {
    "NOTPAY": "订单未支付",
    "SUCCESS": "支付成功",
    "CLOSED": "订单已关闭",
    "REFUND": "订单发生过退款，退款详情请查询退款单",
}


async def prepay(request: web.Request) -> web.Response:
    """A new order, or the known one again if it is the same in every field."""
    asked, store, now = await json_object(request), request.app[STORE], now_ms()
    wished = _wished_trade(request, asked, now)
    known = store.trade(wished.out_trade_no)
    if known is None:
        if wished.expires_at_ms - now < SOONEST_EXPIRY_MS * request.app[TIME_FACTOR]:
            raise param_error("time_expire must be at least one minute away")
        store.save(wished)
        return json_answer({"prepay_id": wished.prepay_id})
    if known.state in ("SUCCESS", "REFUND"):
        raise PayError(400, "ORDERPAID", "该订单已支付")
    if known.state == "CLOSED":
        raise PayError(400, "ORDER_CLOSED", "该订单已关闭")
    if known.request != wished.request:
        raise PayError(403, "OUT_TRADE_NO_USED", "商户订单号重复")
    if known.expires_at_ms <= now:
        raise param_error("time_expire has passed")
    if now - known.prepay_at_ms >= PREPAY_LIFE_MS:
        known = replace(known, prepay_id=wished.prepay_id, prepay_at_ms=now)
        store.save(known)
    return json_answer({"prepay_id": known.prepay_id})


async def query_by_out_trade_no(request: web.Request) -> web.Response:
    return _query(request, request.app[STORE].trade(request.match_info["out_trade_no"]))


async def query_by_id(request: web.Request) -> web.Response:
    return _query(
        request, request.app[STORE].trade_of_transaction(request.match_info["transaction_id"])
    )


async def close(request: web.Request) -> web.Response:
    asked = await json_object(request)
    sub_mchid = check_partner(request, asked)
    trade = request.app[STORE].trade(request.match_info["out_trade_no"])
    if trade is None or trade.sub_mchid != sub_mchid:
        raise PayError(404, "ORDER_NOT_EXIST", "订单不存在")
    if trade.state in ("SUCCESS", "REFUND"):
        raise PayError(400, "ORDERPAID", "该订单已支付")
    if trade.state == "CLOSED":
        raise PayError(400, "ORDER_CLOSED", "该订单已关闭")
    request.app[STORE].save(replace(trade, state="CLOSED"))
    return web.Response(status=204)


def trade_fields(account: Account, trade: Trade) -> dict[str, Any]:
    """A trade on the wire: the answer to a query, and the resource of TRANSACTION.SUCCESS.

    As WeChat documents it, the amount is there once the trade is paid, and not before.
    """
    shown: dict[str, Any] = {
        "sp_appid": account.appid,
        "sp_mchid": account.mchid,
        "sub_mchid": trade.sub_mchid,
        "out_trade_no": trade.out_trade_no,
        "trade_state": trade.state,
        "trade_state_desc": DESCRIPTIONS[trade.state],
        "attach": trade.attach,
        "payer": {},
        "promotion_detail": [],
    }
    if trade.paid_at_ms is not None:
        shown |= {
            "transaction_id": trade.transaction_id,
            "trade_type": "JSAPI",
            "bank_type": "OTHERS",
            "success_time": rfc3339(trade.paid_at_ms),
            "payer": {"sp_openid": trade.openid},
            "amount": {
                "total": trade.amount_fen,
                "payer_total": trade.amount_fen,
                "currency": "CNY",
                "payer_currency": "CNY",
            },
        }
    return shown


def paid(trade: Trade, at_ms: int) -> Trade:
    """The trade once its payer has confirmed."""
    number = f"4200{secrets.randbelow(10**24):024d}"
    return replace(trade, state="SUCCESS", transaction_id=number, paid_at_ms=at_ms)


def check_url(fields: dict[str, Any], *, optional: bool = False) -> str:
    """notify_url. WeChat insists on https; a sandbox takes http too."""
    url = text_field(fields, "notify_url", longest=255, optional=optional)
    if url and (not url.startswith(("https://", "http://")) or "?" in url):
        raise param_error("notify_url must be a URL without a query")
    return url


def check_partner(request: web.Request, fields: Any) -> str:
    """The sub_mchid of a sub-merchant who is one of the signing platform's, or its refusal."""
    if fields.get("sp_mchid") != request.app[IDENTITY].account.mchid:
        raise param_error("sp_mchid must be the platform that signed")
    return check_sub_merchant(request, fields)


def check_sub_merchant(request: web.Request, fields: Any) -> str:
    sub_mchid = fields.get("sub_mchid")
    if not isinstance(sub_mchid, str) or request.app[STORE].sub_merchant(sub_mchid) is None:
        raise PayError(403, "NO_AUTH", "商户号与平台无绑定关系，或二级商户未完成入驻")
    return sub_mchid


def _query(request: web.Request, trade: Trade | None) -> web.Response:
    sub_mchid = check_partner(request, request.query)
    if trade is None or trade.sub_mchid != sub_mchid:
        raise PayError(404, "ORDER_NOT_EXIST", "订单不存在")
    return json_answer(trade_fields(request.app[IDENTITY].account, trade))


def _wished_trade(request: web.Request, asked: dict[str, Any], now: int) -> Trade:
    """The trade that a prepay asks for, or its refusal."""
    sub_mchid = check_partner(request, asked)
    if asked.get("sp_appid") != request.app[IDENTITY].account.appid:
        raise PayError(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
    settle = asked.get("settle_info") or {}
    if not isinstance(settle, dict) or type(settle.get("profit_sharing", False)) is not bool:
        raise param_error("settle_info.profit_sharing must be true or false")
    out_trade_no = text_field(asked, "out_trade_no", longest=32)
    if not OUT_TRADE_NO.match(out_trade_no):
        raise param_error("out_trade_no must be 6 to 32 of 0-9 A-Z a-z _ - | *")
    amount = object_field(asked, "amount")
    if amount.get("currency", "CNY") != "CNY":
        raise param_error("amount.currency must be CNY")
    return Trade(
        out_trade_no=out_trade_no,
        prepay_id="wx" + secrets.token_hex(17),
        prepay_at_ms=now,
        request=json.dumps(asked, sort_keys=True),
        description=text_field(asked, "description", longest=127),
        amount_fen=fen_field(amount, "total"),
        openid=text_field(object_field(asked, "payer"), "sp_openid", longest=128),
        attach=text_field(asked, "attach", longest=128, optional=True),
        notify_url=check_url(asked),
        expires_at_ms=_expiry(asked.get("time_expire"), now),
        state="NOTPAY",
        transaction_id=None,
        paid_at_ms=None,
        sub_mchid=sub_mchid,
        sharing=int(settle.get("profit_sharing", False)),
    )


def _expiry(given: object, now: int) -> int:
    if given is None:
        return now + DEFAULT_EXPIRY_MS
    try:
        at = datetime.fromisoformat(given) if isinstance(given, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise param_error("time_expire must be RFC 3339 with an offset")
    at_ms = int(at.timestamp()) * 1000
    if at_ms - now > LATEST_EXPIRY_MS:
        raise param_error("time_expire must be within 15 days")
    return at_ms
