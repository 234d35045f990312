"""What of a payment is not the buyer's goes its way: first the platform's commission, then all that is left to the owner.

Each step is an errand like those in `chores`: taken, said to WeChat under its stable number, recorded. A crash anywhere is
made good when it is due again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from infra.mysql.database import Tx
from market.kernel.errors import Conflict, MarketError, NotFound
from market.kernel.ids import Id
from market.payments import books, payout_store, store
from market.payments.port import Share
from market.payments.rules import division, errands, wording
from market.payments.rules.division import Payout
from market.payments.rules.escrow import Payment
from market.payments.wing import Payments

UNDER_WAY = ("sharing", "finishing")


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutErrand:
    payment: Payment
    payout: Payout


async def pay_out(payments: Payments, order_id: Id, now_ms: int, extension: int = 0) -> bool:
    """Take the payout's next step at WeChat, or ask what has become of it. Whether something was done.

    Raise MarketError when WeChat gave no usable answer; it will be tried again, ever later.
    """

    async def take(tx: Tx) -> PayoutErrand | None:
        _, payment = await books.lock(tx, order_id, extension)
        payout = await payout_store.payout_of(tx, payment.id)
        if payout is None or payout.status not in UNDER_WAY or payout.due_ms > now_ms:
            return None
        earliest_ms = payment.paid_at_ms + int(payments.share_after_s * 1000)
        if now_ms < earliest_ms:
            await payout_store.update_payout(tx, replace(payout, due_ms=earliest_ms))
            return None
        payout = replace(payout, attempts=payout.attempts + 1, due_ms=now_ms + errands.LEASE_MS)
        await payout_store.update_payout(tx, payout)
        return PayoutErrand(payment=payment, payout=payout)

    errand: PayoutErrand | None = await payments.db.act(now_ms, take, PayoutErrand)
    if errand is None:
        return False
    taken = errand.payout
    try:
        answer = await _say(payments, errand)
    except NotFound as unknown:
        if taken.sent:  # WeChat has lost it: say it again, under the same number
            await _put_off(payments, replace(taken, sent=False), unknown.message, now_ms)
            return True
        await _fail(payments, taken, unknown, now_ms)
        raise
    except MarketError as failure:
        await _fail(payments, taken, failure, now_ms)
        raise
    await _record(payments, errand, answer, now_ms)
    return True


async def _say(payments: Payments, errand: PayoutErrand) -> Share:
    payment, payout = errand.payment, errand.payout
    if payout.sent:
        return await payments.pay.query_share(
            sub_mchid=payment.sub_mchid, transaction_id=payment.transaction_id,
            out_order_no=payout.out_order_no,
        )  # fmt: skip
    if payout.status == "sharing":
        return await payments.pay.share(
            sub_mchid=payment.sub_mchid, transaction_id=payment.transaction_id,
            out_order_no=payout.out_order_no, commission_fen=payout.fee_fen,
            description=wording.SHARE,
        )  # fmt: skip
    return await payments.pay.finish(
        sub_mchid=payment.sub_mchid, transaction_id=payment.transaction_id,
        out_order_no=payout.out_order_no, description=wording.FINISH,
    )  # fmt: skip


async def _record(payments: Payments, errand: PayoutErrand, answer: Share, now_ms: int) -> None:
    taken = errand.payout

    async def body(tx: Tx) -> None:
        _, payment = await books.lock(tx, taken.order_id, taken.extension)
        current = await payout_store.payout_of(tx, taken.payment_id)
        if current is None or current.status != taken.status:
            return
        if answer.state == "PROCESSING":
            again_ms = max(int(payments.query_s * 1000), errands.backoff_ms(current.attempts))
            await payout_store.update_payout(
                tx, replace(current, sent=True, due_ms=now_ms + again_ms)
            )
        elif not answer.paid:
            # The platform's account does not take it: an operator has to look.
            await payout_store.update_payout(tx, replace(current, status="stuck"), str(answer))
            books.alert("payout_stuck", payout=taken.out_order_no, answer=str(answer))
        else:
            await books.pay_out(tx, payment, current)

    await payments.db.act(now_ms, body, type(None))


async def _fail(payments: Payments, taken: Payout, failure: MarketError, now_ms: int) -> None:
    reason = f"{failure.data.get('code', failure.code)}: {failure.message}"
    await _put_off(payments, taken, reason, now_ms)
    if taken.attempts >= errands.ALERT_AFTER or not failure.retryable:
        books.alert(
            "payout_failing", payout=taken.out_order_no, attempts=taken.attempts, reason=reason
        )


async def _put_off(payments: Payments, taken: Payout, reason: str, now_ms: int) -> None:
    async def body(tx: Tx) -> None:
        await books.lock(tx, taken.order_id, taken.extension)
        current = await payout_store.payout_of(tx, taken.payment_id)
        if current is not None and current.status == taken.status:
            due_ms = now_ms + errands.backoff_ms(taken.attempts)
            await payout_store.update_payout(
                tx, replace(current, sent=taken.sent, due_ms=due_ms), reason
            )

    await payments.db.act(now_ms, body, type(None))


async def guard(payments: Payments, now_ms: int) -> int:
    """Look at what has been frozen for so long that WeChat would soon let all of it go: how many were decided here.

    Whoever is undecided is told of from `WARNING_MS` on, and decided at `DEADLINE_MS`. An order whose numbers make no sense
    holds up no other.
    """
    async with payments.db.read() as cursor:
        old = await store.undecided(cursor, now_ms - division.WARNING_MS, errands.GUARDED)
    due = [owed for owed, paid_at_ms in old if paid_at_ms + division.DEADLINE_MS <= now_ms]
    for (order_id, extension), paid_at_ms in old:
        books.alert("freeze_deadline", order=order_id, extension=extension, paid_at_ms=paid_at_ms)
    decided = 0
    for order_id, extension in due:
        decided += await _decide(payments, order_id, extension, now_ms)
    return decided


async def _decide(payments: Payments, order_id: Id, extension: int, now_ms: int) -> bool:
    async def body(tx: Tx) -> None:
        payable, payment = await books.lock(tx, order_id, extension)
        await books.follow(tx, payable, payment)

    try:
        await payments.db.act(now_ms, body, type(None))
    except Conflict as refusal:
        books.alert("mismatch", order=order_id, reason=refusal.message)
        return False
    return True
