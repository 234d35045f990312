"""Prepay, WeChat's notifications in all their forms, and payments that come late."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from infra.process import now_ms
from market.kernel.errors import (
    AlreadyDone,
    IllegalTransition,
    NotFound,
    NotYet,
    PaymentProviderError,
)
from market.kernel.facts import PaymentReceived, UserChanged
from market.payments import actions
from market.payments.actions import PrepayView
from market.payments.commands import Prepay
from market.payments.wing import Payments
from tests.integration.conftest import new_id, someone
from tests.integration.payments.conftest import Deal, Ear, Phone, a_deal, asks, hear, new_deal
from workers.settlement import Settlement


async def prepay(deal: Deal, payments: Payments | None = None) -> PrepayView:
    return await actions.prepay(
        payments or deal.payments, asks(deal.buyer), Prepay(order_id=deal.order_id)
    )


async def test_a_payment_goes_into_escrow_before_wechat_hears_200(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await new_deal(payments)
    view = await prepay(deal)
    assert (view.status, view.amount_fen, view.pay_by_ms) == ("waiting", 12_000, deal.pay_by_ms)
    await phone.pay(view.params)
    assert await ear.statuses.get() == 200
    assert await deal.balances() == {"wechat:clearing": -12_000, "escrow": 2_000, "deposit": 10_000}
    (fact,) = await deal.facts()
    assert isinstance(fact, PaymentReceived)
    assert (fact.payment_id, fact.amount_fen) == (view.payment_id, 12_000)
    assert abs(fact.paid_at_ms - now_ms()) < 10_000
    with pytest.raises(AlreadyDone):
        await prepay(deal)


@pytest.mark.parametrize("mode", ["duplicate", "replay"])
async def test_a_repeated_notification_is_thanked_for_and_counts_once(
    payments: Payments, phone: Phone, ear: Ear, mode: str
) -> None:
    deal = await new_deal(payments)
    await phone.pay((await prepay(deal)).params)
    await ear.statuses.get()
    before = await deal.payment()
    assert await phone.notify(mode, out_trade_no=before.out_trade_no) == 200
    assert await deal.payment() == before
    assert await deal.kinds() == ["payment.received"]


async def test_notifications_that_race_count_once(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await new_deal(payments)
    await phone.fail_next("notify_drop")
    await phone.pay((await prepay(deal)).params)
    number = (await deal.payment()).out_trade_no
    statuses = await asyncio.gather(
        *(phone.notify("duplicate", out_trade_no=number) for _ in range(8))
    )
    assert statuses == [200] * 8
    assert await deal.kinds() == ["payment.received"]
    assert (await deal.balances())["wechat:clearing"] == -12_000


@pytest.mark.parametrize(
    ("mode", "status"),
    [("amount_changed", 409), ("wrong_signature", 401), ("stale_timestamp", 401)],
)
async def test_what_is_not_our_payment_is_refused(
    payments: Payments, phone: Phone, mode: str, status: int
) -> None:
    deal = await new_deal(payments)
    await prepay(deal)
    before = await deal.payment()
    assert await phone.notify(mode, out_trade_no=before.out_trade_no) == status
    assert await deal.payment() == before
    assert await deal.balances() == {}
    assert await deal.kinds() == []
    # and the true one still counts
    assert await phone.notify("duplicate", out_trade_no=before.out_trade_no) == 200
    assert await deal.kinds() == ["payment.received"]


async def test_asking_again_gives_the_same_payment_and_racing_makes_only_one(
    payments: Payments,
) -> None:
    deal = await new_deal(payments)
    views = await asyncio.gather(*(prepay(deal) for _ in range(8)))
    assert len({view.payment_id for view in views}) == 1
    packages = {view.params["package"] for view in views if view.params is not None}
    assert len(packages) == 1


async def test_only_the_buyer_pays_what_is_known_and_in_time(payments: Payments) -> None:
    deal = await new_deal(payments)
    command = Prepay(order_id=deal.order_id)
    for stranger in (deal.owner, someone(), someone("operator")):
        with pytest.raises(NotFound):
            await actions.prepay(payments, asks(stranger), command)
    with pytest.raises(NotYet):
        await actions.prepay(payments, asks(deal.buyer), Prepay(order_id=new_id()))
    with pytest.raises(IllegalTransition):
        await actions.prepay(payments, asks(deal.buyer, deal.pay_by_ms), command)
    await deal.goes("cancelled")
    with pytest.raises(IllegalTransition):
        await prepay(deal)


async def test_a_buyer_of_whom_payments_has_not_heard_comes_back_later(payments: Payments) -> None:
    deal = await new_deal(payments)
    deal.buyer, deal.order_id = someone(), new_id()
    await deal.goes("pending_payment")
    with pytest.raises(NotYet):
        await prepay(deal)
    user = UserChanged(
        user_id=deal.buyer.user_id,
        version=2,
        nickname="乙",
        avatar_url="",
        role="user",
        openid="o-new",
    )
    await hear(payments, user, UserChanged.KIND)
    await hear(payments, replace(user, version=1, openid="o-old"), UserChanged.KIND)
    await prepay(deal)
    assert (await deal.payment()).openid == "o-new"


async def test_what_costs_nothing_is_paid_without_wechat(cut_off: Payments) -> None:
    deal = await a_deal(cut_off, None, rent_fen=0, deposit_fen=0, fee_fen=0)
    view = await prepay(deal)
    assert (view.status, view.params) == ("paid", None)
    assert await deal.kinds() == ["payment.received"]
    await deal.goes("ready", "in_use", "returned", "completed")
    assert await deal.balances() == {}
    assert await deal.refunds() == []


async def test_wechat_away_is_said_so_and_forgotten_when_it_is_back(
    payments: Payments, cut_off: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await new_deal(payments)
    with pytest.raises(PaymentProviderError):
        await prepay(deal, cut_off)
    number = (await deal.payment()).out_trade_no
    await phone.pay((await prepay(deal)).params)
    assert await ear.statuses.get() == 200
    payment = await deal.payment()
    assert (payment.out_trade_no, payment.status) == (number, "paid")


async def test_a_prepay_whose_answer_was_lost_is_taken_up_again(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await new_deal(payments)
    await phone.fail_next("error_after")
    await phone.pay((await prepay(deal)).params)
    assert await ear.statuses.get() == 200


@pytest.mark.parametrize("ending", ["expired", "cancelled"])
@pytest.mark.parametrize("paid_first", [True, False])
async def test_a_payment_that_meets_the_end_of_its_order_goes_back_by_itself(
    payments: Payments, phone: Phone, ear: Ear, ending: str, paid_first: bool
) -> None:
    deal = await new_deal(payments)
    view = await prepay(deal)
    if not paid_first:
        await deal.goes(ending)
    await phone.pay(view.params, after_expiry=True)
    assert await ear.statuses.get() == 200
    if paid_first:
        await deal.goes(ending)
    (refund,) = await deal.refunds()
    assert (refund.reason, refund.amount_fen, refund.status) == (ending, 12_000, "wanted")
    assert (await deal.balances())["escrow"] == 2_000  # still held

    assert await Settlement(payments).run_out(now_ms()) >= 1
    await ear.until(deal.is_refunded)
    (refund,) = await deal.refunds()
    assert refund.status == "done"
    assert await deal.balances() == {}
    assert await deal.kinds() == ["payment.received", "payment.refunded"]
    assert await phone.notify("duplicate", out_refund_no=refund.out_refund_no) == 200
    assert await deal.kinds() == ["payment.received", "payment.refunded"]


async def test_a_payment_closed_at_wechat_and_paid_all_the_same_goes_back(
    payments: Payments, phone: Phone, ear: Ear
) -> None:
    deal = await new_deal(payments)
    view = await prepay(deal)
    await deal.goes("expired")
    await Settlement(payments).run_out(now_ms())
    payment = await deal.payment()
    assert payment.status == "closed"
    assert (await phone.trade(payment.out_trade_no))["state"] == "CLOSED"
    await phone.pay(view.params, after_expiry=True)
    assert await ear.statuses.get() == 200
    assert [r.amount_fen for r in await deal.refunds()] == [12_000]


async def test_notifications_about_unknown_numbers_are_refused(
    payments: Payments, phone: Phone
) -> None:
    deal = await new_deal(payments)
    await prepay(deal)
    payment = await deal.payment()
    # the books of another house: the number is WeChat's, and not ours
    async with payments.db.read() as cursor:
        await cursor.execute(
            "UPDATE payments SET out_trade_no = %s WHERE id = %s", f"X{payment.id}", payment.id
        )
    assert await phone.notify("duplicate", out_trade_no=payment.out_trade_no) == 404
    assert await deal.kinds() == []
