"""The life of an order's money: prepared, paid into escrow, divided when the order ends, given back or credited.

What happens depends on the order's facts and on WeChat's, which arrive in any order. So nothing here says "when A comes
after B": `divide` looks at what is known of both, and does once what has become due.

    preparing -> waiting -> paid        a payment; closed when nobody paid in time, and paid even then if WeChat says so
    wanted -> sent -> done              a refund; stuck when WeChat has given it up
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from market.kernel.errors import AlreadyDone, Conflict, IllegalTransition, NotFound
from market.kernel.facts import (
    Fact,
    OrderMoved,
    PaymentClosed,
    PaymentReceived,
    PaymentRefunded,
    PaymentSettled,
)
from market.kernel.ids import Id
from market.payments.rules import ledger, wording
from market.payments.rules.ledger import Posting

PaymentStatus = Literal["preparing", "waiting", "paid", "closed"]
RefundStatus = Literal["wanted", "sent", "done", "stuck"]

UNPAID = "pending_payment"
EXPIRING = "expiring"
"""The time to pay is over, and the order waits to hear whether it has been paid after all."""
ACCEPTED = frozenset(
    {"ready", "in_use", "returned", "claimed", "disputed", "completed", "refunded"}
)
"""States that an order reaches only after it has heard of its payment."""
PREPAY_LIFE_MS = 100 * 60_000
"""WeChat keeps a prepay_id for two hours; ours are renewed a little earlier."""
LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Payable:
    """What an order owes, as last heard. `accepted`: the order has counted its payment in."""

    order_id: Id
    version: int
    state: str
    accepted: bool
    buyer_id: Id
    owner_id: Id
    title: str
    rent_fen: int
    deposit_fen: int
    fee_fen: int
    total_fen: int
    refund_fen: int
    pay_by_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """The one payment of an order. Rent is `amount_fen - deposit_fen`.

    `divided` is the order's state that ended the escrow, or empty. `checks` counts the queries at WeChat so far, the next
    of which is at `check_ms`.
    """

    id: Id
    version: int
    order_id: Id
    out_trade_no: str
    openid: str
    description: str
    amount_fen: int
    deposit_fen: int
    expires_ms: int
    status: PaymentStatus
    prepay_id: str
    prepay_ms: int
    transaction_id: str
    paid_at_ms: int
    divided: str
    checks: int
    check_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money on its way back. `deposit_fen` of it comes out of the deposit, the rest out of the rent."""

    id: Id
    payment_id: Id
    order_id: Id
    reason: str
    amount_fen: int
    deposit_fen: int
    status: RefundStatus
    out_refund_no: str
    wechat_id: str
    attempts: int
    due_ms: int
    done_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What one decision leaves to be written: the payment or refund as it is now, a posting, a new refund, facts."""

    payment: Payment
    posting: Posting | None = None
    refund: Refund | None = None
    facts: tuple[Fact, ...] = ()


def heard(known: Payable | None, moved: OrderMoved) -> Payable:
    """The projection after a fact of the order; `known` itself when the fact is not newer."""
    if known is not None and moved.version <= known.version:
        return known
    return Payable(
        order_id=moved.order_id,
        version=moved.version,
        state=moved.state,
        accepted=moved.state in ACCEPTED or (known is not None and known.accepted),
        buyer_id=moved.buyer_id,
        owner_id=moved.owner_id,
        title=moved.title[:LONGEST_TITLE],
        rent_fen=moved.rent_fen,
        deposit_fen=moved.deposit_fen,
        fee_fen=moved.fee_fen,
        total_fen=moved.total_fen,
        refund_fen=moved.refund_fen,
        pay_by_ms=moved.pay_by_ms,
    )


def may_pay(payable: Payable, payment: Payment | None, payer_id: Id, now_ms: int) -> None:
    """Raise NotFound for anybody but the buyer, AlreadyDone when it is paid, IllegalTransition when it is too late."""
    if payer_id != payable.buyer_id:
        raise NotFound("no such order")
    if payment is not None and payment.status == "paid":
        raise AlreadyDone("this order is paid")
    if payable.state != UNPAID:
        raise IllegalTransition(state=payable.state, version=payable.version)
    if now_ms >= payable.pay_by_ms or (payment is not None and payment.status == "closed"):
        raise IllegalTransition(
            "the time to pay is over", state=payable.state, pay_by_ms=payable.pay_by_ms
        )


def prepare(payment_id: Id, payable: Payable, openid: str, check_ms: int) -> Payment:
    """The intent to take an order's money: all that WeChat will be told, so that it is told the same every time."""
    return Payment(
        id=payment_id,
        version=1,
        order_id=payable.order_id,
        out_trade_no=f"P{payment_id:019d}",
        openid=openid,
        description=wording.description(payable.title),
        amount_fen=payable.total_fen,
        deposit_fen=payable.deposit_fen,
        expires_ms=payable.pay_by_ms,
        status="preparing",
        prepay_id="",
        prepay_ms=0,
        transaction_id="",
        paid_at_ms=0,
        divided="",
        checks=0,
        check_ms=check_ms,
    )


