"""/v3/ecommerce/refunds: accepted at once, done a moment later, from the sub-merchant's money.

Source: pay.weixin.qq.com, 平台收付通: 申请退款, 按商户退款单号查询退款, with their error codes.

Repeating an out_refund_no gives the earlier refund again. Two refunds of one order are a minute
apart, and there are 50 at most.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from dataclasses import replace
from typing import Any

from aiohttp import web

from sandbox.server.ecommerce import books
from sandbox.server.ecommerce.trades import check_sub_merchant, check_url
from sandbox.server.errands import ERRANDS
from sandbox.server.notify import NOTIFIER, refund_resource
from sandbox.server.store import Refund, Store, Trade
from sandbox.server.wire import (
    FAULTS,
    IDENTITY,
    RULEBOOK,
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

OUT_REFUND_NO = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}\Z")
SETTLES_AFTER_S = 10.0  # scaled by the time factor
MOST_REFUNDS = 50
WITHIN_MS = 365 * 86_400_000


async def apply(request: web.Request) -> web.Response:
    asked, store, now = await json_object(request), request.app[STORE], now_ms()
    out_refund_no = text_field(asked, "out_refund_no", longest=64)
    if not OUT_REFUND_NO.match(out_refund_no):
        raise param_error("out_refund_no must be of 0-9 A-Z a-z _ - | * @")
    if asked.get("sp_appid") != request.app[IDENTITY].account.appid:
        raise PayError(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
    sub_mchid = check_sub_merchant(request, asked)
    text_field(asked, "reason", longest=80, optional=True)
    amount = object_field(asked, "amount")
    refund_fen, total_fen = fen_field(amount, "refund"), fen_field(amount, "total")
    if amount.get("currency") != "CNY":
        raise param_error("amount.currency must be CNY")
    notify_url = check_url(asked, optional=True)
    trade = trade_of(store, asked, sub_mchid)

    said = json.dumps([trade.out_trade_no, refund_fen, total_fen])
    known = store.refund(out_refund_no)
    if known is not None:
        if known.request != said:
            raise PayError(
                400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试"
            )
        return json_answer(_accepted(known))

    if trade.paid_at_ms is None:
        raise PayError(400, "INVALID_REQUEST", "订单未支付")
    if now - trade.paid_at_ms > WITHIN_MS:
        raise PayError(403, "USER_ACCOUNT_ABNORMAL", "订单已超过可退款期限")
    earlier = [r for r in store.refunds_of(trade.out_trade_no) if r.state != "CLOSED"]
    if total_fen != trade.amount_fen:
        raise PayError(400, "INVALID_REQUEST", "订单金额与实际支付金额不一致")
    if len(earlier) >= MOST_REFUNDS:
        raise PayError(400, "INVALID_REQUEST", "部分退款次数超限")
    given_back_fen = sum(r.refund_fen for r in earlier)
    if given_back_fen + refund_fen > trade.amount_fen:
        raise PayError(403, "NOT_ENOUGH", "可退金额不足")
    rules = request.app[RULEBOOK].rules
    gap_ms = rules.refund_gap_s * request.app[TIME_FACTOR] * 1000
    if earlier and now - earlier[-1].made_at_ms < gap_ms:
        raise PayError(429, "FREQUENCY_LIMITED", "同一笔订单多次退款请间隔1分钟")
    new = Refund(
        out_refund_no=out_refund_no,
        refund_id=f"503{secrets.randbelow(10**26):026d}",
        out_trade_no=trade.out_trade_no,
        request=said,
        refund_fen=refund_fen,
        total_fen=total_fen,
        notify_url=notify_url or trade.notify_url,
        state="PROCESSING",
        made_at_ms=now,
        done_at_ms=None,
    )
    books.book_refund(store, trade, new, given_back_fen, rules.fee_bp, now)
    store.save(new)
    store.save(replace(trade, state="REFUND"))
    request.app[ERRANDS].run(settle(request.app, new))
    return json_answer(_accepted(new))


async def query(request: web.Request) -> web.Response:
    store = request.app[STORE]
    sub_mchid = check_sub_merchant(request, request.query)
    known = store.refund(request.match_info["out_refund_no"])
    trade = None if known is None else store.trade(known.out_trade_no)
    if known is None or trade is None or trade.sub_mchid != sub_mchid:
        raise PayError(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    shown = _accepted(known) | {
        "transaction_id": trade.transaction_id,
        "out_trade_no": trade.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "status": known.state,
    }
    if known.done_at_ms is not None:
        shown["success_time"] = rfc3339(known.done_at_ms)
    return json_answer(shown)


async def settle(app: web.Application, refund: Refund) -> None:
    """The money arrives, or does not; the merchant is told."""
    await asyncio.sleep(SETTLES_AFTER_S * app[TIME_FACTOR])
    store, fault = app[STORE], app[FAULTS].for_refund()
    state = {"refund_abnormal": "ABNORMAL", "refund_closed": "CLOSED"}.get(fault or "", "SUCCESS")
    done = replace(refund, state=state, done_at_ms=now_ms() if state == "SUCCESS" else None)
    trade = store.trade(refund.out_trade_no)
    assert trade is not None
    if state == "CLOSED":
        books.book_refund_undone(store, trade, done, now_ms())
    store.save(done)
    app[NOTIFIER].announce(
        f"REFUND.{state}",
        subject=done.out_refund_no,
        url=done.notify_url,
        resource=refund_resource(app, done, trade),
    )


def trade_of(store: Store, asked: dict[str, Any], sub_mchid: str) -> Trade:
    """The trade that out_trade_no or transaction_id names, and its sub-merchant owns."""
    by_order = text_field(asked, "out_trade_no", longest=32, optional=True)
    by_id = text_field(asked, "transaction_id", longest=32, optional=True)
    if bool(by_order) == bool(by_id):
        raise param_error("give either out_trade_no or transaction_id")
    trade = store.trade(by_order) if by_order else store.trade_of_transaction(by_id)
    if trade is None or trade.sub_mchid != sub_mchid:
        raise PayError(404, "RESOURCE_NOT_EXISTS", "订单不存在")
    return trade


def _accepted(refund: Refund) -> dict[str, Any]:
    """The answer to an application: it has no state, which only the query and the notice tell."""
    return {
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "create_time": rfc3339(refund.made_at_ms),
        "amount": {
            "refund": refund.refund_fen,
            "payer_refund": refund.refund_fen,
            "discount_refund": 0,
            "currency": "CNY",
        },
        "promotion_detail": [],
        "refund_account": "REFUND_SOURCE_SUB_MERCHANT",
    }
