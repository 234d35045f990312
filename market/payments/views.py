"""Reading it: who may see what."""

from __future__ import annotations

from collections.abc import Sequence

from infra.action import view
from infra.mysql.database import Cursor
from market.kernel.actor import Call, require_operator
from market.kernel.errors import NotFound
from market.kernel.topics import Snapshot, Want
from market.payments import bill_store, ledger_store, merchant_store, payout_store, store
from market.payments.commands import (
    CheckLedger,
    GetBalance,
    GetOnboarding,
    GetOrderMoney,
    GetStatement,
    ListDifferences,
)
from market.payments.rules import ledger, sight
from market.payments.rules.sight import (
    BalanceView,
    DifferencesView,
    LedgerView,
    OnboardingView,
    OrderMoneyView,
    StatementView,
)
from market.payments.wing import Payments


@view("payments.of_order")
async def of_order(payments: Payments, call: Call, query: GetOrderMoney) -> OrderMoneyView:
    """What a party has to do with an order's money: the buyer's payment and refunds, the owner's due."""
    async with payments.db.read() as cursor:
        payables = await store.read_payables(cursor, query.order_id)
        if not payables:
            raise NotFound("no such order")
        party = sight.party_of(payables[0], call.actor)
        paid = await store.payments_of(cursor, [query.order_id])
        refunds = await payout_store.refunds_of(cursor, query.order_id)
        entries = await ledger_store.entries_of(cursor, query.order_id)
    owed = [(payable, paid.get((payable.order_id, payable.extension))) for payable in payables]
    return sight.see(owed, refunds, entries, party)


@view("payments.statement")
async def statement(payments: Payments, call: Call, query: GetStatement) -> StatementView:
    """Every fen of the order, for both parties: what was paid, is held, went to whom, came back."""

    async def read(cursor: Cursor) -> StatementView:
        payables = await store.read_payables(cursor, query.order_id)
        if not payables:
            raise NotFound("no such order")
        sight.party_of(payables[0], call.actor)
        return sight.statement(payables[0], await ledger_store.entries_of(cursor, query.order_id))

    return await payments.db.as_new_as(query.seen, read, lambda found: len(found.lines))


@view("payments.balance")
async def balance(payments: Payments, call: Call, query: GetBalance) -> BalanceView:
    """What the asker has earned by letting, and the journal's lines about it, newest first."""
    account = ledger.owner(call.actor.user_id)
    async with payments.db.read() as cursor:
        moves = await ledger_store.balance(cursor, call.actor.user_id, ledger.sort_of(account))
        entries = await ledger_store.entries_of_account(
            cursor, account, query.before, query.limit + 1
        )
    return sight.balance(moves, entries, query.limit)


@view("payments.onboarding")
async def onboarding(payments: Payments, call: Call, query: GetOnboarding) -> OnboardingView:
    """How far the asker is on the way to being paid."""
    async with payments.db.read() as cursor:
        return sight.onboarding(await merchant_store.read(cursor, call.actor.user_id))


@view("payments.differences")
async def differences(payments: Payments, call: Call, query: ListDifferences) -> DifferencesView:
    """Operators: where WeChat's bills and our books are not the same, newest first."""
    require_operator(call.actor)
    async with payments.db.read() as cursor:
        found = await bill_store.differences(cursor, query.resolved, query.before, query.limit + 1)
    shown = found[: query.limit]
    return DifferencesView(
        differences=tuple(
            sight.difference(f.id, f.day, f.difference, f.resolved_ms, f.resolved_by, f.note)
            for f in shown
        ),
        before=shown[-1].id if len(found) > query.limit else None,
    )


@view("payments.ledger_check")
async def ledger_check(payments: Payments, call: Call, query: CheckLedger) -> LedgerView:
    """Operators: whether the books balance, and what lies in each sort of account."""
    require_operator(call.actor)
    async with payments.db.read() as cursor:
        totals = await ledger_store.totals(cursor)
        faults = await ledger_store.faults(cursor)
        unrolled = await ledger_store.unrolled(cursor)
        if query.full:
            faults = sorted({*faults, *await ledger_store.all_faults(cursor)})
    return sight.ledger_of(totals, faults, unrolled)


async def snapshot(payments: Payments, wants: Sequence[Want], now_ms: int) -> list[Snapshot]:
    """Payments has no topics: the parties learn of their money by the order's topic and by notices."""
    return []


TOPICS: tuple[str, ...] = ()
