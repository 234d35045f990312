"""What WeChat Pay says of a payment and of a refund, as values. Amounts are integer fen, times UTC
milliseconds.

Source: pay.weixin.qq.com, 平台收付通: 商户订单号查询订单, 申请退款, 支付成功回调通知, 退款结果回调通知.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Literal

from infra.wechat.fields import Malformed, fen_of, object_of, text_of

TradeState = Literal["NOTPAY", "SUCCESS", "CLOSED", "REFUND"]
RefundState = Literal["PROCESSING", "SUCCESS", "CLOSED", "ABNORMAL"]

_TRADE_STATES: Mapping[str, TradeState] = {
    "NOTPAY": "NOTPAY",
    "SUCCESS": "SUCCESS",
    "CLOSED": "CLOSED",
    "REFUND": "REFUND",
    # The rest belongs to payment codes shown at a till; told apart only by whether the money has
    # come.
    "USERPAYING": "NOTPAY",
    "ACCEPT": "NOTPAY",
    "PAYERROR": "NOTPAY",
    "REVOKED": "CLOSED",
}
_REFUND_STATES: Mapping[str, RefundState] = {
    "PROCESSING": "PROCESSING",
    "SUCCESS": "SUCCESS",
    "CLOSED": "CLOSED",
    "ABNORMAL": "ABNORMAL",
}
_BEIJING = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepay:
    """An order at WeChat that waits for its payer; the id is good for two hours."""

    prepay_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A payment. REFUND means paid, and given back at least in part. `amount_fen` is 0 where WeChat does not say it: it
    promises the amount of what is paid only. `sub_mchid` is whose money it is.
    """

    out_trade_no: str
    transaction_id: str | None
    state: TradeState
    amount_fen: int
    payer_openid: str | None
    paid_at_ms: int | None
    sub_mchid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """A refund. PROCESSING: accepted and not yet done. ABNORMAL: the user's account does not take
    it.
    """

    out_refund_no: str
    refund_id: str
    state: RefundState


def trade_from(answer: object, *, appid: str, mchid: str) -> Trade:
    """Reads a query's answer or a notification's resource; raises Malformed, also if it is another
    platform's.
    """
    fields = object_of(answer)
    if fields.get("sp_appid") != appid or fields.get("sp_mchid") != mchid:
        raise Malformed("it belongs to another app or platform")
    state = _TRADE_STATES.get(text_of(fields, "trade_state"))
    if state is None:
        raise Malformed("unknown trade_state")
    paid = state in ("SUCCESS", "REFUND")
    amount = object_of(fields.get("amount") if paid else fields.get("amount") or {})
    if amount.get("currency", "CNY") != "CNY":
        raise Malformed("amount is not in CNY")
    payer = object_of(fields.get("payer") or {})
    paid_at = fields.get("success_time")
    return Trade(
        out_trade_no=text_of(fields, "out_trade_no"),
        transaction_id=text_of(fields, "transaction_id") if paid else None,
        state=state,
        amount_fen=fen_of(amount, "total") if paid or "total" in amount else 0,
        payer_openid=text_of(payer, "sp_openid") if payer.get("sp_openid") is not None else None,
        paid_at_ms=_ms(paid_at) if paid and paid_at is not None else None,
        sub_mchid=text_of(fields, "sub_mchid"),
    )


def prepay_from(answer: object) -> Prepay:
    """Reads the answer to an order; raises Malformed."""
    return Prepay(prepay_id=text_of(object_of(answer), "prepay_id"))


def refund_from(answer: object) -> Refund:
    """Reads the answer to a refund's query; raises Malformed."""
    return _refund(object_of(answer), "status")


def accepted_refund_from(answer: object) -> Refund:
    """Reads the answer to a refund, which names no state: it is under way; raises Malformed."""
    return _refund({"status": "PROCESSING"} | dict(object_of(answer)), "status")


def notified_refund_from(answer: object, *, mchid: str) -> Refund:
    """Reads a notification's resource, where the state has another name; raises Malformed."""
    fields = object_of(answer)
    if fields.get("sp_mchid") != mchid:
        raise Malformed("it belongs to another platform")
    return _refund(fields, "refund_status")


def rfc3339(at_ms: int) -> str:
    """1782288000000 -> 2026-06-24T16:00:00+08:00. WeChat reads whole seconds, so it rounds down."""
    return datetime.fromtimestamp(at_ms // 1000, _BEIJING).isoformat()


def _refund(fields: Mapping[str, Any], state_field: str) -> Refund:
    state = _REFUND_STATES.get(text_of(fields, state_field))
    if state is None:
        raise Malformed(f"unknown {state_field}")
    return Refund(
        out_refund_no=text_of(fields, "out_refund_no"),
        refund_id=text_of(fields, "refund_id"),
        state=state,
    )


def _ms(value: object) -> int:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Malformed("a time is not RFC 3339")
    since = at.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(milliseconds=1)
