"""Whatever the sandbox can do wrong is done wrong at each point of a deal's life, and the money ends where it belongs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from infra.process import now_ms
from market.kernel.errors import MarketError
from market.payments import actions
from market.payments.actions import PrepayView
from market.payments.books import ALERTS
from market.payments.commands import Prepay
from market.payments.wing import Payments
from sandbox.server import faults
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


def test_no_fault_of_the_sandbox_is_left_out() -> None:
    tried = {fault for fault, _ in TRIED} | set(faults.REFUND_DEMANDS)
    elsewhere = {*faults.BILL_DEMANDS, *faults.IMAGE_DEMANDS}  # test_reconciliation; the listings'
    assert tried | elsewhere == {*faults.KINDS, *faults.DEMANDS}
