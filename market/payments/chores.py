"""What happens unasked: refunds are sent and followed up, silent payments are asked about, unpaid ones closed.

Each is one errand: take it (a transaction that postpones it, so that nobody else begins it), call WeChat, record the
answer (another transaction). A crash in between is made good when it is due again, with the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from infra.mysql.database import Tx
from market.kernel.errors import Conflict, MarketError, NotFound
from market.kernel.ids import Id
from market.payments import actions, books, payout_store, store
from market.payments.port import Refund as Answer
from market.payments.rules import errands, wording
from market.payments.rules.division import Refund
from market.payments.rules.escrow import Payable, Payment
from market.payments.wing import Payments


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundErrand:
    payment: Payment
    refund: Refund


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentErrand:
    payable: Payable
    payment: Payment


async def refund(
    payments: Payments, order_id: Id, refund_id: Id, now_ms: int, extension: int = 0
) -> bool:
    """Send a refund to WeChat, or ask what has become of it. Whether something was done. Locks the payable, twice.

    Raise MarketError when WeChat gave no usable answer; it will be tried again, ever later.
    """

    async def take(tx: Tx) -> RefundErrand | None:
        _, payment = await books.lock(tx, order_id, extension)
        found = await payout_store.find_refund(tx, refund_id)
        if found.status not in ("wanted", "sent") or found.due_ms > now_ms:
            return None
        found = replace(found, attempts=found.attempts + 1, due_ms=now_ms + errands.LEASE_MS)
        await payout_store.update_refund(tx, found)
        return RefundErrand(payment=payment, refund=found)

    errand: RefundErrand | None = await payments.db.act(now_ms, take, RefundErrand)
    if errand is None:
        return False
    taken = errand.refund
    try:
        answer = await _ask_about(payments, errand)
    except NotFound as unknown:
        if taken.status == "sent":  # WeChat has lost it: send it again, under the same number
            await _postpone(payments, replace(taken, status="wanted"), unknown.message, now_ms)
            return True
        await _fail(payments, taken, unknown, now_ms)
        raise
    except MarketError as failure:
        await _fail(payments, taken, failure, now_ms)
        raise

    async def record(tx: Tx) -> None:
        await books.lock(tx, order_id, extension)
        current = await payout_store.find_refund(tx, refund_id)
        if answer.state != "PROCESSING":
            await actions.hear_refund(tx, current, answer)
        elif _goes_on(current, taken):
            due_ms = now_ms + max(
                int(payments.query_s * 1000), errands.backoff_ms(current.attempts)
            )
            await payout_store.update_refund(
                tx, replace(current, status="sent", wechat_id=answer.refund_id, due_ms=due_ms)
            )

    await payments.db.act(now_ms, record, type(None))
    return True


async def _ask_about(payments: Payments, errand: RefundErrand) -> Answer:
    payment, refund = errand.payment, errand.refund
    if refund.status == "sent":
        return await payments.pay.query_refund(
            sub_mchid=payment.sub_mchid, out_refund_no=refund.out_refund_no
        )
    return await payments.pay.refund(
        sub_mchid=payment.sub_mchid, out_trade_no=payment.out_trade_no,
        out_refund_no=refund.out_refund_no, refund_fen=refund.amount_fen, total_fen=payment.amount_fen,
        reason=wording.REFUND_REASONS.get(refund.reason, ""),
    )  # fmt: skip


async def _fail(payments: Payments, taken: Refund, failure: MarketError, now_ms: int) -> None:
    reason = f"{failure.data.get('code', failure.code)}: {failure.message}"
    await _postpone(payments, taken, reason, now_ms)
    if taken.attempts >= errands.ALERT_AFTER or not failure.retryable:
        books.alert(
            "refund_failing", refund=taken.out_refund_no, attempts=taken.attempts, reason=reason
        )


async def _postpone(payments: Payments, taken: Refund, reason: str, now_ms: int) -> None:
    async def body(tx: Tx) -> None:
        await books.lock(tx, taken.order_id, taken.extension)
        current = await payout_store.find_refund(tx, taken.id)
        if _goes_on(current, taken):
            due_ms = now_ms + errands.backoff_ms(taken.attempts)
            await payout_store.update_refund(
                tx, replace(current, status=taken.status, due_ms=due_ms), reason
            )

    await payments.db.act(now_ms, body, type(None))


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


def _goes_on(current: Refund, taken: Refund) -> bool:
    """Whether what was said of `taken` still matters: nobody has heard of its end meanwhile."""
    return current.status in ("wanted", "sent") and current.out_refund_no == taken.out_refund_no
