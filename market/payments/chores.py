"""What happens unasked: refunds are sent and followed up, silent payments are asked about, unpaid ones closed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from infra.mysql.database import Tx
from market.kernel.errors import Conflict, MarketError, NotFound
from market.kernel.ids import Id
from market.payments import actions, books, payout_store, store
from market.payments.errand import Errand
from market.payments.port import Refund as Answer
from market.payments.rules import errands, wording
from market.payments.rules.division import Refund
from market.payments.rules.escrow import Payable, Payment
from market.payments.wing import Payments


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentErrand:
    payable: Payable
    payment: Payment


class RefundErrand(Errand[Refund, Answer]):
    """Money on its way back."""

    alert = "refund_failing"

    def __init__(
        self, payments: Payments, order_id: Id, refund_id: Id, extension: int, now_ms: int
    ) -> None:
        super().__init__(payments, order_id, extension, now_ms)
        self._refund_id = refund_id

    async def find(self, tx: Tx, payment: Payment) -> Refund:
        return await payout_store.find_refund(tx, self._refund_id)

    async def save(self, tx: Tx, task: Refund, reason: str = "") -> None:
        await payout_store.update_refund(tx, task, reason)

    async def say(self, payment: Payment, task: Refund) -> Answer:
        if task.status == "sent":
            return await self.payments.pay.query_refund(
                sub_mchid=payment.sub_mchid, out_refund_no=task.out_refund_no
            )
        return await self.payments.pay.refund(
            sub_mchid=payment.sub_mchid, out_trade_no=payment.out_trade_no,
            out_refund_no=task.out_refund_no, refund_fen=task.amount_fen, total_fen=payment.amount_fen,
            reason=wording.REFUND_REASONS.get(task.reason, ""),
        )  # fmt: skip

    async def conclude(self, tx: Tx, payment: Payment, task: Refund, answer: Answer) -> None:
        await actions.hear_refund(tx, task, answer)

    def sent(self, task: Refund, answer: Answer) -> Refund:
        return replace(task, status="sent", wechat_id=answer.refund_id)

    def unsent(self, task: Refund) -> Refund | None:
        return replace(task, status="wanted") if task.status == "sent" else None

    def is_open(self, task: Refund) -> bool:
        return task.status in ("wanted", "sent")

    def step_no(self, task: Refund) -> str:
        return task.out_refund_no


async def refund(
    payments: Payments, order_id: Id, refund_id: Id, now_ms: int, extension: int = 0
) -> bool:
    """Send a refund to WeChat, or ask what has become of it: see `Errand.run`."""
    return await RefundErrand(payments, order_id, refund_id, extension, now_ms).run()


async def check(payments: Payments, order_id: Id, now_ms: int, extension: int = 0) -> bool:
    """Ask WeChat about a payment that it has not told of, and close it once nobody is to pay it. Locks the payable.

    Raise MarketError when WeChat gave no usable answer, or one that does not match our books.
    """

    async def take(tx: Tx) -> PaymentErrand | None:
        payable, payment = await books.lock(tx, order_id, extension)
        if payment.status not in ("preparing", "waiting") or payment.check_ms > now_ms:
            return None
        begun_ms = payment.prepay_ms or payment.expires_ms
        next_ms = errands.next_check_ms(
            begun_ms, payment.checks + 1, payment.expires_ms, payments.query_s, now_ms
        )
        payment = replace(payment, checks=payment.checks + 1, check_ms=next_ms)
        await store.update_payment(tx, payment)
        return PaymentErrand(payable=payable, payment=payment)

    errand: PaymentErrand | None = await payments.db.act(now_ms, take, PaymentErrand)
    if errand is None:
        return False
    sub_mchid, number = errand.payment.sub_mchid, errand.payment.out_trade_no
    over = errands.is_over(errand.payable, errand.payment, payments.query_s, now_ms)
    try:
        trade = await payments.pay.query(sub_mchid=sub_mchid, out_trade_no=number)
        if trade.state in ("SUCCESS", "REFUND"):
            await actions.hear_trade(payments, order_id, trade, now_ms, extension)
            return True
        if trade.state == "NOTPAY" and over:
            await payments.pay.close(sub_mchid=sub_mchid, out_trade_no=number)
    except NotFound:
        pass  # the prepay never reached WeChat: nothing to close
    except Conflict as refusal:
        if (
            refusal.data.get("code") == "ORDERPAID"
        ):  # paid this very moment: the next check books it
            await _check_again(payments, errand.payment, now_ms)
            return True
        books.alert("mismatch", payment=number, reason=refusal.message, **refusal.data)
        raise
    except MarketError:
        if errand.payment.checks >= errands.ALERT_AFTER:
            books.alert("query_failing", payment=number, checks=errand.payment.checks)
        raise
    if over:
        await _close(payments, errand.payment, now_ms)
    return True


async def _close(payments: Payments, asked: Payment, now_ms: int) -> None:
    async def body(tx: Tx) -> None:
        payable, payment = await books.lock(tx, asked.order_id, asked.extension)
        await books.close(tx, payable, payment)

    await payments.db.act(now_ms, body, type(None))


AGAIN_MS = 1000


async def _check_again(payments: Payments, asked: Payment, now_ms: int) -> None:
    async def body(tx: Tx) -> None:
        _, payment = await books.lock(tx, asked.order_id, asked.extension)
        await store.update_payment(tx, replace(payment, check_ms=now_ms + AGAIN_MS))

    await payments.db.act(now_ms, body, type(None))
