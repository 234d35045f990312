"""WeChat Pay v3 for a platform (平台收付通): the buyer pays a sub-merchant, whose money waits, frozen,
until the platform takes its commission and releases or returns the rest.

A refund before the release comes out of what is frozen, one after it out of the sub-merchant's
balance. Frozen money is released by WeChat itself after 180 days.

Source: pay.weixin.qq.com, 合作伙伴 API v3: 小程序下单 (prepay), 商户订单号查询订单 (query), 关闭订单
(close); 平台收付通: 图片上传 (upload), 提交申请单 (apply), 申请退款 (refund), 请求分账 (share), 完结分账 (finish); 申请交易账单 (bill).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlencode

from infra.config import WechatPayConfig
from infra.wechat.applyments import Application, Applyment, applyment_from, applyment_request
from infra.wechat.bills import BillKind, BillLine, lines_of, link_from, plain_bill
from infra.wechat.fields import Malformed, object_of, text_of
from infra.wechat.gateway import Gateway, open_gateway, wall_clock_ms
from infra.wechat.notification import Notification, opened
from infra.wechat.shares import Share, accepted_release_from, share_from
from infra.wechat.signing import payment_params, seal
from infra.wechat.trades import (
    Prepay,
    Refund,
    Trade,
    accepted_refund_from,
    prepay_from,
    refund_from,
    rfc3339,
    trade_from,
)
from market.kernel.errors import BadInput, Conflict, NotFound, PaymentProviderError

_TRANSACTIONS = "/v3/pay/partner/transactions"
_ECOMMERCE = "/v3/ecommerce"
_SHARING = f"{_ECOMMERCE}/profitsharing"
_BILLS: Mapping[BillKind, str] = {
    "trade": "/v3/bill/tradebill",
    "fundflow": "/v3/bill/fundflowbill",
}
UPLOAD = "/v3/merchant/media/upload"
LARGEST_PICTURE_BYTES = 2 << 20
_PICTURE = re.compile(r"[A-Za-z0-9.-]{1,100}\.(jpg|png|bmp)\Z")
_LATER = "请稍后再试"
_CLOSED = ("ORDER_CLOSED", "ORDERCLOSED")

T = TypeVar("T")


class WechatEcommerce:
    """Use as `async with WechatEcommerce(config) as pay`: entering reads the keys (ConfigError),
    leaving closes the connections.

    Every call may raise PaymentProviderError (no usable answer after the retries; retryable),
    NotFound (WeChat does not know the number) or Conflict with `data["code"]`, WeChat's own code,
    such as ORDERPAID, ORDER_CLOSED, OUT_TRADE_NO_USED, NOT_ENOUGH, NO_AUTH, PARAM_ERROR. All may be
    repeated with the same numbers.
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

    async def upload(self, *, filename: str, content: bytes) -> str:
        """Uploads a picture for an application, and returns its media id, good for that alone.

        filename: letters, digits, points and dashes, ending in jpg, png or bmp. content: 2 MB at most.
        """
        if not _PICTURE.match(filename) or not 0 < len(content) <= LARGEST_PICTURE_BYTES:
            raise BadInput("a picture is a jpg, png or bmp of up to 2 MB")

        def read(answer: object) -> str:
            return text_of(object_of(answer), "media_id")

        return await self._open.upload("upload", UPLOAD, filename, content, read)

    async def apply(self, *, out_request_no: str, application: Application) -> Applyment:
        """Hands the application in, unless it was before, and says how it stands. A rejected one is
        replaced by the next under its number; one that is under way or done is left alone.

        out_request_no: up to 124 characters, one for each owner. About 1 ms for each sensitive field.
        """
        try:
            known = await self.query_applyment(out_request_no)
            if known.state != "REJECTED":
                return known
        except NotFound:
            pass
        gateway = self._open
        key = gateway.keys.addressee.platform_keys[self._config.platform_key_id]
        body = applyment_request(out_request_no, application, lambda text: seal(key, text))
        await gateway.call("apply", "POST", f"{_ECOMMERCE}/applyments/", body, lambda _: None)
        return await self.query_applyment(out_request_no)

    async def query_applyment(self, out_request_no: str) -> Applyment:
        """How the application stands. NotFound if WeChat never heard of it."""
        path = f"{_ECOMMERCE}/applyments/out-request-no/{_quoted(out_request_no)}"
        read = _this("out_request_no", out_request_no, applyment_from)
        return await self._open.call("query_applyment", "GET", path, None, read)

    async def prepay(
        self,
        *,
        sub_mchid: str,
        out_trade_no: str,
        description: str,
        amount_fen: int,
        openid: str,
        expires_at_ms: int,
        attach: str = "",
    ) -> Prepay:
        """Opens the order at WeChat; what is paid is frozen. Said again with the same fields, it
        renews the prepay_id.

        out_trade_no: 6 to 32 of [0-9A-Za-z_-|*]. description: up to 127 characters. expires_at_ms:
        between a minute and 15 days away, rounded down to a second, and fixed by the first call.
        """
        body: dict[str, Any] = {
            "sp_appid": self._config.appid,
            "sp_mchid": self._config.mchid,
            "sub_mchid": sub_mchid,
            "description": description,
            "out_trade_no": out_trade_no,
            "time_expire": rfc3339(expires_at_ms),
            "notify_url": self._config.notify_url,
            "settle_info": {"profit_sharing": True},
            "amount": {"total": amount_fen, "currency": "CNY"},
            "payer": {"sp_openid": openid},
        }
        if attach:
            body["attach"] = attach
        return await self._open.call("prepay", "POST", f"{_TRANSACTIONS}/jsapi", body, prepay_from)

    def client_params(self, prepay_id: str, now_ms: int, nonce: str) -> dict[str, str]:
        """The arguments of wx.requestPayment, signed. Costs one RSA signature (about 1 ms), no
        network.
        """
        return payment_params(
            self._open.keys.merchant, self._config.appid, prepay_id, now_ms, nonce
        )

    async def query(self, *, sub_mchid: str, out_trade_no: str) -> Trade:
        """What has become of the payment. NotFound if WeChat never heard of it."""
        whose = urlencode({"sp_mchid": self._config.mchid, "sub_mchid": sub_mchid})
        path = f"{_TRANSACTIONS}/out-trade-no/{_quoted(out_trade_no)}?{whose}"

        def read(answer: object) -> Trade:
            trade = trade_from(answer, appid=self._config.appid, mchid=self._config.mchid)
            if trade.sub_mchid != sub_mchid:
                raise Malformed("it is another sub-merchant's")
            return trade

        return await self._open.call(
            "query", "GET", path, None, _this("out_trade_no", out_trade_no, read)
        )

    async def close(self, *, sub_mchid: str, out_trade_no: str) -> None:
        """Nobody can pay it afterwards; closing a closed one is fine. Conflict ORDERPAID if
        somebody has.
        """
        path = f"{_TRANSACTIONS}/out-trade-no/{_quoted(out_trade_no)}/close"
        body = {"sp_mchid": self._config.mchid, "sub_mchid": sub_mchid}
        try:
            await self._open.call("close", "POST", path, body, lambda _: None)
        except Conflict as refusal:
            if refusal.data.get("code") not in _CLOSED:
                raise

    async def refund(
        self,
        *,
        sub_mchid: str,
        out_trade_no: str,
        out_refund_no: str,
        refund_fen: int,
        total_fen: int,
        reason: str,
    ) -> Refund:
        """Asks to give back `refund_fen` of the `total_fen` that were paid. Accepted is not done:
        the state is PROCESSING, and the query or a notification tells the rest.

        Repeat it with the same out_refund_no only; a new number refunds twice. At most 50 partial
        refunds of one payment, a minute apart, within 365 days; sooner is PaymentProviderError.
        reason: up to 80 bytes, shown to the user.
        """
        body: dict[str, Any] = {
            "sub_mchid": sub_mchid,
            "sp_appid": self._config.appid,
            "out_trade_no": out_trade_no,
            "out_refund_no": out_refund_no,
            "notify_url": self._config.notify_url,
            "amount": {"refund": refund_fen, "total": total_fen, "currency": "CNY"},
        }
        if reason:
            body["reason"] = reason
        read = _this("out_refund_no", out_refund_no, accepted_refund_from)
        return await self._open.call("refund", "POST", f"{_ECOMMERCE}/refunds/apply", body, read)

    async def query_refund(self, *, sub_mchid: str, out_refund_no: str) -> Refund:
        """What has become of the refund. NotFound if WeChat never heard of it."""
        whose = urlencode({"sub_mchid": sub_mchid})
        path = f"{_ECOMMERCE}/refunds/out-refund-no/{_quoted(out_refund_no)}?{whose}"
        read = _this("out_refund_no", out_refund_no, refund_from)
        return await self._open.call("query_refund", "GET", path, None, read)

    async def share(
        self,
        *,
        sub_mchid: str,
        transaction_id: str,
        out_order_no: str,
        commission_fen: int,
        description: str,
    ) -> Share:
        """Moves the platform's commission out of what is frozen. Accepted is not done: see `paid`.

        At the earliest a minute after the payment (sooner is PaymentProviderError), at most 30 % of
        it and 50 times; never after the release. A number that was used before, for a release too,
        answers with what it did then. description: up to 80 characters.
        """
        receiver = {
            "type": "MERCHANT_ID",
            "receiver_account": self._config.mchid,
            "amount": commission_fen,
            "description": description,
        }
        body: dict[str, Any] = {
            "appid": self._config.appid,
            "sub_mchid": sub_mchid,
            "transaction_id": transaction_id,
            "out_order_no": out_order_no,
            "receivers": [receiver],
            "finish": False,
        }
        read = _this("out_order_no", out_order_no, share_from)
        return await self._when_ready("share", f"{_SHARING}/orders", body, read)

    async def query_share(self, *, sub_mchid: str, transaction_id: str, out_order_no: str) -> Share:
        """What has become of a share or a release. NotFound if WeChat never heard of it."""
        number = {
            "sub_mchid": sub_mchid,
            "transaction_id": transaction_id,
            "out_order_no": out_order_no,
        }
        path = f"{_SHARING}/orders?{urlencode(number)}"
        read = _this("out_order_no", out_order_no, share_from)
        return await self._open.call("query_share", "GET", path, None, read)

    async def finish(
        self, *, sub_mchid: str, transaction_id: str, out_order_no: str, description: str
    ) -> Share:
        """Releases all that is left to the sub-merchant, for good. PROCESSING: the query tells the
        rest.

        Needs a number of its own: a share's is accepted and does nothing. description: up to 80
        characters.
        """
        body = {
            "sub_mchid": sub_mchid,
            "transaction_id": transaction_id,
            "out_order_no": out_order_no,
            "description": description,
        }
        read = _this("out_order_no", out_order_no, accepted_release_from)
        return await self._when_ready("finish", f"{_SHARING}/finish-order", body, read)

    async def bill(self, *, day: str, kind: BillKind) -> Sequence[BillLine]:
        """WeChat's account of a Beijing day (YYYY-MM-DD), there from 10:00 of the next one for three
        months. Sooner is PaymentProviderError; a day without any line is empty.

        "trade" is what buyers paid and got back at all sub-merchants, "fundflow" what came to the
        platform's own account. Bills of 100 MB take seconds, in a thread.
        """
        wish = {"bill_date": day, "tar_type": "GZIP"}
        wish |= {"bill_type": "ALL"} if kind == "trade" else {"account_type": "BASIC"}
        path = f"{_BILLS[kind]}?{urlencode(wish)}"
        try:
            link = await self._open.call("bill", "GET", path, None, link_from)
        except Conflict as refusal:
            if refusal.data.get("code") == "NO_STATEMENT_EXIST":
                return ()
            if refusal.data.get("code") == "STATEMENT_CREATING":
                raise PaymentProviderError(api="bill", reason="STATEMENT_CREATING") from None
            raise
        return await self._open.download(
            "download_bill", link.target, lambda raw: lines_of(plain_bill(link, raw), kind)
        )

    def open_notification(
        self, headers: Mapping[str, str], raw_body: bytes, now_ms: int
    ) -> Notification:
        """Proves and opens what was posted to notify_url; BadSignature for anything else. See
        notification.py.

        Within 300 s a repetition passes: remember `id` durably, and query the order before
        believing an amount.
        """
        return opened(self._open.keys.addressee, headers, raw_body, now_ms)

    async def _when_ready(
        self, api: str, path: str, body: Mapping[str, Any], read: Callable[[object], Share]
    ) -> Share:
        try:
            return await self._open.call(api, "POST", path, body, read)
        except Conflict as refusal:
            # WeChat says so in words alone, while the payment is not a minute old.
            if _LATER in refusal.message:
                raise PaymentProviderError(api=api, reason=refusal.message) from None
            raise

    @property
    def _open(self) -> Gateway:
        if self._gateway is None:
            raise RuntimeError("WechatEcommerce is used outside of its `async with` block")
        return self._gateway


def _this(name: str, number: str, read: Callable[[object], T]) -> Callable[[object], T]:
    """`read`, refusing an answer about another number than the one asked about."""

    def checked(answer: object) -> T:
        found = read(answer)
        if getattr(found, name) != number:
            raise Malformed(f"it is another {name}'s answer")
        return found

    return checked


def _quoted(part: str) -> str:
    return quote(part, safe="")
