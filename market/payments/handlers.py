"""Facts of other wings: who pays, and how each order moves. They may come before, between or after WeChat's own."""

from __future__ import annotations

from collections.abc import Sequence

from infra.handlers import Handler, Together
from infra.mysql.database import Tx
from market.kernel.facts import ORDER_KINDS, Heard, OrderMoved, UserChanged
from market.payments import books, store
from market.payments.rules import escrow
from market.payments.wing import Payments


async def on_user(payments: Payments, tx: Tx, fact: Heard) -> None:
    user = fact.data
    assert isinstance(user, UserChanged)
    await store.put_payer(tx, user.user_id, user.version, user.openid)


@Together
async def on_orders(payments: Payments, tx: Tx, facts: Sequence[Heard]) -> None:
    """Locks the payables. An order that moved twice since is followed once, to where it is: `escrow.divide` looks at that."""
    moves = [fact.data for fact in facts if isinstance(fact.data, OrderMoved)]
    known = await store.lock_payables(tx, {moved.order_id for moved in moves})
    latest = dict(known)
    for moved in moves:
        owed = (moved.order_id, 0)
        latest[owed] = escrow.heard(latest.get(owed), moved)
        for extension in moved.extensions:
            owed = (moved.order_id, extension.extension)
            latest[owed] = escrow.heard_of_extension(latest.get(owed), moved, extension)
    changed = {owed: payable for owed, payable in latest.items() if payable is not known.get(owed)}
    if not changed:
        return
    store.put_payables(tx, changed.values())
    payments_of = await store.payments_of(tx, {order_id for order_id, _ in changed})
    for owed in sorted(changed):
        if owed in payments_of:
            await books.follow(tx, changed[owed], payments_of[owed])
        elif (fact := escrow.never_opened(changed[owed])) is not None:
            tx.emit(fact)


HANDLERS: dict[str, Handler[Payments]] = {
    UserChanged.KIND: on_user,
    **dict.fromkeys(ORDER_KINDS, on_orders),
}
