"""Reading it: who may see what."""

from __future__ import annotations

from collections.abc import Sequence

from infra.action import view
from market.kernel.actor import Call, require_operator
from market.kernel.errors import NotFound
from market.kernel.topics import Snapshot, Want
from market.payments import store
from market.payments.commands import CheckLedger, GetOrderMoney, GetStatement
from market.payments.rules import sight
from market.payments.rules.sight import LedgerView, OrderMoneyView, StatementView
from market.payments.wing import Payments


@view("payments.of_order")
async def of_order(payments: Payments, call: Call, query: GetOrderMoney) -> OrderMoneyView:
    """What a party has to do with an order's money: the buyer's payment and refunds, the owner's due."""
    async with payments.db.read() as cursor:
        payable = await store.read_payable(cursor, query.order_id)
        if payable is None:
            raise NotFound("no such order")
        party = sight.party_of(payable, call.actor)
        payment = await store.payment_of(cursor, query.order_id)
        refunds = await store.refunds_of(cursor, query.order_id)
        entries = await store.entries_of(cursor, query.order_id)
    return sight.see(payable, payment, refunds, entries, party)


@view("payments.statement")
async def statement(payments: Payments, call: Call, query: GetStatement) -> StatementView:
    """The lines of the ledger that concern a party of the order."""
    async with payments.db.read() as cursor:
        payable = await store.read_payable(cursor, query.order_id)
        if payable is None:
            raise NotFound("no such order")
        party = sight.party_of(payable, call.actor)
        return sight.statement(payable, await store.entries_of(cursor, query.order_id), party)


@view("payments.ledger_check")
async def ledger_check(payments: Payments, call: Call, query: CheckLedger) -> LedgerView:
    """Operators: whether the books balance, and what lies in each sort of account."""
    require_operator(call.actor)
    async with payments.db.read() as cursor:
        sum_fen, unbalanced, overdrawn, balances = await store.ledger_sums(cursor)
    return LedgerView(
        ok=sum_fen == 0 and not unbalanced and not overdrawn,
        sum_fen=sum_fen,
        unbalanced=tuple(unbalanced),
        overdrawn=tuple(overdrawn),
        balances=tuple(balances),
    )


async def snapshot(payments: Payments, wants: Sequence[Want], now_ms: int) -> list[Snapshot]:
    """Payments has no topics: the parties learn of their money by the order's topic and by notices."""
    return []


TOPICS: tuple[str, ...] = ()
