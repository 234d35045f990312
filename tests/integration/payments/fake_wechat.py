"""WeChat Pay in memory, failing as often as it is told to: an outside system, for histories too long for the sandbox."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace

from market.kernel.errors import BadSignature, Conflict, NotFound, PaymentProviderError
from market.payments.port import Notification, Prepay, Refund, Trade


class FakeWechat:
    """A call fails before or after its effect with the chance `failing`."""

    def __init__(self, chance: random.Random, failing: float) -> None:
        self.failing = failing
        self.trades: dict[str, Trade] = {}
        self.refunds: dict[str, tuple[str, int, Refund]] = {}
        self._chance = chance

    def pay(self, out_trade_no: str, at_ms: int) -> bool:
        """The user pays; even a closed order, as happens when both meet."""
        trade = self.trades.get(out_trade_no)
        if trade is None or trade.state == "SUCCESS":
            return False
        self.trades[out_trade_no] = replace(
            trade, state="SUCCESS", transaction_id=f"4200{out_trade_no}", paid_at_ms=at_ms
        )
        return True

    def refunded_fen(self, out_trade_no: str) -> int:
        return sum(fen for trade, fen, _ in self.refunds.values() if trade == out_trade_no)

    async def prepay(
        self, *, out_trade_no: str, description: str, amount_fen: int, openid: str, expires_at_ms: int,
        attach: str = "",
    ) -> Prepay:  # fmt: skip
        self._stumble()
        known = self.trades.get(out_trade_no)
        if known is None:
            self.trades[out_trade_no] = Trade(
                out_trade_no=out_trade_no, transaction_id=None, state="NOTPAY",
                amount_fen=amount_fen, payer_openid=None, paid_at_ms=None,
            )  # fmt: skip
        elif known.state != "NOTPAY":
            raise Conflict(code="ORDERPAID" if known.state == "SUCCESS" else "ORDER_CLOSED")
        self._stumble()
        return Prepay(prepay_id=f"wx{out_trade_no}")

    def client_params(self, prepay_id: str, now_ms: int, nonce: str) -> dict[str, str]:
        return {"package": f"prepay_id={prepay_id}"}

    async def query(self, out_trade_no: str) -> Trade:
        self._stumble()
        if out_trade_no not in self.trades:
            raise NotFound(code="ORDER_NOT_EXIST")
        return self.trades[out_trade_no]

    async def close(self, out_trade_no: str) -> None:
        self._stumble()
        trade = await self.query(out_trade_no)
        if trade.state == "SUCCESS":
            raise Conflict(code="ORDERPAID")
        self.trades[out_trade_no] = replace(trade, state="CLOSED")

    async def refund(
        self, *, out_trade_no: str, out_refund_no: str, refund_fen: int, total_fen: int, reason: str
    ) -> Refund:
        self._stumble()
        if out_trade_no not in self.trades:
            raise NotFound(code="RESOURCE_NOT_EXISTS")
        trade = self.trades[out_trade_no]
        if out_refund_no not in self.refunds:
            assert trade.state == "SUCCESS"
            assert total_fen == trade.amount_fen
            assert self.refunded_fen(out_trade_no) + refund_fen <= total_fen
            accepted = Refund(
                out_refund_no=out_refund_no, refund_id=f"503{out_refund_no}", state="PROCESSING"
            )
            self.refunds[out_refund_no] = (out_trade_no, refund_fen, accepted)
        self._stumble()
        return self.refunds[out_refund_no][2]

    async def query_refund(self, out_refund_no: str) -> Refund:
        self._stumble()
        if out_refund_no not in self.refunds:
            raise NotFound(code="RESOURCE_NOT_EXISTS")
        trade, fen, refund = self.refunds[out_refund_no]
        self.refunds[out_refund_no] = (trade, fen, replace(refund, state="SUCCESS"))
        return self.refunds[out_refund_no][2]

    def open_notification(
        self, headers: Mapping[str, str], raw_body: bytes, now_ms: int
    ) -> Notification:
        raise BadSignature

    def _stumble(self) -> None:
        if self._chance.random() < self.failing:
            raise PaymentProviderError("WeChat is ill")
