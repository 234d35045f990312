"""/v3/refund/domestic/refunds: accepted at once, done a moment later.

Source: pay.weixin.qq.com, API v3: 退款申请, 查询单笔退款, with their error codes.

Repeating an out_refund_no gives the earlier refund again. Not enforced: the minute between two
partial refunds.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from dataclasses import replace
from typing import Any

from aiohttp import web

from sandbox.server.ecommerce.trades import check_url
from sandbox.server.errands import ERRANDS
from sandbox.server.notify import NOTIFIER, refund_resource
from sandbox.server.store import Refund, Store, Trade
from sandbox.server.wire import (
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


async def refund(request: web.Request) -> web.Response:
    asked, store = await json_object(request), request.app[STORE]
    out_refund_no = text_field(asked, "out_refund_no", longest=64)
    if not OUT_REFUND_NO.match(out_refund_no):
        raise param_error("out_refund_no must be of 0-9 A-Z a-z _ - | * @")
    text_field(asked, "reason", longest=80, optional=True)
    amount = object_field(asked, "amount")
    refund_fen, total_fen = fen_field(amount, "refund"), fen_field(amount, "total")
    if amount.get("currency") != "CNY":
        raise param_error("amount.currency must be CNY")
    notify_url = check_url(asked, optional=True)
    trade = _trade(store, asked)

    said = json.dumps([trade.out_trade_no, refund_fen, total_fen])
    known = store.refund(out_refund_no)
    if known is not None:
        if known.request != said:
            raise PayError(
                400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试"
            )
        return json_answer(refund_fields(known, trade))

    if trade.state not in ("SUCCESS", "REFUND"):
        raise PayError(400, "INVALID_REQUEST", "订单未支付")
    earlier = store.refunds_of(trade.out_trade_no)
    if total_fen != trade.amount_fen:
        raise PayError(400, "INVALID_REQUEST", "订单金额与实际支付金额不一致")
    if sum(r.refund_fen for r in earlier) + refund_fen > trade.amount_fen:
        raise PayError(403, "NOT_ENOUGH", "可退金额不足")
    if len(earlier) >= MOST_REFUNDS:
        raise PayError(400, "INVALID_REQUEST", "部分退款次数超限")
    new = Refund(
        out_refund_no=out_refund_no,
        refund_id=f"503{secrets.randbelow(10**26):026d}",
        out_trade_no=trade.out_trade_no,
        request=said,
        refund_fen=refund_fen,
        total_fen=total_fen,
        notify_url=notify_url or trade.notify_url,
        state="PROCESSING",
        made_at_ms=now_ms(),
        done_at_ms=None,
    )
    store.save(new)
    store.save(replace(trade, state="REFUND"))
    request.app[ERRANDS].run(settle(request.app, new))
    return json_answer(refund_fields(new, trade))


async def query_refund(request: web.Request) -> web.Response:
    store = request.app[STORE]
    known = store.refund(request.match_info["out_refund_no"])
    trade = None if known is None else store.trade(known.out_trade_no)
    if known is None or trade is None:
        raise PayError(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    return json_answer(refund_fields(known, trade))


async def settle(app: web.Application, refund: Refund) -> None:
    """The money arrives; the merchant is told."""
    await asyncio.sleep(SETTLES_AFTER_S * app[TIME_FACTOR])
    store = app[STORE]
    done = replace(refund, state="SUCCESS", done_at_ms=now_ms())
    store.save(done)
    trade = store.trade(refund.out_trade_no)
    assert trade is not None
    app[NOTIFIER].announce(
        "REFUND.SUCCESS",
        subject=done.out_refund_no,
        url=done.notify_url,
        resource=refund_resource(app, done, trade),
    )


def refund_fields(refund: Refund, trade: Trade) -> dict[str, Any]:
    """A refund on the wire: the answer to asking for it, and to querying it."""
    shown: dict[str, Any] = {
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "transaction_id": trade.transaction_id,
        "out_trade_no": refund.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": rfc3339(refund.made_at_ms),
        "status": refund.state,
        "funds_account": "AVAILABLE",
        "amount": {
            "total": refund.total_fen,
            "refund": refund.refund_fen,
            "payer_total": refund.total_fen,
            "payer_refund": refund.refund_fen,
            "settlement_refund": refund.refund_fen,
            "settlement_total": refund.total_fen,
            "discount_refund": 0,
            "currency": "CNY",
        },
        "promotion_detail": [],
    }
    if refund.done_at_ms is not None:
        shown["success_time"] = rfc3339(refund.done_at_ms)
    return shown


def _trade(store: Store, asked: dict[str, Any]) -> Trade:
    by_order = text_field(asked, "out_trade_no", longest=32, optional=True)
    by_id = text_field(asked, "transaction_id", longest=32, optional=True)
    if bool(by_order) == bool(by_id):
        raise param_error("give either out_trade_no or transaction_id")
    trade = store.trade(by_order) if by_order else store.trade_of_transaction(by_id)
    if trade is None:
        raise PayError(404, "RESOURCE_NOT_EXISTS", "订单不存在")
    return trade
