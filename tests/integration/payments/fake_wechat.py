"""WeChat Pay in memory, failing as often as it is told to: an outside system, for histories too long for the sandbox."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from market.kernel.errors import BadSignature, Conflict, NotFound, PaymentProviderError
from market.payments.port import (
    Application,
    Applyment,
    BillKind,
    BillLine,
    Notification,
    Prepay,
    Refund,
    Share,
    Trade,
)


class FakeWechat:
    """A call fails before or after its effect with the chance `failing`."""

    def __init__(self, chance: random.Random, failing: float) -> None:
        self.failing = failing
        self.trades: dict[str, Trade] = {}
        self.refunds: dict[str, tuple[str, int, Refund]] = {}
        self.shared: dict[str, tuple[str, int]] = {}
        self.released: dict[str, tuple[str, int]] = {}
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

    def shared_fen(self, transaction_id: str) -> int:
        return sum(fen for of, fen in self.shared.values() if of == transaction_id)

    def released_fen(self, transaction_id: str) -> int:
        return sum(fen for of, fen in self.released.values() if of == transaction_id)

    def frozen_fen(self, trade: Trade) -> int:
        assert trade.transaction_id is not None
        gone_fen = self.shared_fen(trade.transaction_id) + self.released_fen(trade.transaction_id)
        return trade.amount_fen - self.refunded_fen(trade.out_trade_no) - gone_fen

    async def upload(self, *, filename: str, content: bytes) -> str:
        return f"media of {len(content)} bytes, {filename}"

    async def apply(self, *, out_request_no: str, application: Application) -> Applyment:
        return await self.query_applyment(out_request_no)

    async def query_applyment(self, out_request_no: str) -> Applyment:
        return Applyment(
            out_request_no=out_request_no, state="FINISH", sub_mchid=out_request_no, sign_url=None,
            reason="",
        )  # fmt: skip

    async def prepay(
        self, *, sub_mchid: str, out_trade_no: str, description: str, amount_fen: int, openid: str,
        expires_at_ms: int, attach: str = "",
    ) -> Prepay:  # fmt: skip
        self._stumble()
        known = self.trades.get(out_trade_no)
        if known is None:
            self.trades[out_trade_no] = Trade(
                out_trade_no=out_trade_no, transaction_id=None, state="NOTPAY",
                amount_fen=amount_fen, payer_openid=None, paid_at_ms=None, sub_mchid=sub_mchid,
            )  # fmt: skip
        elif known.state != "NOTPAY":
            raise Conflict(code="ORDERPAID" if known.state == "SUCCESS" else "ORDER_CLOSED")
        self._stumble()
        return Prepay(prepay_id=f"wx{out_trade_no}")

    def client_params(self, prepay_id: str, now_ms: int, nonce: str) -> dict[str, str]:
        return {"package": f"prepay_id={prepay_id}"}

    async def query(self, *, sub_mchid: str, out_trade_no: str) -> Trade:
        self._stumble()
        if out_trade_no not in self.trades:
            raise NotFound(code="ORDER_NOT_EXIST")
        return self.trades[out_trade_no]

    async def close(self, *, sub_mchid: str, out_trade_no: str) -> None:
        self._stumble()
        trade = await self.query(sub_mchid=sub_mchid, out_trade_no=out_trade_no)
        if trade.state == "SUCCESS":
            raise Conflict(code="ORDERPAID")
        self.trades[out_trade_no] = replace(trade, state="CLOSED")

    async def refund(
        self, *, sub_mchid: str, out_trade_no: str, out_refund_no: str, refund_fen: int, total_fen: int,
        reason: str,
    ) -> Refund:  # fmt: skip
        self._stumble()
        if out_trade_no not in self.trades:
            raise NotFound(code="RESOURCE_NOT_EXISTS")
        trade = self.trades[out_trade_no]
        if out_refund_no not in self.refunds:
            assert trade.state == "SUCCESS"
            assert total_fen == trade.amount_fen
            assert refund_fen <= self.frozen_fen(trade)
            accepted = Refund(
                out_refund_no=out_refund_no, refund_id=f"503{out_refund_no}", state="PROCESSING"
            )
            self.refunds[out_refund_no] = (out_trade_no, refund_fen, accepted)
        self._stumble()
        return self.refunds[out_refund_no][2]

    async def query_refund(self, *, sub_mchid: str, out_refund_no: str) -> Refund:
        self._stumble()
        if out_refund_no not in self.refunds:
            raise NotFound(code="RESOURCE_NOT_EXISTS")
        trade, fen, refund = self.refunds[out_refund_no]
        self.refunds[out_refund_no] = (trade, fen, replace(refund, state="SUCCESS"))
        return self.refunds[out_refund_no][2]

    async def share(
        self, *, sub_mchid: str, transaction_id: str, out_order_no: str, commission_fen: int,
        description: str,
    ) -> Share:  # fmt: skip
        self._stumble()
        trade = self._of(transaction_id)
        if out_order_no not in self.shared:
            assert not self.released_fen(transaction_id)
            assert commission_fen <= self.frozen_fen(trade)
            self.shared[out_order_no] = (transaction_id, commission_fen)
        self._stumble()
        return self._share(out_order_no, done=self._chance.random() < 0.5)

    async def query_share(self, *, sub_mchid: str, transaction_id: str, out_order_no: str) -> Share:
        self._stumble()
        if out_order_no not in self.shared and out_order_no not in self.released:
            raise NotFound(code="RESOURCE_NOT_EXISTS")
        return self._share(out_order_no, done=True)

    async def finish(
        self, *, sub_mchid: str, transaction_id: str, out_order_no: str, description: str
    ) -> Share:
        self._stumble()
        trade = self._of(transaction_id)
        if out_order_no not in self.released:
            self.released[out_order_no] = (transaction_id, self.frozen_fen(trade))
        self._stumble()
        return self._share(out_order_no, done=False)

    async def bill(self, *, day: str, kind: BillKind) -> Sequence[BillLine]:
        return ()

    def _of(self, transaction_id: str) -> Trade:
        for trade in self.trades.values():
            if trade.transaction_id == transaction_id:
                return trade
        raise NotFound(code="RESOURCE_NOT_EXISTS")

    def _share(self, out_order_no: str, *, done: bool) -> Share:
        return Share(
            out_order_no=out_order_no,
            order_id=out_order_no,
            state="FINISHED" if done else "PROCESSING",
        )

    def open_notification(
        self, headers: Mapping[str, str], raw_body: bytes, now_ms: int
    ) -> Notification:
        raise BadSignature

    def _stumble(self) -> None:
        if self._chance.random() < self.failing:
            raise PaymentProviderError("WeChat is ill")
