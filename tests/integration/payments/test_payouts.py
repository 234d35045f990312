"""What is not the buyer's: the commission to the platform, the rest to the owner, at WeChat and in the books alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from infra.process import now_ms
from market.kernel.errors import MarketError
from market.kernel.facts import PaymentReleased
from market.payments import actions, chores, payouts, views
from market.payments.books import ALERTS
from market.payments.commands import GetBalance, GetStatement, Prepay
from market.payments.rules import division
from market.payments.wing import Payments
from tests.integration.payments.conftest import Deal, Ear, Phone, asks, new_deal
from tests.integration.payments.test_settlement import ENDING, paid_deal
from workers import freeze_guard
from workers.settlement import Settlement

DAY_MS = 86_400_000
ALL_DONE = {"wechat:platform": -200, "platform:fees": 200}


@pytest.fixture(autouse=True)
async def hurried(phone: Phone) -> AsyncIterator[None]:
    """The product's clock is the tests' own, WeChat's is not: its minute is over at once."""
    await phone.rules(share_after_s=0)
    yield
    await phone.rules(share_after_s=60)


async def paid_out(deal: Deal, payments: Payments) -> None:
    """The worker, in the minutes and hours after the order's end."""
    at_ms = now_ms() + 61_000
    async with asyncio.timeout(20):
        while (payout := await deal.payout()) is None or payout.status != "done":
            await Settlement(payments).run_out(at_ms)
            at_ms += 60_000


async def test_at_the_end_every_fen_is_where_the_order_says(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await paid_deal(payments, phone, ear)
    payment = await deal.payment()
    assert await phone.balance(payment.sub_mchid) == (12_000, 0)
    await deal.goes(*ENDING)
    await paid_out(deal, payments)
    assert await deal.balances() == ALL_DONE
    assert await phone.balance(payment.sub_mchid) == (0, 1_800)
    released = (await deal.facts())[-1]
    assert isinstance(released, PaymentReleased)
    assert released.amount_fen == 2_000
    assert (await deal.kinds()).count(released.KIND) == 1
    mine = await views.balance(payments, asks(deal.owner), GetBalance())
    assert (mine.due_fen, mine.earned_fen, mine.released_fen) == (0, 1_800, 1_800)
    assert [line.reason for line in mine.lines] == ["released", "settled"]
    told = await views.statement(payments, asks(deal.buyer), GetStatement(order_id=deal.order_id))
    assert (told.paid_fen, told.refunded_fen, told.owner_fen, told.fee_fen) == (
        12_000, 10_000, 1_800, 200,
    )  # fmt: skip


async def test_nothing_is_shared_before_the_refund_is_back_nor_in_the_first_minute(
    deaf: Payments, phone: Phone
) -> None:
    deal = await paid_by_asking(deaf, phone)
    await deal.goes(*ENDING)
    payout = await deal.payout()
    assert payout is not None
    assert payout.status == "waiting"
    assert not await payouts.pay_out(deaf, deal.order_id, now_ms() + DAY_MS)
    no_refund = await paid_by_asking(deaf, phone)
    await no_refund.goes("ready", "in_use", "disputed", "refunded", refund_fen=0)
    payout = await no_refund.payout()
    assert payout is not None
    assert payout.status == "sharing"
    paid_at_ms = (await no_refund.payment()).paid_at_ms
    assert not await payouts.pay_out(deaf, no_refund.order_id, paid_at_ms + 59_000)
    payout = await no_refund.payout()
    assert payout is not None
    assert (payout.due_ms, payout.attempts) == (paid_at_ms + 60_000, 0)


@pytest.mark.parametrize("fault", ["error_before", "error_after", "drop_before", "drop_after"])
async def test_each_step_survives_wechats_faults_and_happens_once(
    payments: Payments, phone: Phone, ear: Ear, fault: str
) -> None:
    deal = await paid_deal(payments, phone, ear)
    payment = await deal.payment()
    await deal.goes(*ENDING)
    await Settlement(payments).run_out(now_ms())
    await ear.until(deal.is_refunded)
    platform = (await phone.balance())[1]
    at_ms = now_ms() + 61_000
    async with asyncio.timeout(20):
        while (payout := await deal.payout()) is None or payout.status != "done":
            await phone.fail_next(*[fault] * 4)
            try:
                await payouts.pay_out(payments, deal.order_id, at_ms)
            except MarketError:
                await phone.fail_next()
                at_ms += 3_600_000
                await payouts.pay_out(payments, deal.order_id, at_ms)
            await phone.fail_next()
            at_ms += 3_600_000
    assert await deal.balances() == ALL_DONE
    assert await phone.balance(payment.sub_mchid) == (0, 1_800)
    assert (await phone.balance())[1] - platform == 200


async def test_workers_that_race_take_each_step_once(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await paid_deal(payments, phone, ear)
    await deal.goes("ready", "in_use", "disputed", "refunded", refund_fen=0)
    at_ms = now_ms() + 61_000
    begun = await asyncio.gather(
        *(payouts.pay_out(payments, deal.order_id, at_ms) for _ in range(5))
    )
    assert sorted(begun) == [False] * 4 + [True]
    await paid_out(deal, payments)
    assert await deal.balances() == ALL_DONE | {"wechat:platform": -200}


async def test_the_owner_keeps_part_of_a_deposit_and_the_platform_none_of_it(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await paid_deal(payments, phone, ear)
    payment = await deal.payment()
    await deal.goes("ready", "in_use", "returned", "claimed", "refunded", refund_fen=7_000)
    await paid_out(deal, payments)
    assert await phone.balance(payment.sub_mchid) == (0, 4_800)
    assert await deal.balances() == ALL_DONE


async def test_the_worker_decides_what_would_stay_frozen_for_too_long(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await paid_deal(payments, phone, ear)
    await deal.goes("ready", "in_use", "disputed")
    paid_at_ms = (await deal.payment()).paid_at_ms
    alerts = ALERTS.labels("freeze_deadline")._value.get()
    assert await freeze_guard.run_once(payments, paid_at_ms + division.WARNING_MS) == 0
    assert ALERTS.labels("freeze_deadline")._value.get() >= alerts + 1
    assert await deal.refunds() == []
    assert await freeze_guard.run_once(payments, paid_at_ms + division.DEADLINE_MS) >= 1
    (refund,) = await deal.refunds()
    assert (refund.amount_fen, refund.reason) == (12_000, division.DEADLINE)
    await Settlement(payments).run_out(paid_at_ms + division.DEADLINE_MS)
    await ear.until(deal.is_refunded)
    assert await deal.balances() == {}
    await deal.goes("refunded", refund_fen=12_000)
    assert len(await deal.refunds()) == 1


async def paid_by_asking(payments: Payments, phone: Phone) -> Deal:
    """Paid, though no notification came."""
    deal = await new_deal(payments)
    view = await actions.prepay(payments, asks(deal.buyer), Prepay(order_id=deal.order_id))
    await phone.pay(view.params)
    assert await chores.check(payments, deal.order_id, now_ms() + 31_000)
    return deal
