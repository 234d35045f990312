"""Writing down what has been decided, within a transaction that holds the payable's row: what actions, errands and
handlers share.
"""

from __future__ import annotations

from dataclasses import replace

import structlog
from prometheus_client import Counter

from infra.mysql.database import Tx
from market.kernel.errors import Conflict
from market.kernel.ids import Id
from market.payments import ledger_store, store
from market.payments.port import Trade
from market.payments.rules import escrow
from market.payments.rules.escrow import Effect, Payable, Payment, Refund

log = structlog.get_logger("payments")

EVENTS = Counter(
    "sharehub_payments_total",
    "What happened to payments: prepared, received, closed, settled, refund_wanted, refunded, replayed, recovered.",
    ["event"],
)
ALERTS = Counter(
    "sharehub_payment_alerts_total",
    "What somebody should look at: bad_signature, mismatch, refund_failing, refund_stuck, query_failing, ledger.",
    ["kind"],
)


async def receive(tx: Tx, payable: Payable, payment: Payment, trade: Trade) -> bool:
    """Book a payment that WeChat vouches for, and divide it at once if the order is over. False: it was known.

    Raise Conflict when it is not the payment that we asked for.
    """
    effect = escrow.receive(
        payment, trade.amount_fen, trade.transaction_id or "", trade.paid_at_ms or tx.now_ms
    )
    if effect is None:
        return False
    await _write(tx, effect)
    EVENTS.labels("received").inc()
    await follow(tx, payable, effect.payment)
    return True


async def follow(tx: Tx, payable: Payable, payment: Payment) -> None:
    """What the order's present state means for its payment."""
    effect = escrow.divide(payable, payment, tx.new_id(), tx.now_ms)
    if effect is not None:
        await _write(tx, effect)
        if effect.posting is not None:
            EVENTS.labels("settled").inc()
        if effect.refund is not None:
            await store.insert_refund(tx, effect.refund)
            EVENTS.labels("refund_wanted").inc()
    elif payable.state != escrow.UNPAID and payment.status in ("preparing", "waiting"):
        # Nobody is to pay any more: the worker asks, and closes it at WeChat.
        await store.update_payment(tx, replace(payment, check_ms=tx.now_ms))
    elif payment.status == "closed":
        await close(tx, payable, payment)


async def close(tx: Tx, payable: Payable, payment: Payment) -> None:
    """Book that WeChat takes a payment no more, unless it has been paid meanwhile."""
    effect = escrow.close(payable, payment)
    if effect is None:
        return
    await _write(tx, effect)
    if payment.status != "closed":
        EVENTS.labels("closed").inc()


async def pay_back(
    tx: Tx, payable: Payable, payment: Payment, refund: Refund, wechat_id: str
) -> bool:
    """Book a refund that WeChat has carried out. False: it was known."""
    effect = escrow.refunded(payable, payment, refund, wechat_id, tx.now_ms)
    if effect is None or effect.refund is None:
        return False
    await _write(tx, effect)
    await store.update_refund(tx, effect.refund)
    EVENTS.labels("refunded").inc()
    return True


async def lock(tx: Tx, order_id: Id) -> tuple[Payable, Payment]:
    """The order's row, locked, and its payment. Raise Conflict when it has none."""
    payable = await store.lock_payable(tx, order_id)
    payment = await store.payment_of(tx, order_id)
    if payable is None or payment is None:
        raise Conflict("this order has no payment")
    return payable, payment


def alert(kind: str, **details: object) -> None:
    ALERTS.labels(kind).inc()
    log.error("payment alert", kind=kind, **details)


async def _write(tx: Tx, effect: Effect) -> None:
    await store.update_payment(tx, effect.payment)
    if effect.posting is not None:
        await ledger_store.post(tx, effect.posting)
    tx.emit(*effect.facts)
