"""Who sees what of an order's money: the buyer what was paid and came back, the owner what is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from market.kernel.actor import Actor
from market.kernel.errors import NotFound
from market.kernel.ids import Id
from market.payments.rules import ledger
from market.payments.rules.escrow import Payable, Payment, Refund

Party = Literal["buyer", "owner", "operator"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundView:
    """`status`: wanted, sent (WeChat is at it), done, or stuck (an operator is needed)."""

    refund_id: Id
    amount_fen: int
    reason: str
    status: str
    done_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidView:
    """The buyer's side. `status`: unpaid, preparing, waiting, paid or closed."""

    status: str
    total_fen: int
    rent_fen: int
    deposit_fen: int
    pay_by_ms: int
    paid_at_ms: int | None
    refunds: tuple[RefundView, ...]
    refunded_fen: int
    """What has arrived; what is on its way is in `refunds`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueView:
    """The owner's side. `status`: expected, escrowed, settled or void; `due_fen` is what the owner gets, less the fee."""

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
class Entry:
    """One line of the journal."""

    tx_id: Id
    line: int
    order_id: Id
    reason: str
    account: str
    amount_fen: int
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """A credit is positive, a debit negative. `reason`: received, settled or refund:<why>."""

    tx_id: Id
    at_ms: int
    reason: str
    account: str
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementView:
    order_id: Id
    lines: tuple[StatementLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """All accounts of one sort, or one of the house's own."""

    account: str
    accounts: int
    balance_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerView:
    """`ok`: everything sums to zero, in every journal transaction, and no order's account is overdrawn."""

    ok: bool
    sum_fen: int
    unbalanced: tuple[Id, ...]
    overdrawn: tuple[str, ...]
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
    payable: Payable,
    payment: Payment | None,
    refunds: Sequence[Refund],
    entries: Sequence[Entry],
    party: Party,
) -> OrderMoneyView:
    return OrderMoneyView(
        order_id=payable.order_id,
        version=payable.version + (payment.version if payment else 0),
        paid=_paid(payable, payment, refunds) if party != "owner" else None,
        due=_due(payable, payment, entries) if party != "buyer" else None,
    )


def statement(payable: Payable, entries: Sequence[Entry], party: Party) -> StatementView:
    shown = {
        "buyer": {ledger.escrow(payable.order_id), ledger.deposit(payable.order_id)},
        "owner": {ledger.owner(payable.owner_id), ledger.FEES},
    }.get(party)
    return StatementView(
        order_id=payable.order_id,
        lines=tuple(
            StatementLine(
                tx_id=e.tx_id,
                at_ms=e.at_ms,
                reason=e.reason,
                account=e.account,
                amount_fen=e.amount_fen,
            )
            for e in entries
            if shown is None or e.account in shown
        ),
    )


def _paid(payable: Payable, payment: Payment | None, refunds: Sequence[Refund]) -> PaidView:
    return PaidView(
        status=payment.status if payment else "unpaid",
        total_fen=payable.total_fen,
        rent_fen=payable.rent_fen,
        deposit_fen=payable.deposit_fen,
        pay_by_ms=payable.pay_by_ms,
        paid_at_ms=payment.paid_at_ms if payment and payment.status == "paid" else None,
        refunds=tuple(
            RefundView(
                refund_id=r.id, amount_fen=r.amount_fen, reason=r.reason, status=r.status,
                done_ms=r.done_ms or None,
            )
            for r in refunds
        ),
        refunded_fen=sum(r.amount_fen for r in refunds if r.status == "done"),
    )  # fmt: skip


def _due(payable: Payable, payment: Payment | None, entries: Sequence[Entry]) -> DueView:
    settled_fen = _sum(entries, ledger.owner(payable.owner_id))
    if payment is None or payment.status != "paid":
        status = "expected" if payable.state == "pending_payment" else "void"
    elif not payment.divided:
        status = "escrowed"
    else:
        status = "settled" if settled_fen or payment.divided == "completed" else "void"
    ended = status in ("settled", "void")
    return DueView(
        status=status,
        due_fen=settled_fen if ended else payable.rent_fen - payable.fee_fen,
        fee_fen=_sum(entries, ledger.FEES) if ended else payable.fee_fen,
        settled_fen=settled_fen,
    )


def _sum(entries: Sequence[Entry], account: str) -> int:
    return sum(e.amount_fen for e in entries if e.account == account)
