"""What the ledger shows: to both parties of an order, to an owner, to an operator."""

from __future__ import annotations

import aiomysql
import pytest

from infra.process import now_ms
from market.kernel.errors import Forbidden, NotFound
from market.payments import ledger_store, views
from market.payments.books import ALERTS
from market.payments.commands import CheckLedger, GetBalance, GetStatement
from market.payments.rules import ledger
from market.payments.rules.sight import LedgerView
from market.payments.wing import Payments
from tests.integration.conftest import new_id, someone
from tests.integration.payments.conftest import Deal, Ear, Phone, asks
from tests.integration.payments.test_settlement import ENDING, paid_deal
from workers import ledger_totals
from workers.settlement import Settlement


async def rolled(payments: Payments, *, full: bool = True) -> LedgerView:
    while await ledger_totals.run_once(payments, now_ms()):
        pass
    return await views.ledger_check(payments, asks(someone("operator")), CheckLedger(full=full))


async def test_both_parties_read_the_same_statement_and_it_adds_up_at_every_step(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await paid_deal(payments, phone, ear)
    query = GetStatement(order_id=deal.order_id)

    async def told() -> tuple[int, ...]:
        seen = await views.statement(payments, asks(deal.buyer), query)
        assert seen == await views.statement(payments, asks(deal.owner), query)
        held = (seen.held_rent_fen, seen.held_deposit_fen)
        assert seen.paid_fen == sum(held) + seen.refunded_fen + seen.owner_fen + seen.fee_fen
        assert sum(line.amount_fen for line in seen.lines) == 0
        return (seen.paid_fen, *held, seen.refunded_fen, seen.owner_fen, seen.fee_fen)

    assert await told() == (12_000, 2_000, 10_000, 0, 0, 0)
    await deal.goes(*ENDING)
    assert await told() == (12_000, 0, 10_000, 0, 1_800, 200)
    await Settlement(payments).run_out(now_ms())
    await ear.until(deal.is_refunded)
    assert await told() == (12_000, 0, 0, 10_000, 1_800, 200)
    with pytest.raises(NotFound):
        await views.statement(payments, asks(someone()), query)


async def test_an_owner_reads_a_balance_with_its_history_page_by_page(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    first = await paid_deal(payments, phone, ear)
    second = await paid_deal(payments, phone, ear)
    second.owner = first.owner
    third = Deal(payments, first.buyer, first.owner)
    for deal in (first, second):
        await deal.goes(*ENDING)
    seen = await views.balance(payments, asks(first.owner), GetBalance(limit=1))
    assert (seen.due_fen, seen.earned_fen, seen.released_fen) == (3_600, 3_600, 0)
    assert [line.order_id for line in seen.lines] == [second.order_id]
    older = await views.balance(payments, asks(first.owner), GetBalance(before=seen.before))
    assert [(line.order_id, line.amount_fen) for line in older.lines] == [(first.order_id, 1_800)]
    assert older.before is None
    nobody = await views.balance(payments, asks(someone()), GetBalance())
    assert (nobody.due_fen, nobody.lines) == (0, ())
    assert third.order_id not in {line.order_id for line in (*seen.lines, *older.lines)}


async def test_the_totals_grow_by_what_is_new_and_agree_with_the_whole_journal(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    before = await rolled(payments)
    assert (before.ok, before.unrolled) == (True, 0)
    deal = await paid_deal(payments, phone, ear)
    waiting = await views.ledger_check(payments, asks(someone("operator")), CheckLedger())
    assert waiting.unrolled == 1
    await deal.goes(*ENDING)
    after = await rolled(payments)
    assert (after.ok, after.sum_fen, after.unrolled) == (True, 0, 0)
    old = {account.account: account.balance_fen for account in before.balances}
    new = {account.account: account.balance_fen for account in after.balances}
    assert {sort: fen - old.get(sort, 0) for sort, fen in new.items() if fen != old.get(sort, 0)} == {
        "wechat:clearing": -12_000, "deposit": 10_000, "owner": 1_800, "platform:fees": 200,
    }  # fmt: skip
    with pytest.raises(Forbidden):
        await views.ledger_check(payments, asks(deal.buyer), CheckLedger())


async def test_an_overdrawn_account_is_found_when_it_is_rolled_up(
    payments: Payments, root: aiomysql.Connection
) -> None:
    """No rule of ours makes such a posting; should one ever, it is seen."""
    assert (await rolled(payments, full=False)).ok
    order_id = new_id()
    wrong = ledger.posting(order_id, "settled", {ledger.escrow(order_id): -1, ledger.FEES: 1})
    assert wrong is not None
    alerts = ALERTS.labels("ledger")._value.get()
    right = ledger.posting(order_id, "corrected", {ledger.escrow(order_id): 1, ledger.FEES: -1})
    assert right is not None
    await payments.db.act(now_ms(), lambda tx: ledger_store.post(tx, wrong), type(None))
    check = await rolled(payments, full=False)
    assert (check.ok, check.overdrawn) == (False, (ledger.escrow(order_id),))
    assert ALERTS.labels("ledger")._value.get() == alerts + 1
    # what never may be stays on record until somebody with the keys has looked into it
    await payments.db.act(now_ms(), lambda tx: ledger_store.post(tx, right), type(None))
    assert not (await rolled(payments)).ok
    async with root.cursor() as cursor:
        await cursor.execute("DELETE FROM ledger_faults")
    assert (await rolled(payments)).ok
