"""Who sees what of an order's money: the buyer what was paid and came back, the owner what is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from market.kernel.actor import Actor
from market.kernel.errors import NotFound
from market.kernel.ids import Id
from market.payments.rules import ledger
from market.payments.rules.division import Refund
from market.payments.rules.escrow import Payable, Payment
from market.payments.rules.ledger import Entry, Moves
from market.payments.rules.merchants import Merchant
from market.payments.rules.reconciling import Difference

Party = Literal["buyer", "owner", "operator"]
Owed = tuple[Payable, Payment | None]
"""And how it was paid."""
EXPECTED = frozenset({"requested", "pending_payment", "expiring"})
"""States of an order that may still be paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundView:
    """`status`: wanted, sent (WeChat is at it), done, or stuck (an operator is needed)."""

    refund_id: Id
    amount_fen: int
    reason: str
    status: str
    done_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionPaidView:
    """What using longer costs. `status` as of the order itself."""

    extension_id: int
    status: str
    amount_fen: int
    pay_by_ms: int
    paid_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidView:
    """The buyer's side. `status`: unpaid, preparing, waiting, paid or closed. `refunds` are of all payments; the rest is about
    the order's own one, beside which each of the `extensions` has one."""

    status: str
    total_fen: int
    rent_fen: int
    deposit_fen: int
    pay_by_ms: int
    paid_at_ms: int | None
    extensions: tuple[ExtensionPaidView, ...]
    refunds: tuple[RefundView, ...]
    refunded_fen: int
    """What has arrived; what is on its way is in `refunds`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueView:
    """The owner's side. `status`: expected, escrowed, settled or void; `due_fen` is what the owner gets, less the fee, with what
    was paid for using longer."""

    status: str
    due_fen: int
    fee_fen: int
    settled_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMoneyView:
    """Each party finds its own side, operators both."""

    order_id: Id
    version: int
    paid: PaidView | None
    due: DueView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnboardingView:
    """`status`: none, sending, applied (WeChat is at it; `sign_url` when the owner is to sign), finished, or rejected."""

    status: str
    sign_url: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """A credit is positive, a debit negative. `reason`: received, settled, refund:<why>, commission or released; of the order's
    own payment where `extension_id` is 0, else of that extension's."""

    tx_id: Id
    at_ms: int
    extension_id: int
    reason: str
    account: str
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementView:
    """paid = held + refunded + owner + fee, to the fen, at every moment. `lines` are the journal's, each of whose
    transactions sums to zero."""

    order_id: Id
    paid_fen: int
    held_rent_fen: int
    held_deposit_fen: int
    refunded_fen: int
    owner_fen: int
    fee_fen: int
    lines: tuple[StatementLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceLine:
    tx_id: Id
    at_ms: int
    order_id: Id
    reason: str
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceView:
    """`due_fen` has been earned and not yet been released by WeChat. `before` asks for the next lines, if there are any."""

    due_fen: int
    earned_fen: int
    released_fen: int
    lines: tuple[BalanceLine, ...]
    before: Id | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceView:
    """`sort`: payment, refund or commission. `kind`: missing_there (not in WeChat's bill of `day`), missing_here (not in our
    books), or differing. `order_id` is 0 when we know of none."""

    difference_id: Id
    day: str
    sort: str
    kind: str
    number: str
    order_id: Id
    ours_fen: int
    theirs_fen: int
    resolved_ms: int | None
    resolved_by: Id | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferencesView:
    """`before` asks for the next ones, if there are any."""

    differences: tuple[DifferenceView, ...]
    before: Id | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckRefundView:
    """`out_refund_no` is what WeChat's merchant platform knows it by."""

    refund_id: Id
    order_id: Id
    amount_fen: int
    reason: str
    out_refund_no: str
    settled_ms: int | None
    settled_by: Id | None
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckRefundsView:
    """`before` asks for the next ones, if there are any."""

    refunds: tuple[StuckRefundView, ...]
    before: Id | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """All accounts of one sort, or one of the house's own."""

    account: str
    balance_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerView:
    """`ok`: everything rolled up sums to zero, in every journal transaction, and no order's account is overdrawn.

    `unrolled` journal transactions wait to be added. `wrong` are balances that are not the sum of their entries, which
    only a full check looks at.
    """

    ok: bool
    sum_fen: int
    unrolled: int
    unbalanced: tuple[Id, ...]
    overdrawn: tuple[str, ...]
    wrong: tuple[str, ...]
    balances: tuple[AccountView, ...]


def party_of(payable: Payable, actor: Actor) -> Party:
    """Raise NotFound for strangers."""
    if actor.user_id == payable.buyer_id:
        return "buyer"
    if actor.user_id == payable.owner_id:
        return "owner"
    if actor.is_operator:
        return "operator"
    raise NotFound("no such order")


def see(
    owed: Sequence[Owed], refunds: Sequence[Refund], entries: Sequence[Entry], party: Party
) -> OrderMoneyView:
    """`owed` by the order, and then by its extensions."""
    payable, _ = owed[0]
    return OrderMoneyView(
        order_id=payable.order_id,
        version=payable.version + sum(payment.version for _, payment in owed if payment),
        paid=_paid(owed, refunds) if party != "owner" else None,
        due=_due(owed, entries) if party != "buyer" else None,
    )


def onboarding(merchant: Merchant | None) -> OnboardingView:
    if merchant is None:
        return OnboardingView(status="none", sign_url="", reason="")
    return OnboardingView(
        status=merchant.status, sign_url=merchant.sign_url, reason=merchant.reason
    )


def statement(payable: Payable, entries: Sequence[Entry]) -> StatementView:
    held_rent_fen = _sum(entries, ledger.escrow(payable.order_id))
    held_deposit_fen = _sum(entries, ledger.deposit(payable.order_id))
    return StatementView(
        order_id=payable.order_id,
        paid_fen=sum(-e.amount_fen for e in entries if e.reason == "received" and e.amount_fen < 0),
        held_rent_fen=held_rent_fen,
        held_deposit_fen=held_deposit_fen,
        refunded_fen=sum(
            e.amount_fen
            for e in entries
            if e.reason.startswith("refund:") and e.account == ledger.CLEARING
        ),
        owner_fen=_settled(entries, ledger.owner(payable.owner_id)),
        fee_fen=_settled(entries, ledger.FEES),
        lines=tuple(
            StatementLine(
                tx_id=e.tx_id, at_ms=e.at_ms, extension_id=e.extension, reason=e.reason, account=e.account,
                amount_fen=e.amount_fen,
            )
            for e in entries
        ),
    )  # fmt: skip


def balance(moves: Moves, entries: Sequence[Entry], limit: int) -> BalanceView:
    """`entries` are one more than `limit` if there are more."""
    shown = entries[:limit]
    return BalanceView(
        due_fen=moves.balance_fen,
        earned_fen=moves.credited_fen,
        released_fen=moves.debited_fen,
        lines=tuple(
            BalanceLine(
                tx_id=e.tx_id, at_ms=e.at_ms, order_id=e.order_id, reason=e.reason, amount_fen=e.amount_fen
            )
            for e in shown
        ),
        before=shown[-1].tx_id if len(entries) > limit else None,
    )  # fmt: skip


def stuck_refund(refund: Refund, settled_by: Id, note: str) -> StuckRefundView:
    return StuckRefundView(
        refund_id=refund.id, order_id=refund.order_id, amount_fen=refund.amount_fen, reason=refund.reason,
        out_refund_no=refund.out_refund_no, settled_ms=refund.done_ms or None, settled_by=settled_by or None, note=note,
    )  # fmt: skip


def difference(
    id_: Id, day: str, found: Difference, resolved_ms: int, resolved_by: Id, note: str
) -> DifferenceView:
    return DifferenceView(
        difference_id=id_, day=day, sort=found.sort, kind=found.kind, number=found.number,
        order_id=found.order_id, ours_fen=found.ours_fen, theirs_fen=found.theirs_fen,
        resolved_ms=resolved_ms or None, resolved_by=resolved_by if resolved_ms else None, note=note,
    )  # fmt: skip


def ledger_of(
    totals: Mapping[str, Moves], faults: Sequence[tuple[str, str]], unrolled: int
) -> LedgerView:
    sum_fen = sum(moves.balance_fen for moves in totals.values())
    of_kind = {
        kind: tuple(subject for each, subject in faults if each == kind)
        for kind in ("unbalanced", "overdrawn", "balance")
    }
    return LedgerView(
        ok=sum_fen == 0 and not faults,
        sum_fen=sum_fen,
        unrolled=unrolled,
        unbalanced=tuple(Id(int(subject)) for subject in of_kind["unbalanced"]),
        overdrawn=of_kind["overdrawn"],
        wrong=of_kind["balance"],
        balances=tuple(
            AccountView(account=sort, balance_fen=moves.balance_fen)
            for sort, moves in totals.items()
        ),
    )


def _paid(owed: Sequence[Owed], refunds: Sequence[Refund]) -> PaidView:
    payable, payment = owed[0]
    return PaidView(
        status=_status(payment),
        total_fen=payable.total_fen,
        rent_fen=payable.rent_fen,
        deposit_fen=payable.deposit_fen,
        pay_by_ms=payable.pay_by_ms,
        paid_at_ms=_paid_at_ms(payment),
        extensions=tuple(
            ExtensionPaidView(
                extension_id=p.extension, status=_status(own), amount_fen=p.total_fen, pay_by_ms=p.pay_by_ms,
                paid_at_ms=_paid_at_ms(own),
            )
            for p, own in owed[1:]
        ),
        refunds=tuple(
            RefundView(
                refund_id=r.id, amount_fen=r.amount_fen, reason=r.reason, status=r.status,
                done_ms=r.done_ms or None,
            )
            for r in refunds
        ),
        refunded_fen=sum(r.amount_fen for r in refunds if r.status == "done"),
    )  # fmt: skip


def _status(payment: Payment | None) -> str:
    return payment.status if payment else "unpaid"


def _paid_at_ms(payment: Payment | None) -> int | None:
    return payment.paid_at_ms if payment and payment.status == "paid" else None


def _due(owed: Sequence[Owed], entries: Sequence[Entry]) -> DueView:
    payable, payment = owed[0]
    counted = [payable, *(extension for extension, _ in owed[1:] if extension.accepted)]
    settled_fen = _settled(entries, ledger.owner(payable.owner_id))
    if payment is None or payment.status != "paid":
        status = "expected" if payable.state in EXPECTED else "void"
    elif not payment.divided:
        status = "escrowed"
    else:
        status = "settled" if settled_fen or payment.divided == "completed" else "void"
    ended = status in ("settled", "void")
    return DueView(
        status=status,
        due_fen=settled_fen if ended else sum(p.rent_fen - p.fee_fen for p in counted),
        fee_fen=_settled(entries, ledger.FEES) if ended else sum(p.fee_fen for p in counted),
        settled_fen=settled_fen,
    )


def _sum(entries: Sequence[Entry], account: str) -> int:
    return sum(e.amount_fen for e in entries if e.account == account)


def _settled(entries: Sequence[Entry], account: str) -> int:
    """What was credited when the order ended, whatever has become of it since."""
    return _sum([e for e in entries if e.reason == "settled"], account)