def needs_prepay(payment: Payment, now_ms: int) -> bool:
    return not payment.prepay_id or now_ms - payment.prepay_ms >= PREPAY_LIFE_MS


def prepared(payment: Payment, prepay_id: str, check_ms: int, now_ms: int) -> Payment:
    """The payment once WeChat waits for its payer; unchanged if it has been paid or closed meanwhile."""
    if payment.status not in ("preparing", "waiting"):
        return payment
    return replace(
        payment, version=payment.version + 1, status="waiting", prepay_id=prepay_id, prepay_ms=now_ms,
        check_ms=check_ms,
    )  # fmt: skip


def close(payable: Payable, payment: Payment) -> Effect | None:
    """WeChat takes the payment no more, and an order that waits for that hears so; None if it has been paid meanwhile."""
    waits = payable.state == EXPIRING
    if payment.status == "paid" or (payment.status == "closed" and not waits):
        return None
    payment = replace(payment, version=payment.version + 1, status="closed")
    data = PaymentClosed(order_id=payment.order_id, payment_id=payment.id, reason=payable.state)
    return Effect(
        payment=payment, facts=(_fact(PaymentClosed.KIND, payment, data),) if waits else ()
    )


def never_opened(payable: Payable) -> Fact | None:
    """What an order hears that waits for its payment's end, when its buyer never began to pay."""
    if payable.state != EXPIRING:
        return None
    data = PaymentClosed(order_id=payable.order_id, payment_id=Id(0), reason=payable.state)
    return Fact(
        kind=PaymentClosed.KIND, entity=payable.order_id, version=payable.version, data=data
    )


def receive(
    payment: Payment, amount_fen: int, transaction_id: str, paid_at_ms: int
) -> Effect | None:
    """The money has come, in time or late; None when that is known. Raise Conflict when it is another amount or trade."""
    if amount_fen != payment.amount_fen:
        raise Conflict(
            "another amount was paid", expected_fen=payment.amount_fen, paid_fen=amount_fen
        )
    if payment.status == "paid":
        if payment.transaction_id != transaction_id:
            raise Conflict("it was paid by another transaction")
        return None
    payment = replace(
        payment, version=payment.version + 1, status="paid", transaction_id=transaction_id,
        paid_at_ms=paid_at_ms,
    )  # fmt: skip
    posting = ledger.posting(
        payment.order_id,
        "received",
        {
            ledger.CLEARING: -amount_fen,
            ledger.escrow(payment.order_id): amount_fen - payment.deposit_fen,
            ledger.deposit(payment.order_id): payment.deposit_fen,
        },
    )
    data = PaymentReceived(
        order_id=payment.order_id,
        payment_id=payment.id,
        amount_fen=amount_fen,
        paid_at_ms=paid_at_ms,
    )
    return Effect(
        payment=payment, posting=posting, facts=(_fact(PaymentReceived.KIND, payment, data),)
    )


