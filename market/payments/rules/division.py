"""How an order's money goes out: divided when the order ends, the buyer's part first, then the platform's, then the owner's.

What happens depends on the order's facts and on WeChat's, which arrive in any order. So nothing here says "when A comes
after B": `divide` looks at what is known of both, and does once what has become due.

    wanted -> sent -> done                          a refund, out of what is frozen; wanted again, under another number, when
                                                    WeChat has closed it, and stuck when the payer's account takes nothing
    waiting -> sharing -> finishing -> done         a payout: waits for the refund, shares the commission, releases the rest

WeChat freezes a payment for 180 days and then lets all of it go to the owner. So an order that is still undecided
`DEADLINE_MS` after it was paid is decided here, as its own table would in the end: what was not decided goes back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from market.kernel.errors import Conflict
from market.kernel.facts import (
    ORDER_ENDS,
    Fact,
    PaymentRefunded,
    PaymentReleased,
    PaymentSettled,
)  # fmt: skip
from market.kernel.ids import Id
from market.payments.rules import ledger
from market.payments.rules.escrow import Payable, Payment
from market.payments.rules.ledger import Posting

ROUNDS = 5
"""As often as a refund is asked for that WeChat closes; then somebody has to look."""
CLOSED_MS = 600_000
_REFUND_NO = re.compile(r"R(\d{19})(?:-(\d))?")

RefundStatus = Literal["wanted", "sent", "done", "stuck"]
PayoutStatus = Literal["waiting", "sharing", "finishing", "done", "stuck"]

DAY_MS = 86_400_000
WARNING_MS = 160 * DAY_MS
DEADLINE_MS = 170 * DAY_MS
DEADLINE = "deadline"
"""What `Payment.divided` says when it was not the order that ended the escrow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money on its way back. `deposit_fen` of it comes out of the deposit, the rest out of the rent."""

    id: Id
    payment_id: Id
    order_id: Id
    extension: int = 0
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
class Payout:
    """What of a payment is not the buyer's: the platform's `fee_fen` and the owner's `owner_fen`.

    `sent`: WeChat may have heard of the step that `status` names.
    """

    id: Id
    payment_id: Id
    order_id: Id
    extension: int = 0
    owner_id: Id
    fee_fen: int
    owner_fen: int
    status: PayoutStatus
    sent: bool
    attempts: int
    due_ms: int
    done_ms: int

    @property
    def out_order_no(self) -> str:
        """WeChat's number of the present step: a step said again under its number happens once."""
        return f"{'S' if self.status == 'sharing' else 'F'}{self.id:019d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What one decision leaves to be written: what is as it is now, a posting, facts."""

    payment: Payment
    posting: Posting | None = None
    refund: Refund | None = None
    payout: Payout | None = None
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Whose a payment is, to the fen: back_rent + back_deposit + owner + fee = the payment."""

    back_rent_fen: int = 0
    back_deposit_fen: int = 0
    owner_fen: int = 0
    fee_fen: int = 0

    @property
    def back_fen(self) -> int:
        return self.back_rent_fen + self.back_deposit_fen


def parts(payable: Payable, payment: Payment) -> Parts | None:
    """Whose the payment is now that the order has ended; None while it has not.

    An order that ended without having counted the payment in gives back everything, whatever it believed to owe. Raise
    Conflict when the order's numbers do not add up to what was paid: then nothing moves until somebody has looked.
    """
    if payable.state not in ORDER_ENDS:
        return None
    if not payable.accepted:
        return _everything_back(payment)
    divided = Parts(
        back_rent_fen=payable.refund_fen - payable.refund_deposit_fen,
        back_deposit_fen=payable.refund_deposit_fen,
        owner_fen=payable.owner_fen,
        fee_fen=payable.fee_fen,
    )
    rent_fen = payment.amount_fen - payment.deposit_fen
    if (
        divided.back_fen + divided.owner_fen + divided.fee_fen != payment.amount_fen
        or not 0 <= divided.back_rent_fen <= rent_fen
        or not 0 <= divided.back_deposit_fen <= payment.deposit_fen
        or min(divided.owner_fen, divided.fee_fen) < 0
    ):
        raise Conflict(
            "the order's parts are not what was paid", order_id=str(int(payable.order_id))
        )
    return divided


def _everything_back(payment: Payment) -> Parts:
    return Parts(
        back_rent_fen=payment.amount_fen - payment.deposit_fen, back_deposit_fen=payment.deposit_fen
    )


def divide(
    payable: Payable, payment: Payment, refund_id: Id, payout_id: Id, now_ms: int
) -> Effect | None:
    """End the escrow: a refund for the buyer, the rest for the owner less the platform's fee.

    None while the order goes on, or no money has come, or it has been divided.
    """
    if payment.status != "paid" or payment.divided:
        return None
    divided = parts(payable, payment)
    if divided is None:
        if now_ms < payment.paid_at_ms + DEADLINE_MS:
            return None
        divided, reason = _everything_back(payment), DEADLINE
    else:
        reason = payable.state
    payment = replace(payment, version=payment.version + 1, divided=reason)
    refund = payout = None
    if divided.back_fen:
        refund = Refund(
            id=refund_id, payment_id=payment.id, order_id=payment.order_id,
            extension=payment.extension, reason=reason, amount_fen=divided.back_fen, deposit_fen=divided.back_deposit_fen, status="wanted",
            out_refund_no=_refund_no(refund_id, 1), wechat_id="", attempts=0, due_ms=now_ms, done_ms=0,
        )  # fmt: skip
    if divided.owner_fen or divided.fee_fen:
        payout = Payout(
            id=payout_id, payment_id=payment.id, order_id=payment.order_id,
            extension=payment.extension, owner_id=payable.owner_id, fee_fen=divided.fee_fen, owner_fen=divided.owner_fen, status="waiting", sent=False,
            attempts=0, due_ms=now_ms, done_ms=0,
        )  # fmt: skip
        if refund is None:
            payout = begun(payout, now_ms)
    kept_rent_fen = payment.amount_fen - payment.deposit_fen - divided.back_rent_fen
    posting = ledger.posting(
        payment.order_id,
        "settled",
        {
            ledger.escrow(payment.order_id): -kept_rent_fen,
            ledger.deposit(payment.order_id): divided.back_deposit_fen - payment.deposit_fen,
            ledger.owner(payable.owner_id): divided.owner_fen,
            ledger.FEES: divided.fee_fen,
        },
        payment.extension,
    )
    facts: tuple[Fact, ...] = ()
    if posting is not None:
        data = PaymentSettled(
            order_id=payment.order_id, payment_id=payment.id, owner_id=payable.owner_id,
            owner_fen=divided.owner_fen, fee_fen=divided.fee_fen, extension=payment.extension,
        )  # fmt: skip
        facts = (_fact(PaymentSettled.KIND, payment, data),)
    return Effect(payment=payment, posting=posting, refund=refund, payout=payout, facts=facts)


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
        refund.extension,
    )
    data = PaymentRefunded(
        order_id=refund.order_id, payment_id=payment.id, refund_id=refund.id, buyer_id=payable.buyer_id,
        amount_fen=refund.amount_fen, reason=refund.reason, extension=refund.extension,
    )  # fmt: skip
    refund = replace(refund, status="done", wechat_id=wechat_id, done_ms=now_ms)
    facts = (_fact(PaymentRefunded.KIND, payment, data),)
    return Effect(payment=payment, posting=posting, refund=refund, facts=facts)


def given_up(refund: Refund, state: str, wechat_id: str, now_ms: int) -> Refund:
    """The refund that WeChat has ended without giving back: CLOSED moved nothing, so it is asked for anew a while later;
    ABNORMAL waits for an operator, after whom WeChat says SUCCESS."""
    found = _REFUND_NO.fullmatch(refund.out_refund_no)
    round_ = int(found[2] or 1) if found else ROUNDS
    if state != "CLOSED" or round_ >= ROUNDS:
        return replace(refund, status="stuck", wechat_id=wechat_id)
    return replace(
        refund, status="wanted", out_refund_no=_refund_no(refund.id, round_ + 1), wechat_id="",
        attempts=0, due_ms=now_ms + CLOSED_MS,
    )  # fmt: skip


def refund_id_of(out_refund_no: str) -> Id | None:
    """Whose number it is or was; None for what is no number of ours."""
    found = _REFUND_NO.fullmatch(out_refund_no)
    return Id(int(found[1])) if found else None


def _refund_no(refund_id: Id, round_: int) -> str:
    return f"R{refund_id:019d}" + (f"-{round_}" if round_ > 1 else "")


def begun(payout: Payout, now_ms: int) -> Payout:
    """The payout once the buyer's part is back; unchanged if it has begun."""
    if payout.status != "waiting":
        return payout
    status: PayoutStatus = "sharing" if payout.fee_fen else "finishing"
    return replace(payout, status=status, due_ms=max(payout.due_ms, now_ms))


