"""Using longer is paid beside the order, by a payment of its own, whose money goes its own way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from infra.process import now_ms
from market.kernel.errors import AlreadyDone, IllegalTransition, NotFound, NotYet
from market.kernel.facts import PaymentClosed, PaymentReceived, PaymentRefunded, PaymentSettled
from market.payments import actions, views
from market.payments.actions import PrepayView
from market.payments.commands import GetBalance, GetOrderMoney, GetStatement, Prepay
from market.payments.wing import Payments
from tests.integration.conftest import someone
from tests.integration.payments.conftest import Deal, Ear, Phone, asks, new_deal
from workers.settlement import Settlement


@pytest.fixture(autouse=True)
async def hurried(phone: Phone) -> AsyncIterator[None]:
    """The product's clock is the tests' own, WeChat's is not: its minute is over at once."""
    await phone.rules(share_after_s=0)
    yield
    await phone.rules(share_after_s=60)


async def in_use(payments: Payments, phone: Phone, ear: Ear) -> Deal:
    deal = await new_deal(payments)
    view = await actions.prepay(payments, asks(deal.buyer), Prepay(order_id=deal.order_id))
    await phone.pay(view.params)
    assert await ear.statuses.get() == 200
    await deal.goes("ready", "in_use")
    return deal


async def prepaid(payments: Payments, deal: Deal) -> PrepayView:
    return await actions.prepay(
        payments, asks(deal.buyer), Prepay(order_id=deal.order_id, extension_id=1)
    )


async def longer(payments: Payments, phone: Phone, ear: Ear) -> Deal:
    """In use, and paid for longer."""
    deal = await in_use(payments, phone, ear)
    await deal.extends("pending_payment")
    view = await prepaid(payments, deal)
    assert (view.amount_fen, view.extension_id) == (1_000, 1)
    await phone.pay(view.params)
    assert await ear.statuses.get() == 200
    await deal.extends("paid")
    return deal


async def settled(payments: Payments, ear: Ear, deal: Deal) -> None:
    await Settlement(payments).run_out(now_ms())
    await ear.until(deal.is_refunded)
    at_ms = now_ms() + 61_000
    async with asyncio.timeout(20):
        while {payout.status for payout in await deal.payouts()} != {"done"}:
            await Settlement(payments).run_out(at_ms)
            at_ms += 60_000


