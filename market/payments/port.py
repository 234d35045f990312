"""What this wing asks of a payment provider that keeps each owner's money apart: 平台收付通. What a buyer pays waits, frozen,
in the owner's own account there, until the platform takes its commission and releases or gives back the rest.
`infra.wechat.ecommerce.WechatEcommerce` is one; its docstrings say more.

Every call may raise PaymentProviderError (nothing is known; ask again), NotFound (the provider does not know the number)
or Conflict (a definite no, with the provider's own `data["code"]`). All may be repeated with the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from infra.wechat.applyments import Application, Applyment
from infra.wechat.bills import BillKind, BillLine, FundLine, TradeLine
from infra.wechat.notification import Notification
from infra.wechat.shares import Share
from infra.wechat.trades import Prepay, Refund, Trade

__all__ = [
    "Application", "Applyment", "BillKind", "BillLine", "FundLine", "Notification", "PaymentPort", "Prepay", "Refund",
    "Share", "Trade", "TradeLine",
]  # fmt: skip


class PaymentPort(Protocol):
    async def upload(self, *, filename: str, content: bytes) -> str: ...

    async def apply(self, *, out_request_no: str, application: Application) -> Applyment: ...

    async def query_applyment(self, out_request_no: str) -> Applyment: ...

    async def prepay(
        self, *, sub_mchid: str, out_trade_no: str, description: str, amount_fen: int, openid: str,
        expires_at_ms: int, attach: str = "",
    ) -> Prepay: ...  # fmt: skip

    def client_params(self, prepay_id: str, now_ms: int, nonce: str) -> dict[str, str]: ...

    async def query(self, *, sub_mchid: str, out_trade_no: str) -> Trade: ...

    async def close(self, *, sub_mchid: str, out_trade_no: str) -> None: ...

    async def refund(
        self, *, sub_mchid: str, out_trade_no: str, out_refund_no: str, refund_fen: int, total_fen: int,
        reason: str,
    ) -> Refund: ...  # fmt: skip

    async def query_refund(self, *, sub_mchid: str, out_refund_no: str) -> Refund: ...

    async def share(
        self, *, sub_mchid: str, transaction_id: str, out_order_no: str, commission_fen: int,
        description: str,
    ) -> Share: ...  # fmt: skip

    async def query_share(
        self, *, sub_mchid: str, transaction_id: str, out_order_no: str
    ) -> Share: ...

    async def finish(
        self, *, sub_mchid: str, transaction_id: str, out_order_no: str, description: str
    ) -> Share: ...

    async def bill(self, *, day: str, kind: BillKind) -> Sequence[BillLine]: ...

    def open_notification(
        self, headers: Mapping[str, str], raw_body: bytes, now_ms: int
    ) -> Notification: ...
