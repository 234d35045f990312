"""What of a payment is not the buyer's goes its way: first the platform's commission, then all that is left to the owner.

Each step is an errand, said to WeChat under its stable number.
"""

from __future__ import annotations

from dataclasses import replace

from infra.mysql.database import Tx
from market.kernel.errors import Conflict
from market.kernel.ids import Id
from market.payments import books, payout_store, store
from market.payments.errand import Errand
from market.payments.port import Share
from market.payments.rules import division, errands, wording
from market.payments.rules.division import Payout
from market.payments.rules.escrow import Payment
from market.payments.wing import Payments


class PayoutErrand(Errand[Payout, Share]):
    """The payout's next step."""

    alert = "payout_failing"

    async def find(self, tx: Tx, payment: Payment) -> Payout | None:
        return await payout_store.payout_of(tx, payment.id)

    async def save(self, tx: Tx, task: Payout, reason: str = "") -> None:
        await payout_store.update_payout(tx, task, reason)

    async def say(self, payment: Payment, task: Payout) -> Share:
        pay, step = self.payments.pay, task.out_order_no
        sub_mchid, transaction_id = payment.sub_mchid, payment.transaction_id
        if task.sent:
            return await pay.query_share(
                sub_mchid=sub_mchid, transaction_id=transaction_id, out_order_no=step
            )
        if task.status == "sharing":
            return await pay.share(
                sub_mchid=sub_mchid, transaction_id=transaction_id, out_order_no=step,
                commission_fen=task.fee_fen, description=wording.SHARE,
            )  # fmt: skip
        return await pay.finish(
            sub_mchid=sub_mchid, transaction_id=transaction_id, out_order_no=step,
            description=wording.FINISH,
        )  # fmt: skip

    async def conclude(self, tx: Tx, payment: Payment, task: Payout, answer: Share) -> None:
        if not self.is_open(task):
            return
        if answer.paid:
            await books.pay_out(tx, payment, task)
        else:  # the platform's account does not take it: an operator has to look
            await self.save(tx, replace(task, status="stuck"), str(answer))
            books.alert("payout_stuck", payout=self.step_no(task), answer=str(answer))

    def sent(self, task: Payout, answer: Share) -> Payout:
        return replace(task, sent=True)

    def unsent(self, task: Payout) -> Payout | None:
        return replace(task, sent=False) if task.sent else None

    def is_open(self, task: Payout) -> bool:
        return task.status in ("sharing", "finishing")

    def step_no(self, task: Payout) -> str:
        return task.out_order_no

    def earliest_ms(self, payment: Payment) -> int:
        return payment.paid_at_ms + int(self.payments.share_after_s * 1000)


async def pay_out(payments: Payments, order_id: Id, now_ms: int, extension: int = 0) -> bool:
    """Take the payout's next step at WeChat, or ask what has become of it: see `Errand.run`."""
    return await PayoutErrand(payments, order_id, extension, now_ms).run()


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
