"""Facts of other wings: who pays, and how each order moves. They may come before, between or after WeChat's own."""

from __future__ import annotations

from infra.handlers import Handler
from infra.mysql.database import Tx
from market.kernel.facts import ORDER_STATES, Heard, OrderMoved, UserChanged
from market.payments import books, store
from market.payments.rules import escrow
from market.payments.wing import Payments


async def on_user(payments: Payments, tx: Tx, fact: Heard) -> None:
    user = fact.data
    assert isinstance(user, UserChanged)
    await store.put_payer(tx, user.user_id, user.version, user.openid)


async def on_order(payments: Payments, tx: Tx, fact: Heard) -> None:
    """Locks the payable."""
    moved = fact.data
    assert isinstance(moved, OrderMoved)
    known = await store.lock_payable(tx, moved.order_id)
    payable = escrow.heard(known, moved)
    if payable is known:
        return
    await store.put_payable(tx, payable)
    payment = await store.payment_of(tx, moved.order_id)
    if payment is not None:
        await books.follow(tx, payable, payment)


HANDLERS: dict[str, Handler[Payments]] = {
    UserChanged.KIND: on_user,
    **{f"order.{state}": on_order for state in ORDER_STATES},
}
