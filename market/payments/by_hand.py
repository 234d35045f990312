"""Refunds that WeChat has given up: the buyer's account takes nothing. Operators see to it that the money arrives by another
way, and say so here.
"""

from __future__ import annotations

from infra.action import action, view
from infra.mysql.database import Tx
from market.kernel.actor import Call, require_operator
from market.kernel.errors import AlreadyDone, IllegalTransition, NotFound
from market.payments import books, payout_store
from market.payments.commands import ListStuckRefunds, SettleRefund
from market.payments.rules import sight
from market.payments.rules.sight import StuckRefundsView, StuckRefundView
from market.payments.wing import Payments


@view("payments.stuck_refunds")
async def stuck_refunds(
    payments: Payments, call: Call, query: ListStuckRefunds
) -> StuckRefundsView:
    """Operators: what WeChat could not give back, newest first."""
    require_operator(call.actor)
    async with payments.db.read() as cursor:
        found = await payout_store.stuck_refunds(
            cursor, query.settled, query.before, query.limit + 1
        )
    shown = found[: query.limit]
    return StuckRefundsView(
        refunds=tuple(sight.stuck_refund(*one) for one in shown),
        before=shown[-1][0].id if len(found) > query.limit else None,
    )


@action("payments.settle_refund")
async def settle_refund(payments: Payments, call: Call, command: SettleRefund) -> StuckRefundView:
    """Operators: a stuck refund's money has reached the buyer by another way, which `note` says. It is booked, and what is not the
    buyer's goes its way. Locks the payable."""
    require_operator(call.actor)

    async def body(tx: Tx) -> StuckRefundView:
        owed = await payout_store.owed_by_refund(tx, command.refund_id)
        if owed is None:
            raise NotFound("no such refund")
        payable, payment = await books.lock(tx, *owed)
        await tx.claim(call, command)
        refund = await payout_store.find_refund(tx, command.refund_id)
        if refund.status == "done":
            raise AlreadyDone("this money has arrived")
        if refund.status != "stuck":
            raise IllegalTransition("WeChat is at it still", state=refund.status)
        await books.pay_back(tx, payable, payment, refund, refund.wechat_id)
        await payout_store.note_by_hand(tx, refund.id, call.actor.user_id, command.note)
        done = await payout_store.find_refund(tx, refund.id)
        return sight.stuck_refund(done, call.actor.user_id, command.note)

    return await payments.db.act(call.now_ms, body, StuckRefundView)