def carried_out(payment: Payment, payout: Payout, now_ms: int) -> Effect | None:
    """WeChat has carried out the payout's present step; None when there is none."""
    if payout.status == "sharing":
        posting = ledger.posting(
            payout.order_id,
            "commission",
            {ledger.CLEARING: payout.fee_fen, ledger.PLATFORM: -payout.fee_fen},
            payout.extension,
        )
        done = not payout.owner_fen
    elif payout.status == "finishing":
        posting = ledger.posting(
            payout.order_id,
            "released",
            {ledger.owner(payout.owner_id): -payout.owner_fen, ledger.CLEARING: payout.owner_fen},
            payout.extension,
        )
        done = True
    else:
        return None
    payout = replace(
        payout, status="done" if done else "finishing", sent=False, attempts=0, due_ms=now_ms,
        done_ms=now_ms if done else 0,
    )  # fmt: skip
    if not done:
        return Effect(payment=payment, posting=posting, payout=payout)
    payment = replace(payment, version=payment.version + 1)
    data = PaymentReleased(
        order_id=payment.order_id, payment_id=payment.id, extension=payment.extension,
        amount_fen=payout.fee_fen + payout.owner_fen,
    )  # fmt: skip
    facts = (_fact(PaymentReleased.KIND, payment, data),)
    return Effect(payment=payment, posting=posting, payout=payout, facts=facts)


def _fact(
    kind: str, payment: Payment, data: PaymentRefunded | PaymentSettled | PaymentReleased
) -> Fact:
    return Fact(kind=kind, entity=payment.id, version=payment.version, data=data)
