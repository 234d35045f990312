"""Facts of other wings: what somebody is party to, and so cannot leave behind."""

from __future__ import annotations

from collections.abc import Sequence

from infra.handlers import Handler, Together
from infra.mysql.database import Tx
from market.kernel.facts import (
    ORDER_ENDS,
    RETOLD,
    Heard,
    OrderMoved,
    PaymentReceived,
    PaymentRefunded,
    PaymentReleased,
)
from market.users import store
from market.users.wing import Rows


@Together
async def on_orders(users: Rows, tx: Tx, facts: Sequence[Heard]) -> None:
    store.hear_orders(tx, [fact.data for fact in facts if isinstance(fact.data, OrderMoved)])


@Together
async def on_money(users: Rows, tx: Tx, facts: Sequence[Heard]) -> None:
    flows = []
    for fact in facts:
        match fact.data:
            case PaymentReceived(order_id=order_id, amount_fen=fen):
                flows.append((order_id, fen, 0))
            case PaymentRefunded() | PaymentReleased() as passed_on:
                flows.append((passed_on.order_id, 0, passed_on.amount_fen))
    store.hear_money(tx, flows)


BEGINNINGS = ("requested", "pending_payment")

HANDLERS: dict[str, Handler[Rows]] = {
    **{f"order.{state}": on_orders for state in (*BEGINNINGS, *ORDER_ENDS)},
    RETOLD: on_orders,
    **{data.KIND: on_money for data in (PaymentReceived, PaymentRefunded, PaymentReleased)},
}
