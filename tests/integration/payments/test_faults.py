"""Whatever the sandbox can do wrong is done wrong at each point of a deal's life, and the money ends where it belongs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from infra.process import now_ms
from market.kernel.errors import (
    AlreadyDone,
    Forbidden,
    IllegalTransition,
    MarketError,
    NotFound,
)
from market.payments import actions, by_hand
from market.payments.actions import PrepayView
from market.payments.books import ALERTS
from market.payments.commands import ListStuckRefunds, Prepay, SettleRefund
from market.payments.rules.sight import StuckRefundView
from market.payments.wing import Payments
from sandbox.server import faults
from tests.integration.conftest import call, new_id, someone
from tests.integration.payments.conftest import Deal, Ear, Phone, asks, new_deal
from tests.integration.payments.test_settlement import ENDING
from workers.settlement import Settlement

pytestmark = pytest.mark.slow

CALLS = (*faults.CALL_KINDS, *faults.CALL_DEMANDS)
NOTIFICATIONS = (*faults.NOTIFY_KINDS, *faults.NOTIFY_DEMANDS)
TRIED = [
    *((fault, step) for fault in CALLS for step in ("prepay", "refunding", "paying out")),
    *((fault, step) for fault in NOTIFICATIONS for step in ("paying", "refunding")),
]


@pytest.fixture(autouse=True)
async def hurried(phone: Phone) -> AsyncIterator[None]:
    await phone.rules(share_after_s=0)
    yield
    await phone.rules(share_after_s=60)


async def opened(payments: Payments, deal: Deal) -> PrepayView:
    """The buyer taps again when WeChat has stumbled."""
    for _ in range(3):
        try:
            return await actions.prepay(payments, asks(deal.buyer), Prepay(order_id=deal.order_id))
        except MarketError as refusal:
            if not refusal.retryable:
                raise
    raise AssertionError("it never opened")


class Hours:
    """The worker, as time goes by."""

    def __init__(self, payments: Payments) -> None:
        self._payments = payments
        self._at_ms = now_ms() + 61_000

    async def pass_(self) -> None:
        await Settlement(self._payments).run_out(self._at_ms)
        self._at_ms += 60_000


@pytest.mark.parametrize(("fault", "step"), TRIED)
async def test_a_deal_survives_each_fault_at_each_step(
    payments: Payments, phone: Phone, ear: Ear, fault: str, step: str
) -> None:
    deal, hours = await new_deal(payments), Hours(payments)

    async def come(now: str) -> None:
        if now == step:
            await phone.fail_next(fault)

    await come("prepay")
    view = await opened(payments, deal)
    await come("paying")
    await phone.pay(view.params)
    async with asyncio.timeout(20):
        while (await deal.payment()).status != "paid":
            await hours.pass_()
        await deal.goes(*ENDING)
        await come("refunding")
        while not await deal.is_refunded():
            await hours.pass_()
        await come("paying out")
        while (payout := await deal.payout()) is None or payout.status != "done":
            await hours.pass_()
    payment = await deal.payment()
    assert await deal.balances() == {"wechat:platform": -200, "platform:fees": 200}
    assert await phone.balance(payment.sub_mchid) == (0, 1_800)
    (refund,) = (await phone.trade(payment.out_trade_no))["refunds"]
    assert refund["refund_fen"] == 10_000
    assert await deal.kinds() == [
        "payment.received", "payment.settled", "payment.refunded", "payment.released"
    ]  # fmt: skip


async def test_a_refund_that_wechat_closes_is_asked_for_anew_and_given_back_once(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal, hours = await new_deal(payments), Hours(payments)
    await phone.rules(refund_gap_s=0)
    await phone.pay((await opened(payments, deal)).params)
    assert await ear.statuses.get() == 200
    await deal.goes(*ENDING)
    (first,) = await deal.refunds()
    await phone.fail_next("refund_closed")
    async with asyncio.timeout(20):
        while not await deal.is_refunded():
            await hours.pass_()
        while (payout := await deal.payout()) is None or payout.status != "done":
            await hours.pass_()
    await phone.rules(refund_gap_s=60)
    (refund,) = await deal.refunds()
    assert refund.out_refund_no == f"{first.out_refund_no}-2"
    payment = await deal.payment()
    assert await phone.balance(payment.sub_mchid) == (0, 1_800)
    assert await deal.balances() == {"wechat:platform": -200, "platform:fees": 200}
    # what WeChat still tells of the closed one changes nothing
    assert await phone.notify("duplicate", out_refund_no=first.out_refund_no) == 200
    assert await deal.refunds() == [refund]


async def test_a_refund_that_the_payer_cannot_take_waits_for_somebody_with_all_its_money(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal, hours = await new_deal(payments), Hours(payments)
    await phone.pay((await opened(payments, deal)).params)
    assert await ear.statuses.get() == 200
    await deal.goes(*ENDING)
    alerts = ALERTS.labels("refund_stuck")._value.get()
    await phone.fail_next("refund_abnormal")
    async with asyncio.timeout(20):
        while [refund.status for refund in await deal.refunds()] != ["stuck"]:
            await hours.pass_()
    assert ALERTS.labels("refund_stuck")._value.get() == alerts + 1
    await hours.pass_()
    payout = await deal.payout()
    assert payout is not None
    assert payout.status == "waiting"
    assert (await deal.balances())["deposit"] == 10_000
    await _settled_by_hand(payments, phone, deal, hours)


async def _settled_by_hand(payments: Payments, phone: Phone, deal: Deal, hours: Hours) -> None:
    """An operator sees to it, once; then the rest of the money goes its way. What WeChat says of it later changes nothing."""
    operator, ended = someone("operator"), now_ms()
    (stuck,) = await listed(payments, deal)
    assert (stuck.amount_fen, stuck.settled_ms, stuck.settled_by) == (10_000, None, None)
    wish = SettleRefund(refund_id=stuck.refund_id, note="已线下转账")
    with pytest.raises(Forbidden):
        await by_hand.settle_refund(payments, call(deal.owner), wish)
    with pytest.raises(NotFound):
        await by_hand.settle_refund(payments, call(operator), replace(wish, refund_id=new_id()))
    calls = [call(operator, f"{n}-{new_id()}") for n in range(4)]
    answers = await asyncio.gather(
        *(by_hand.settle_refund(payments, asked, wish) for asked in calls), return_exceptions=True
    )
    (done,) = [answer for answer in answers if not isinstance(answer, AlreadyDone)]
    assert isinstance(done, StuckRefundView)
    assert (done.settled_by, done.note) == (operator.user_id, "已线下转账")
    assert done.settled_ms is not None
    assert done.settled_ms >= ended
    again = calls[answers.index(done)]
    assert await by_hand.settle_refund(payments, again, wish) == done
    assert await listed(payments, deal) == []
    assert await listed(payments, deal, settled=True) == [done]
    async with asyncio.timeout(20):
        while (payout := await deal.payout()) is None or payout.status != "done":
            await hours.pass_()
    assert await deal.balances() == {"wechat:platform": -200, "platform:fees": 200}
    assert (await deal.kinds()).count("payment.refunded") == 1
    await phone.notify("duplicate", out_refund_no=stuck.out_refund_no)
    assert await deal.balances() == {"wechat:platform": -200, "platform:fees": 200}
    assert await listed(payments, deal, settled=True) == [done]


async def listed(payments: Payments, deal: Deal, *, settled: bool = False) -> list[StuckRefundView]:
    query = ListStuckRefunds(settled=settled, limit=200)
    seen = await by_hand.stuck_refunds(payments, call(someone("operator")), query)
    return [refund for refund in seen.refunds if refund.order_id == deal.order_id]


async def test_what_wechat_is_still_at_is_nobodys_to_settle(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await new_deal(payments)
    await phone.pay((await opened(payments, deal)).params)
    assert await ear.statuses.get() == 200
    await deal.goes(*ENDING)
    (refund,) = await deal.refunds()
    wish = SettleRefund(refund_id=refund.id, note="已线下转账")
    with pytest.raises(IllegalTransition):
        await by_hand.settle_refund(payments, call(someone("operator")), wish)
    assert (await deal.refunds())[0] == refund


def test_no_fault_of_the_sandbox_is_left_out() -> None:
    tried = {fault for fault, _ in TRIED} | set(faults.REFUND_DEMANDS)
    elsewhere = {*faults.BILL_DEMANDS, *faults.IMAGE_DEMANDS}  # test_reconciliation; the listings'
    assert tried | elsewhere == {*faults.KINDS, *faults.DEMANDS}
