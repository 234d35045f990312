"""/sandbox/*: the user's finger on the phone, and the tester's on everything else. Never faulty.

POST /sandbox/login-code {"openid": "alice", "unionid"?: "..."} -> {"code": "..."}

GET  /sandbox/prepay?prepay_id=...  -> {"description", "amount_fen"}
POST /sandbox/pay {"prepay_id": "...", "delay_ms"?: 0, "after_expiry"?: false}
    The arguments of wx.requestPayment may be added ("timeStamp", "nonceStr", "package", "signType",
    "paySign"); they are then checked as WeChat does.

POST /sandbox/notify {"out_trade_no" or "out_refund_no": "...", "mode": "duplicate"}
    -> {"id": "...", "status": 200}

GET, PUT /sandbox/faults {"rate": 0.05, "kinds": [...], "next": [...]}

GET, PUT /sandbox/rules {"onboarding": "hold", "refund_gap_s": 0, "fee_bp": 60, ...}: see rules.py

POST /sandbox/onboarding {"out_request_no": "...", "decision": "accept", "reason"?: "..."}

GET /sandbox/balances -> {"balances": {MCHID: {"frozen_fen": 0, "available_fen": 0}}}

POST /sandbox/platform-keys {"kind"?: "certificate"} -> {"id": "..."}: notifications change to a new key

POST /sandbox/thaw {"transaction_id": "..."} -> {"released_fen": 0}: the 180 days are over

GET /sandbox/trades

Subscribe messages: see messages.py
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import asdict
from typing import Any

from aiohttp import web

from sandbox.server.crypto import matches
from sandbox.server.ecommerce.books import book_payment
from sandbox.server.ecommerce.trades import PREPAY_LIFE_MS, paid, trade_fields
from sandbox.server.errands import ERRANDS
from sandbox.server.faults import BadPlan
from sandbox.server.notify import NOTIFIER, new_notice
from sandbox.server.rules import BadRules
from sandbox.server.store import Code, Notice, Trade
from sandbox.server.wire import (
    FAULTS,
    IDENTITY,
    RULEBOOK,
    STORE,
    PayError,
    json_answer,
    json_object,
    now_ms,
    param_error,
    text_field,
)

LONGEST_DELAY_MS = 60_000
MODES = (
    "duplicate",
    "wrong_signature",
    "probe",
    "stale_timestamp",
    "amount_changed",
    "replay",
    "delayed",
)


async def make_login_code(request: web.Request) -> web.Response:
    asked = await json_object(request)
    openid = text_field(asked, "openid", longest=128)
    unionid = text_field(asked, "unionid", longest=128, optional=True) or None
    code = "0" + secrets.token_hex(16)[1:]
    request.app[STORE].save(
        Code(code=code, openid=openid, unionid=unionid, made_at_ms=now_ms(), used=0)
    )
    return json_answer({"code": code})


async def pay(request: web.Request) -> web.Response:
    """The user confirms the payment sheet. Answers once it is paid (after `delay_ms`), or says why
    it cannot be.
    """
    asked, store = await json_object(request), request.app[STORE]
    prepay_id = text_field(asked, "prepay_id", longest=64)
    delay_ms = asked.get("delay_ms", 0)
    if type(delay_ms) is not int or not 0 <= delay_ms <= LONGEST_DELAY_MS:
        raise param_error("delay_ms is between 0 and 60000")
    if "paySign" in asked:
        _check_client_params(request, asked, prepay_id)
    await asyncio.sleep(delay_ms / 1000)

    trade, now = store.trade_of_prepay(prepay_id), now_ms()
    if trade is None:
        raise PayError(404, "ORDER_NOT_EXIST", "no such prepay_id")
    if trade.paid_at_ms is not None:
        raise PayError(409, "ORDERPAID", "paid before")
    if not asked.get("after_expiry"):
        if trade.state == "CLOSED":
            raise PayError(400, "ORDER_CLOSED", "the merchant has closed it")
        if now >= min(trade.expires_at_ms, trade.prepay_at_ms + PREPAY_LIFE_MS):
            raise PayError(400, "EXPIRED", "time_expire, or the prepay_id's two hours, are over")
    trade = paid(trade, now)
    store.save(trade)
    book_payment(store, trade, request.app[RULEBOOK].rules.fee_bp, now)
    fields = trade_fields(request.app[IDENTITY].account, trade)
    request.app[NOTIFIER].announce(
        "TRANSACTION.SUCCESS",
        subject=trade.out_trade_no,
        url=trade.notify_url,
        resource=fields,
    )
    return json_answer(fields)


async def show_prepay(request: web.Request) -> web.Response:
    """What the payment sheet says: what for, and how much (fen)."""
    trade = request.app[STORE].trade_of_prepay(request.query.get("prepay_id", ""))
    if trade is None:
        raise PayError(404, "ORDER_NOT_EXIST", "no such prepay_id")
    return json_answer({"description": trade.description, "amount_fen": trade.amount_fen})


async def notify(request: web.Request) -> web.Response:
    """One more notification, hostile in the way asked for. `status` is what the receiver answered,
    or null.

    For a trade that nobody has paid, it claims that somebody has.
    """
    asked, notifier = await json_object(request), request.app[NOTIFIER]
    mode = asked.get("mode")
    if mode not in MODES:
        raise param_error(f"mode is one of {', '.join(MODES)}")
    notice = _notice(request, asked)
    if mode == "delayed":
        request.app[ERRANDS].run(notifier.post_later(notice))
        return json_answer({"id": notice.id, "status": None}, 202)
    if mode == "replay":
        wire = notifier.last_sent(notice.subject)
        if wire is None:
            raise PayError(409, "NOTHING_SENT", "nothing was sent since the sandbox started")
    else:
        wire = notifier.compose(
            notice,
            wrong_signature=mode == "wrong_signature",
            stale=mode == "stale_timestamp",
            amount_changed=mode == "amount_changed",
            probe=mode == "probe",
        )
    return json_answer({"id": notice.id, "status": await notifier.post(notice, wire)})


async def show_faults(request: web.Request) -> web.Response:
    return json_answer(request.app[FAULTS].report())


async def plan_faults(request: web.Request) -> web.Response:
    try:
        request.app[FAULTS].plan(await json_object(request))
    except BadPlan as problem:
        raise param_error(str(problem)) from None
    return json_answer(request.app[FAULTS].report())


async def show_rules(request: web.Request) -> web.Response:
    return json_answer(asdict(request.app[RULEBOOK].rules))


async def bend_rules(request: web.Request) -> web.Response:
    book = request.app[RULEBOOK]
    try:
        book.rules = book.rules.bent(await json_object(request))
    except BadRules as problem:
        raise param_error(str(problem)) from None
    return json_answer(asdict(book.rules))


async def renew_key(request: web.Request) -> web.Response:
    """From now on notifications are signed by a new key; its public part is in platform_keys/ID.pem."""
    kind = (await json_object(request)).get("kind", "public_key")
    if kind not in ("public_key", "certificate"):
        raise param_error("kind is public_key or certificate")
    key_id = request.app[IDENTITY].ring.renew(certificate=kind == "certificate")
    return json_answer({"id": key_id})


async def show_balances(request: web.Request) -> web.Response:
    return json_answer({"balances": request.app[STORE].balances()})


async def list_trades(request: web.Request) -> web.Response:
    store = request.app[STORE]
    trades: list[dict[str, Any]] = []
    for trade in store.trades():
        shown = asdict(trade)
        del shown["request"]
        shown["refunds"] = [
            {"out_refund_no": r.out_refund_no, "refund_fen": r.refund_fen, "state": r.state}
            for r in store.refunds_of(trade.out_trade_no)
        ]
        trades.append(shown)
    return json_answer({"trades": trades})


def _notice(request: web.Request, asked: dict[str, Any]) -> Notice:
    store = request.app[STORE]
    subject = asked.get("out_refund_no") or asked.get("out_trade_no")
    if not isinstance(subject, str):
        raise param_error("give out_trade_no or out_refund_no")
    notice = store.notice_about(subject)
    if notice is not None:
        return notice
    trade = store.trade(subject)
    if trade is None:
        raise PayError(404, "ORDER_NOT_EXIST", "no such number")
    return _forged(request, trade)


def _forged(request: web.Request, trade: Trade) -> Notice:
    fields = trade_fields(request.app[IDENTITY].account, paid(trade, now_ms()))
    return new_notice(
        "TRANSACTION.SUCCESS",
        subject=trade.out_trade_no,
        url=trade.notify_url,
        resource=fields,
    )


def _check_client_params(request: web.Request, asked: dict[str, Any], prepay_id: str) -> None:
    identity = request.app[IDENTITY]
    names = ("timeStamp", "nonceStr", "package")
    lines = [identity.account.appid, *(text_field(asked, name, longest=128) for name in names)]
    message = "".join(f"{line}\n" for line in lines).encode()
    signature = text_field(asked, "paySign", longest=512)
    if asked.get("signType") != "RSA" or asked["package"] != f"prepay_id={prepay_id}":
        raise PayError(400, "SIGN_ERROR", "signType must be RSA, package must be prepay_id=...")
    if not matches(identity.merchant_pub, signature, message):
        raise PayError(400, "SIGN_ERROR", "支付验证签名失败")