async def test_each_payment_is_shared_and_released_by_itself(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await longer(payments, phone, ear)
    assert await deal.balances() == {
        "wechat:clearing": -13_000, "escrow": 3_000, "deposit": 10_000,
    }  # fmt: skip
    numbers = {(await deal.payment(n)).out_trade_no for n in (0, 1)}
    assert len(numbers) == 2
    deal.tell_longer("completed")
    await deal.goes("returned", "completed")
    await settled(payments, ear, deal)
    assert await deal.balances() == {"wechat:platform": -300, "platform:fees": 300}
    facts = [fact for fact in await deal.facts() if isinstance(fact, PaymentSettled)]
    assert {(f.extension, f.owner_fen, f.fee_fen) for f in facts} == {
        (0, 1_800, 200),
        (1, 900, 100),
    }
    merchant = (await deal.payment()).sub_mchid
    assert await phone.balance(merchant) == (0, 2_700)


async def test_what_goes_back_of_an_extension_goes_back_to_where_it_was_paid(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await longer(payments, phone, ear)
    deal.tell_longer("completed", refund_fen=600)
    await deal.goes("disputed", "completed")
    await settled(payments, ear, deal)
    back = {r.extension: r.amount_fen for r in await deal.refunds()}
    assert back == {0: 10_000, 1: 600}
    trade = await phone.trade((await deal.payment(1)).out_trade_no)
    assert [r["refund_fen"] for r in trade["refunds"]] == [600]
    assert await deal.balances() == {"wechat:platform": -240, "platform:fees": 240}


async def test_both_parties_read_of_it(payments: Payments, phone: Phone, ear: Ear) -> None:
    deal = await longer(payments, phone, ear)
    for who in (deal.buyer, deal.owner):
        told = await views.statement(payments, asks(who), GetStatement(order_id=deal.order_id))
        assert (told.paid_fen, told.held_rent_fen, told.held_deposit_fen) == (13_000, 3_000, 10_000)
        assert {line.extension_id for line in told.lines} == {0, 1}
    query = GetOrderMoney(order_id=deal.order_id)
    paid = (await views.of_order(payments, asks(deal.buyer), query)).paid
    assert paid is not None
    assert [(e.extension_id, e.status, e.amount_fen) for e in paid.extensions] == [
        (1, "paid", 1_000)
    ]
    due = (await views.of_order(payments, asks(deal.owner), query)).due
    assert due is not None
    assert (due.due_fen, due.fee_fen) == (2_700, 300)
    deal.tell_longer("completed")
    await deal.goes("returned", "completed")
    earned = await views.balance(payments, asks(deal.owner), GetBalance())
    assert (earned.due_fen, {line.order_id for line in earned.lines}) == (2_700, {deal.order_id})


async def test_one_that_nobody_began_to_pay_is_closed_at_once(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await in_use(payments, phone, ear)
    await deal.extends("pending_payment")
    await deal.extends("expiring")
    told = (await deal.facts())[-1]
    assert isinstance(told, PaymentClosed)
    assert (told.extension, told.payment_id) == (1, 0)


async def test_one_that_is_not_paid_is_closed_at_wechat_first(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await in_use(payments, phone, ear)
    await deal.extends("pending_payment")
    await prepaid(payments, deal)
    await deal.extends("expiring")
    with pytest.raises(IllegalTransition):
        await prepaid(payments, deal)
    assert not any(isinstance(fact, PaymentClosed) for fact in await deal.facts())
    await Settlement(payments).run_out(now_ms())
    told = (await deal.facts())[-1]
    assert isinstance(told, PaymentClosed)
    assert told.extension == 1
    assert (await deal.payment(1)).status == "closed"
    assert (await deal.payment()).status == "paid"


async def test_paid_after_it_has_expired_goes_back_and_nothing_else_does(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await in_use(payments, phone, ear)
    await deal.extends("pending_payment")
    view = await prepaid(payments, deal)
    await deal.extends("expiring")
    await Settlement(payments).run_out(now_ms())
    await deal.extends("expired")
    await phone.pay(view.params, after_expiry=True)
    assert await ear.statuses.get() == 200
    await Settlement(payments).run_out(now_ms())
    await ear.until(deal.is_refunded)
    assert await deal.balances() == {"wechat:clearing": -12_000, "escrow": 2_000, "deposit": 10_000}
    back = [fact for fact in await deal.facts() if isinstance(fact, PaymentRefunded)]
    assert [(fact.extension, fact.amount_fen) for fact in back] == [(1, 1_000)]
    # and the end of the order divides what is left
    deal.tell_longer("expired")
    await deal.goes("returned", "completed")
    assert await deal.balances() == {
        "wechat:clearing": -12_000, "deposit": 10_000, "owner": 1_800, "platform:fees": 200,
    }  # fmt: skip


async def test_who_may_pay_for_what(payments: Payments, phone: Phone, ear: Ear) -> None:
    deal = await in_use(payments, phone, ear)
    with pytest.raises(NotYet):
        await prepaid(payments, deal)
    await deal.extends("pending_payment")
    for who in (deal.owner, someone()):
        with pytest.raises(NotFound):
            await actions.prepay(
                payments, asks(who), Prepay(order_id=deal.order_id, extension_id=1)
            )
    with pytest.raises(AlreadyDone):
        await actions.prepay(payments, asks(deal.buyer), Prepay(order_id=deal.order_id))
    first, again = await prepaid(payments, deal), await prepaid(payments, deal)
    assert first.payment_id == again.payment_id
    await phone.pay(first.params)
    assert await ear.statuses.get() == 200
    with pytest.raises(AlreadyDone):
        await prepaid(payments, deal)
    received = [fact for fact in await deal.facts() if isinstance(fact, PaymentReceived)]
    assert [(fact.extension, fact.amount_fen) for fact in received] == [(0, 12_000), (1, 1_000)]
