"""WeChat Pay v3, direct merchant, public-key mode: order, query, close, refund, and the
notifications of all that.

Why not the library `wechatpayv3` 2.0.4, which covers these calls: its gateway address is a literal
inside a private object, so it can only be pointed at a sandbox or at the backup host api2 by
writing to `client._core._gate_way`; it raises bare `Exception` for a wrong answer, accepts day-old
notifications and brings a second HTTP stack (httpx). What remains of it is little, in
`signing.py` and `gateway.py`; the tests let the library and this module check each other.

Source: pay.weixin.qq.com, API v3: 小程序下单 (prepay), 商户订单号查询订单 (query), 关闭订单 (close),
退款申请 (refund).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from infra.config import WechatPayConfig
from infra.wechat.fields import Malformed
from infra.wechat.gateway import Gateway, open_gateway, wall_clock_ms
from infra.wechat.notification import Notification, opened
from infra.wechat.signing import payment_params
from infra.wechat.trades import (
    Prepay,
    Refund,
    Trade,
    prepay_from,
    refund_from,
    rfc3339,
    trade_from,
)
from market.kernel.errors import Conflict

__all__ = ["Notification", "Prepay", "Refund", "Trade", "WechatPay", "wall_clock_ms"]

_CLOSED = ("ORDER_CLOSED", "ORDERCLOSED")


class WechatPay:
    """Use as `async with WechatPay(config) as pay`: entering reads the keys (ConfigError), leaving
    closes the connections.

    Every call may raise PaymentProviderError (no usable answer after the retries; retryable),
    NotFound (WeChat does not know the order or refund) or Conflict with `data["code"]`, WeChat's
    own code, such as ORDERPAID, ORDER_CLOSED, OUT_TRADE_NO_USED, NOT_ENOUGH, PARAM_ERROR. All may
    be repeated with the same numbers.
    """

    def __init__(
        self,
        config: WechatPayConfig,
        *,
        clock_ms: Callable[[], int] = wall_clock_ms,
        chance: random.Random | None = None,
    ) -> None:
        self._config = config
        self._clock_ms = clock_ms
        self._chance = chance or random.Random()
        self._stack = AsyncExitStack()
        self._gateway: Gateway | None = None

    async def __aenter__(self) -> Self:
        opening = open_gateway(self._config, self._clock_ms, self._chance)
        self._gateway = await self._stack.enter_async_context(opening)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._gateway = None
        await self._stack.aclose()

    async def prepay(
        self,
        *,
        out_trade_no: str,
        description: str,
        amount_fen: int,
        openid: str,
        expires_at_ms: int,
        attach: str = "",
    ) -> Prepay:
        """Opens the order at WeChat. Said again with the same fields, it renews the prepay_id.

        out_trade_no: 6 to 32 of [0-9A-Za-z_-|*]. description: up to 127 characters. expires_at_ms:
        at least a minute away, rounded down to a second, and fixed by the first call.
        """
        body: dict[str, Any] = {
            "appid": self._config.appid,
            "mchid": self._config.mchid,
            "description": description,
            "out_trade_no": out_trade_no,
            "time_expire": rfc3339(expires_at_ms),
            "notify_url": self._config.notify_url,
            "amount": {"total": amount_fen, "currency": "CNY"},
            "payer": {"openid": openid},
        }
        if attach:
            body["attach"] = attach
        return await self._open.call(
            "prepay", "POST", "/v3/pay/transactions/jsapi", body, prepay_from
        )

    def client_params(self, prepay_id: str, now_ms: int, nonce: str) -> dict[str, str]:
        """The arguments of wx.requestPayment, signed. Costs one RSA signature (about 1 ms), no
        network.
        """
        return payment_params(
            self._open.keys.merchant, self._config.appid, prepay_id, now_ms, nonce
        )

    async def query(self, out_trade_no: str) -> Trade:
        """What has become of the payment. NotFound if WeChat never heard of it."""
        path = f"/v3/pay/transactions/out-trade-no/{_quoted(out_trade_no)}"

        def read(answer: Any) -> Trade:
            trade = trade_from(answer, appid=self._config.appid, mchid=self._config.mchid)
            if trade.out_trade_no != out_trade_no:
                raise Malformed("it is another order's answer")
            return trade

        return await self._open.call(
            "query", "GET", f"{path}?mchid={_quoted(self._config.mchid)}", None, read
        )

    async def close(self, out_trade_no: str) -> None:
        """Nobody can pay it afterwards; closing a closed one is fine. Conflict ORDERPAID if
        somebody has.
        """
        path = f"/v3/pay/transactions/out-trade-no/{_quoted(out_trade_no)}/close"
        try:
            await self._open.call(
                "close", "POST", path, {"mchid": self._config.mchid}, lambda _: None
            )
        except Conflict as refusal:
            if refusal.data.get("code") not in _CLOSED:
                raise

    async def refund(
        self,
        *,
        out_trade_no: str,
        out_refund_no: str,
        refund_fen: int,
        total_fen: int,
        reason: str,
    ) -> Refund:
        """Asks to give back `refund_fen` of the `total_fen` that were paid. Accepted is not done:
        see the state.

        Repeat it with the same out_refund_no only; a new number refunds twice. At most 50 partial
        refunds of one payment, within 365 days. reason: up to 80 bytes, shown to the user.
        """
        body: dict[str, Any] = {
            "out_trade_no": out_trade_no,
            "out_refund_no": out_refund_no,
            "notify_url": self._config.notify_url,
            "amount": {"refund": refund_fen, "total": total_fen, "currency": "CNY"},
        }
        if reason:
            body["reason"] = reason
        return await self._open.call(
            "refund", "POST", "/v3/refund/domestic/refunds", body, _this_refund(out_refund_no)
        )

    async def query_refund(self, out_refund_no: str) -> Refund:
        """What has become of the refund. NotFound if WeChat never heard of it."""
        path = f"/v3/refund/domestic/refunds/{_quoted(out_refund_no)}"
        return await self._open.call("query_refund", "GET", path, None, _this_refund(out_refund_no))

    def open_notification(
        self, headers: Mapping[str, str], raw_body: bytes, now_ms: int
    ) -> Notification:
        """Proves and opens what was posted to notify_url; BadSignature for anything else. See
        notification.py.

        Within 300 s a repetition passes: remember `id` durably, and query the order before
        believing an amount.
        """
        return opened(self._open.keys.addressee, headers, raw_body, now_ms)

    @property
    def _open(self) -> Gateway:
        if self._gateway is None:
            raise RuntimeError("WechatPay is used outside of its `async with` block")
        return self._gateway


def _this_refund(out_refund_no: str) -> Callable[[Any], Refund]:
    def read(answer: Any) -> Refund:
        refund = refund_from(answer)
        if refund.out_refund_no != out_refund_no:
            raise Malformed("it is another refund's answer")
        return refund

    return read


def _quoted(part: str) -> str:
    return quote(part, safe="")
