"""/v3/ecommerce/profitsharing: the platform's part of a payment, and the release of the rest.

Source: pay.weixin.qq.com, 平台收付通: 请求分账, 查询分账结果, 完结分账, 查询订单剩余待分金额, 添加分账接收方.

A number that was used before answers with what it did then, also across the two kinds. The platform
itself is a receiver from the start.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import replace
from typing import Any

from aiohttp import web

from sandbox.server.ecommerce import books
from sandbox.server.ecommerce.refunds import OUT_REFUND_NO as OUT_ORDER_NO
from sandbox.server.ecommerce.trades import check_sub_merchant
from sandbox.server.errands import ERRANDS
from sandbox.server.store import Receiver, Share, Trade
from sandbox.server.wire import (
    IDENTITY,
    RULEBOOK,
    STORE,
    TIME_FACTOR,
    PayError,
    fen_field,
    json_answer,
    json_object,
    now_ms,
    param_error,
    rfc3339,
    text_field,
)

SETTLES_AFTER_S = 10.0  # scaled by the time factor
MOST_SHARES = 50
MOST_RECEIVERS = 50
TYPES = ("MERCHANT_ID", "PERSONAL_OPENID", "PERSONAL_SUB_OPENID")


async def add_receiver(request: web.Request) -> web.Response:
    asked = await json_object(request)
    _check_app(request, asked)
    kind, account = asked.get("type"), text_field(asked, "account", longest=64)
    if kind not in TYPES:
        raise param_error(f"type is one of {', '.join(TYPES)}")
    text_field(asked, "relation_type", longest=32)
    request.app[STORE].save(Receiver(account=account, type=kind))
    return json_answer({"type": kind, "account": account})


async def share(request: web.Request) -> web.Response:
    asked, store = await json_object(request), request.app[STORE]
    _check_app(request, asked)
    out_order_no, trade = _order(request, asked)
    parts = _parts(request, asked.get("receivers"))
    known = store.share(out_order_no)
    if known is None:
        if type(asked.get("finish", False)) is not bool:
            raise param_error("finish must be true or false")
        _check_open(request, trade)
        known = _new(out_order_no, trade, "share", parts, "")
        _check_amount(request, trade, known.amount_fen)
        store.save(known)
        accounts = [(part["receiver_account"], part["amount"]) for part in parts]
        books.book_share(store, trade, known, accounts, known.made_at_ms)
        if asked.get("finish"):
            known = replace(known, kind="finish")
            books.book_release(store, trade, known, known.made_at_ms)
            store.save(known)
        request.app[ERRANDS].run(settle(request.app, known))
    return json_answer(share_fields(request.app, known))


async def finish(request: web.Request) -> web.Response:
    asked, store = await json_object(request), request.app[STORE]
    out_order_no, trade = _order(request, asked)
    description = text_field(asked, "description", longest=80)
    known = store.share(out_order_no)
    if known is None:
        _check_open(request, trade)
        known = _new(out_order_no, trade, "finish", [], description)
        fen = books.book_release(store, trade, known, known.made_at_ms)
        known = replace(known, amount_fen=fen)
        store.save(known)
        request.app[ERRANDS].run(settle(request.app, known))
    names = ("sub_mchid", "transaction_id", "out_order_no", "order_id")
    return json_answer({name: getattr(known, name) for name in names})


async def query(request: web.Request) -> web.Response:
    out_order_no, trade = _order(request, request.query)
    known = request.app[STORE].share(out_order_no)
    if known is None or known.transaction_id != trade.transaction_id:
        raise PayError(404, "RESOURCE_NOT_EXISTS", "分账单不存在")
    shown = share_fields(request.app, known)
    if known.kind == "finish" and not shown["receivers"]:
        shown |= {"finish_amount": known.amount_fen, "finish_description": known.description}
    return json_answer(shown)


async def left(request: web.Request) -> web.Response:
    transaction_id = request.match_info["transaction_id"]
    if request.app[STORE].trade_of_transaction(transaction_id) is None:
        raise PayError(404, "RESOURCE_NOT_EXISTS", "订单不存在")
    fen = request.app[STORE].frozen_fen(transaction_id)
    return json_answer({"transaction_id": transaction_id, "unsplit_amount": fen})


async def thaw(request: web.Request) -> web.Response:
    """POST /sandbox/thaw {"transaction_id": "..."}: what WeChat does by itself after 180 days."""
    asked, store = await json_object(request), request.app[STORE]
    trade = store.trade_of_transaction(text_field(asked, "transaction_id", longest=32))
    if trade is None or not trade.sharing or books.is_finished(store, trade):
        raise PayError(409, "NOTHING_FROZEN", "no such payment, or nothing of it is frozen")
    thawed = _new(f"THAW{secrets.token_hex(12)}", trade, "finish", [], "冻结期满自动解冻")
    fen = books.book_release(store, trade, thawed, thawed.made_at_ms)
    store.save(replace(thawed, amount_fen=fen, state="FINISHED", done_at_ms=thawed.made_at_ms))
    return json_answer({"released_fen": fen})


async def settle(app: web.Application, share: Share) -> None:
    """The money has arrived; whoever wants to know asks."""
    await asyncio.sleep(SETTLES_AFTER_S * app[TIME_FACTOR])
    app[STORE].save(replace(share, state="FINISHED", done_at_ms=now_ms()))


def share_fields(app: web.Application, share: Share) -> dict[str, Any]:
    done = share.state == "FINISHED"
    receivers = json.loads(share.receivers)
    for receiver in receivers:
        receiver["result"] = "SUCCESS" if done else "PENDING"
        if share.done_at_ms is not None:
            receiver["finish_time"] = rfc3339(share.done_at_ms)
    return {
        "sub_mchid": share.sub_mchid,
        "transaction_id": share.transaction_id,
        "out_order_no": share.out_order_no,
        "order_id": share.order_id,
        "status": share.state,
        "receivers": receivers,
    }


def _check_app(request: web.Request, asked: dict[str, Any]) -> None:
    if asked.get("appid") != request.app[IDENTITY].account.appid:
        raise PayError(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")


def _order(request: web.Request, asked: Any) -> tuple[str, Trade]:
    """The number, and the payment that it is about."""
    asked = dict(asked)
    sub_mchid = check_sub_merchant(request, asked)
    out_order_no = text_field(asked, "out_order_no", longest=64)
    if not OUT_ORDER_NO.match(out_order_no):
        raise param_error("out_order_no must be of 0-9 A-Z a-z _ - | * @")
    transaction_id = text_field(asked, "transaction_id", longest=32)
    trade = request.app[STORE].trade_of_transaction(transaction_id)
    if trade is None or trade.sub_mchid != sub_mchid:
        raise PayError(404, "RESOURCE_NOT_EXISTS", "订单不存在")
    return out_order_no, trade


def _parts(request: web.Request, receivers: object) -> list[dict[str, Any]]:
    if not isinstance(receivers, list) or not 0 < len(receivers) <= MOST_RECEIVERS:
        raise param_error("receivers are 1 to 50")
    return [_part(request, receiver) for receiver in receivers]


def _part(request: web.Request, receiver: object) -> dict[str, Any]:
    if not isinstance(receiver, dict) or receiver.get("type") not in TYPES:
        raise param_error(f"a receiver's type is one of {', '.join(TYPES)}")
    account = text_field(receiver, "receiver_account", longest=64)
    platform = account == request.app[IDENTITY].account.mchid
    if not platform and request.app[STORE].receiver(account) is None:
        raise PayError(400, "INVALID_REQUEST", "分账接收方未添加，请先添加分账接收方")
    return {
        "type": receiver["type"],
        "receiver_account": account,
        "receiver_mchid": account,
        "amount": fen_field(receiver, "amount"),
        "description": text_field(receiver, "description", longest=80),
        "detail_id": f"36011111{secrets.randbelow(10**20):020d}",
    }


def _check_open(request: web.Request, trade: Trade) -> None:
    """It can be shared now: paid long enough ago, frozen, and not released."""
    store, app = request.app[STORE], request.app
    if trade.paid_at_ms is None:
        raise PayError(400, "INVALID_REQUEST", "订单未支付")
    if not trade.sharing:
        raise PayError(400, "INVALID_REQUEST", "非分账订单不支持分账")
    wait_ms = app[RULEBOOK].rules.share_after_s * app[TIME_FACTOR] * 1000
    if now_ms() - trade.paid_at_ms < wait_ms:
        raise PayError(400, "INVALID_REQUEST", "订单处理中，暂时无法分账，请稍后再试")
    if books.is_finished(store, trade):
        raise PayError(400, "INVALID_REQUEST", "分账订单已完结")


def _check_amount(request: web.Request, trade: Trade, fen: int) -> None:
    store = request.app[STORE]
    assert trade.transaction_id is not None
    earlier = store.shares_of(trade.transaction_id)
    if len(earlier) >= MOST_SHARES:
        raise PayError(403, "RULE_LIMIT", "超出分账次数限制")
    total_fen = fen + sum(share.amount_fen for share in earlier)
    if total_fen * 100 > trade.amount_fen * request.app[RULEBOOK].rules.share_percent:
        raise PayError(403, "RULE_LIMIT", "超出最大分账比例")
    if fen > store.frozen_fen(trade.transaction_id):
        raise PayError(403, "NOT_ENOUGH", "分账金额不足")


def _new(
    out_order_no: str, trade: Trade, kind: str, parts: list[dict[str, Any]], description: str
) -> Share:
    assert trade.transaction_id is not None
    return Share(
        out_order_no=out_order_no,
        order_id=f"3008{secrets.randbelow(10**24):024d}",
        sub_mchid=trade.sub_mchid,
        transaction_id=trade.transaction_id,
        kind=kind,
        receivers=json.dumps(parts, ensure_ascii=False),
        amount_fen=sum(part["amount"] for part in parts),
        description=description,
        state="PROCESSING",
        made_at_ms=now_ms(),
        done_at_ms=None,
    )
