"""How an order's money comes in: prepared, waited for, frozen at its owner's account with WeChat.

    preparing -> waiting -> paid        closed when nobody paid in time, and paid even then if WeChat says so

How it goes out again is in `division`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from market.kernel.errors import AlreadyDone, Conflict, IllegalTransition, NotFound, NotYet
from market.kernel.facts import (
    ExtensionOwed,
    Fact,
    OrderMoved,
    PaymentClosed,
    PaymentReceived,
)  # fmt: skip
from market.kernel.ids import Id
from market.payments.rules import ledger, wording
from market.payments.rules.ledger import Posting

PaymentStatus = Literal["preparing", "waiting", "paid", "closed"]

REQUESTED = "requested"
UNPAID = "pending_payment"
EXPIRING = "expiring"
"""The time to pay is over, and the order waits to hear whether it has been paid after all."""
ACCEPTED = frozenset(
    {"ready", "in_use", "returned", "claimed", "disputed", "completed", "refunded", "paid"}
)
"""States that an order, or an extension, reaches only after it has heard of its payment."""
PREPAY_LIFE_MS = 100 * 60_000
"""WeChat keeps a prepay_id for two hours; ours are renewed a little earlier."""
LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Payable:
    """What an order owes, as last heard; or, with a number, what an extension of it owes beside that.

    `accepted`: the order has counted its payment in.
    """

    order_id: Id
    extension: int = 0
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
    refund_deposit_fen: int
    owner_fen: int
    pay_by_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """The one payment of an order, or of an extension, to its owner's account with WeChat. Rent is `amount_fen - deposit_fen`.

    `divided` is the order's state that ended the escrow, or empty. `checks` counts the queries at WeChat so far, the next
    of which is at `check_ms`.
    """

    id: Id
    version: int
    order_id: Id
    extension: int = 0
    sub_mchid: str
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
class Effect:
    """What one decision leaves to be written: the payment as it is now, a posting, facts."""

    payment: Payment
    posting: Posting | None = None
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
        refund_deposit_fen=moved.refund_deposit_fen,
        owner_fen=moved.owner_fen,
        pay_by_ms=moved.pay_by_ms,
    )


def heard_of_extension(known: Payable | None, moved: OrderMoved, owed: ExtensionOwed) -> Payable:
    """The same of an extension, for which there is no deposit."""
    if known is not None and moved.version <= known.version:
        return known
    return replace(
        heard(known, moved),
        extension=owed.extension,
        state=owed.state,
        accepted=owed.state in ACCEPTED or (known is not None and known.accepted),
        rent_fen=owed.rent_fen,
        deposit_fen=0,
        fee_fen=owed.fee_fen,
        total_fen=owed.rent_fen,
        refund_fen=owed.refund_fen,
        refund_deposit_fen=0,
        owner_fen=owed.owner_fen,
        pay_by_ms=owed.pay_by_ms,
    )


def may_pay(payable: Payable, payment: Payment | None, payer_id: Id, now_ms: int) -> None:
    """Raise NotFound for anybody but the buyer, AlreadyDone when it is paid, IllegalTransition when it is too late.

    An owner's yes may be on its way here while the buyer answers it by paying: NotYet.
    """
    if payer_id != payable.buyer_id:
        raise NotFound("no such order")
    if payment is not None and payment.status == "paid":
        raise AlreadyDone("this order is paid")
    if payable.state == REQUESTED:
        raise NotYet("payments has not heard that the owner agrees")
    if payable.state != UNPAID:
        raise IllegalTransition(state=payable.state, version=payable.version)
    if now_ms >= payable.pay_by_ms or (payment is not None and payment.status == "closed"):
        raise IllegalTransition(
            "the time to pay is over", state=payable.state, pay_by_ms=payable.pay_by_ms
        )


def prepare(
    payment_id: Id, payable: Payable, sub_mchid: str, openid: str, check_ms: int
) -> Payment:
    """The intent to take an order's money: all that WeChat will be told, so that it is told the same every time."""
    return Payment(
        id=payment_id,
        version=1,
        order_id=payable.order_id,
        extension=payable.extension,
        sub_mchid=sub_mchid,
        out_trade_no=f"P{payment_id:019d}",
        openid=openid,
        description=wording.description(payable.title, longer=payable.extension > 0),
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
    data = PaymentClosed(
        order_id=payment.order_id, payment_id=payment.id, reason=payable.state, extension=payment.extension
    )  # fmt: skip
    return Effect(
        payment=payment, facts=(_fact(PaymentClosed.KIND, payment, data),) if waits else ()
    )


def never_opened(payable: Payable) -> Fact | None:
    """What an order hears that waits for its payment's end, when its buyer never began to pay."""
    if payable.state != EXPIRING:
        return None
    data = PaymentClosed(
        order_id=payable.order_id, payment_id=Id(0), reason=payable.state, extension=payable.extension
    )  # fmt: skip
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
        payment.extension,
    )
    data = PaymentReceived(
        order_id=payment.order_id,
        payment_id=payment.id,
        amount_fen=amount_fen,
        paid_at_ms=paid_at_ms,
        extension=payment.extension,
    )
    return Effect(
        payment=payment, posting=posting, facts=(_fact(PaymentReceived.KIND, payment, data),)
    )


def _fact(kind: str, payment: Payment, data: PaymentReceived | PaymentClosed) -> Fact:
    return Fact(kind=kind, entity=payment.id, version=payment.version, data=data)
