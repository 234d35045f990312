"""What this wing asks of a payment provider. `infra.wechat.pay.WechatPay` is one; its docstrings say more.

Every call may raise PaymentProviderError (nothing is known; ask again), NotFound (the provider does not know the number)
or Conflict (a definite no, with the provider's own `data["code"]`). All may be repeated with the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from infra.wechat.notification import Notification
from infra.wechat.trades import Prepay, Refund, Trade

__all__ = ["Notification", "PaymentPort", "Prepay", "Refund", "Trade"]


class PaymentPort(Protocol):
    async def prepay(
        self, *, out_trade_no: str, description: str, amount_fen: int, openid: str, expires_at_ms: int,
        attach: str = "",
    ) -> Prepay: ...  # fmt: skip

    def client_params(self, prepay_id: str, now_ms: int, nonce: str) -> dict[str, str]: ...

    async def query(self, out_trade_no: str) -> Trade: ...

    async def close(self, out_trade_no: str) -> None: ...

    async def refund(
        self, *, out_trade_no: str, out_refund_no: str, refund_fen: int, total_fen: int, reason: str
    ) -> Refund: ...

    async def query_refund(self, out_refund_no: str) -> Refund: ...

    def open_notification(
        self, headers: Mapping[str, str], raw_body: bytes, now_ms: int
    ) -> Notification: ...