def due_back_fen(payable: Payable, payment: Payment) -> int | None:
    """What the buyer gets back now that the order has ended; None while it has not.

    An order that ended without having counted the payment in gives back everything, whatever it believed to owe.
    """
    if payable.state == "completed":
        return payment.deposit_fen
    if payable.state in ("declined", "expired") or (
        payable.state == "cancelled" and not payable.accepted
    ):
        return payment.amount_fen
    if payable.state in ("cancelled", "refunded"):
        return min(payable.refund_fen, payment.amount_fen)
    return None


def divide(payable: Payable, payment: Payment, refund_id: Id, now_ms: int) -> Effect | None:
    """End the escrow: a refund for the buyer, the rest for the owner less the platform's fee.

    None while the order goes on, or no money has come, or it has been divided. The refund comes out of the deposit first.
    The fee shrinks with the rent that is kept; a deposit that is kept is the owner's alone.
    """
    back_fen = due_back_fen(payable, payment)
    if back_fen is None or payment.status != "paid" or payment.divided:
        return None
    rent_fen = payment.amount_fen - payment.deposit_fen
    back_deposit_fen = min(back_fen, payment.deposit_fen)
    kept_deposit_fen = payment.deposit_fen - back_deposit_fen
    kept_rent_fen = rent_fen - (back_fen - back_deposit_fen)
    fee_fen = min(payable.fee_fen, rent_fen) * kept_rent_fen // rent_fen if rent_fen else 0
    owner_fen = kept_rent_fen + kept_deposit_fen - fee_fen
    payment = replace(payment, version=payment.version + 1, divided=payable.state)
    refund = None
    if back_fen:
        refund = Refund(
            id=refund_id, payment_id=payment.id, order_id=payment.order_id, reason=payable.state,
            amount_fen=back_fen, deposit_fen=back_deposit_fen, status="wanted",
            out_refund_no=f"R{refund_id:019d}", wechat_id="", attempts=0, due_ms=now_ms, done_ms=0,
        )  # fmt: skip
    posting = ledger.posting(
        payment.order_id,
        "settled",
        {
            ledger.escrow(payment.order_id): -kept_rent_fen,
            ledger.deposit(payment.order_id): -kept_deposit_fen,
            ledger.owner(payable.owner_id): owner_fen,
            ledger.FEES: fee_fen,
        },
    )
    facts: tuple[Fact, ...] = ()
    if posting is not None:
        data = PaymentSettled(
            order_id=payment.order_id, payment_id=payment.id, owner_id=payable.owner_id,
            owner_fen=owner_fen, fee_fen=fee_fen,
        )  # fmt: skip
        facts = (_fact(PaymentSettled.KIND, payment, data),)
    return Effect(payment=payment, posting=posting, refund=refund, facts=facts)


def refunded(
    payable: Payable, payment: Payment, refund: Refund, wechat_id: str, now_ms: int
) -> Effect | None:
    """WeChat has given the money back; None when that is known."""
    if refund.status == "done":
        return None
    payment = replace(payment, version=payment.version + 1)
    posting = ledger.posting(
        refund.order_id,
        f"refund:{refund.reason}",
        {
            ledger.escrow(refund.order_id): refund.deposit_fen - refund.amount_fen,
            ledger.deposit(refund.order_id): -refund.deposit_fen,
            ledger.CLEARING: refund.amount_fen,
        },
    )
    data = PaymentRefunded(
        order_id=refund.order_id, payment_id=payment.id, refund_id=refund.id, buyer_id=payable.buyer_id,
        amount_fen=refund.amount_fen, reason=refund.reason,
    )  # fmt: skip
    refund = replace(refund, status="done", wechat_id=wechat_id, done_ms=now_ms)
    facts = (_fact(PaymentRefunded.KIND, payment, data),)
    return Effect(payment=payment, posting=posting, refund=refund, facts=facts)


def _fact(
    kind: str,
    payment: Payment,
    data: PaymentReceived | PaymentSettled | PaymentRefunded | PaymentClosed,
) -> Fact:
    return Fact(kind=kind, entity=payment.id, version=payment.version, data=data)
