"""Writing down what has been decided, within a transaction that holds the payable's row: what actions, errands and
handlers share.
"""

from __future__ import annotations

from dataclasses import replace

import pymysql.err
import structlog
from prometheus_client import Counter

from infra.mysql.database import Tx
from market.kernel.errors import Conflict
from market.kernel.ids import Id
from market.payments import ledger_store, payout_store, store
from market.payments.port import Trade
from market.payments.rules import division, escrow
from market.payments.rules.division import Payout, Refund
from market.payments.rules.escrow import Payable, Payment

log = structlog.get_logger("payments")

EVENTS = Counter(
    "sharehub_payments_total",
    "What happened to payments: prepared, received, closed, divided, refund_wanted, refunded, shared, released, "
    "replayed, recovered.",
    ["event"],
)
ALERTS = Counter(
    "sharehub_payment_alerts_total",
    "What somebody should look at: bad_signature, mismatch, refund_failing, refund_stuck, query_failing, ledger, "
    "payout_failing, payout_stuck, freeze_deadline, reconciliation.",
    ["kind"],
)


async def receive(tx: Tx, payable: Payable, payment: Payment, trade: Trade) -> bool:
    """Book a payment that WeChat vouches for, and divide it at once if the order is over. False: it was known.

    Raise Conflict when it is not the payment that we asked for.
    """
    if trade.sub_mchid != payment.sub_mchid:
        raise Conflict("it was paid to another merchant")
    effect = escrow.receive(
        payment, trade.amount_fen, trade.transaction_id or "", trade.paid_at_ms or tx.now_ms
    )
    if effect is None:
        return False
    try:
        await _write(tx, effect)
    except pymysql.err.IntegrityError as taken:
        raise Conflict("this transaction has paid another order") from taken
    EVENTS.labels("received").inc()
    try:
        await follow(tx, payable, effect.payment)
    except (
        Conflict
    ) as wrong:  # the money has come all the same, and stays in escrow until somebody has looked
        alert("mismatch", order=payable.order_id, reason=wrong.message)
    return True


async def follow(tx: Tx, payable: Payable, payment: Payment) -> None:
    """What the order's present state means for its payment."""
    effect = division.divide(payable, payment, tx.new_id(), tx.new_id(), tx.now_ms)
    if effect is not None:
        await _write(tx, effect)
        EVENTS.labels("divided").inc()
        if effect.refund is not None:
            await payout_store.insert_refund(tx, effect.refund)
            EVENTS.labels("refund_wanted").inc()
        if effect.payout is not None:
            await payout_store.insert_payout(tx, effect.payout)
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
    """Book a refund that WeChat has carried out; what is not the buyer's may go its way now. False: it was known."""
    effect = division.refunded(payable, payment, refund, wechat_id, tx.now_ms)
    if effect is None or effect.refund is None:
        return False
    await _write(tx, effect)
    await payout_store.update_refund(tx, effect.refund)
    EVENTS.labels("refunded").inc()
    payout = await payout_store.payout_of(tx, payment.id)
    if payout is not None:
        await payout_store.update_payout(tx, division.begun(payout, tx.now_ms))
    return True


async def pay_out(tx: Tx, payment: Payment, payout: Payout) -> None:
    """Book a step of a payout that WeChat has carried out."""
    effect = division.carried_out(payment, payout, tx.now_ms)
    if effect is None or effect.payout is None:
        return
    await _write(tx, effect)
    await payout_store.update_payout(tx, effect.payout)
    EVENTS.labels("shared" if payout.status == "sharing" else "released").inc()


async def lock(tx: Tx, order_id: Id, extension: int = 0) -> tuple[Payable, Payment]:
    """The row of the order or of its extension, locked, and its payment. Raise Conflict when it has none."""
    payable = await store.lock_payable(tx, order_id, extension)
    payment = await store.payment_of(tx, order_id, extension)
    if payable is None or payment is None:
        raise Conflict("this order has no payment")
    return payable, payment


def alert(kind: str, **details: object) -> None:
    ALERTS.labels(kind).inc()
    log.error("payment alert", kind=kind, **details)


async def _write(tx: Tx, effect: escrow.Effect | division.Effect) -> None:
    await store.update_payment(tx, effect.payment)
    if effect.posting is not None:
        await ledger_store.post(tx, effect.posting)
    tx.emit(*effect.facts)
