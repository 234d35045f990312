"""Refunds: once per number, accepted and then done, never more than was paid."""

from __future__ import annotations

import asyncio

import pytest

from infra.wechat.pay import Refund, WechatPay, wall_clock_ms
from market.kernel.errors import Conflict, NotFound
from tests.integration.sandbox.conftest import Receiver, Shop

pytestmark = pytest.mark.timeout(30)


async def give_back(pay: WechatPay, number: str, refund_number: str, refund_fen: int) -> Refund:
    return await pay.refund(
        out_trade_no=number,
        out_refund_no=refund_number,
        refund_fen=refund_fen,
        total_fen=1250,
        reason="押金退还",
    )


async def test_a_refund_is_accepted_and_then_done(
    pay: WechatPay, shop: Shop, receiver: Receiver
) -> None:
    number, refund_number = await shop.paid_order(), shop.number()
    await receiver.next()
    accepted = await give_back(pay, number, refund_number, 1000)
    assert accepted.state == "PROCESSING"
    assert (await pay.query(number)).state == "REFUND"

    received = await receiver.next()
    notification = pay.open_notification(received.headers, received.body, wall_clock_ms())
    assert notification.event_type == "REFUND.SUCCESS"
    assert notification.trade is None
    assert notification.refund == await pay.query_refund(refund_number)
    assert notification.refund == Refund(
        out_refund_no=refund_number, refund_id=accepted.refund_id, state="SUCCESS"
    )


async def test_the_same_number_refunds_once(pay: WechatPay, shop: Shop) -> None:
    number, refund_number = await shop.paid_order(), shop.number()
    refunds = await asyncio.gather(*(give_back(pay, number, refund_number, 1250) for _ in range(4)))
    assert len({refund.refund_id for refund in refunds}) == 1


async def test_the_same_number_with_another_amount_is_refused(pay: WechatPay, shop: Shop) -> None:
    number, refund_number = await shop.paid_order(), shop.number()
    await give_back(pay, number, refund_number, 100)
    with pytest.raises(Conflict) as refused:
        await give_back(pay, number, refund_number, 200)
    assert refused.value.data["code"] == "INVALID_REQUEST"


async def test_no_more_than_was_paid(pay: WechatPay, shop: Shop) -> None:
    number = await shop.paid_order()
    await give_back(pay, number, shop.number(), 1000)
    with pytest.raises(Conflict) as refused:
        await give_back(pay, number, shop.number(), 251)
    assert refused.value.data["code"] == "NOT_ENOUGH"
    await give_back(pay, number, shop.number(), 250)


async def test_what_was_not_paid_is_not_refunded(pay: WechatPay, shop: Shop) -> None:
    number = shop.number()
    await shop.order(number)
    with pytest.raises(Conflict) as refused:
        await give_back(pay, number, shop.number(), 1)
    assert refused.value.data["code"] == "INVALID_REQUEST"


async def test_unknown_orders_and_refunds_are_not_found(pay: WechatPay, shop: Shop) -> None:
    with pytest.raises(NotFound) as refused:
        await give_back(pay, "T-nobody-knows", shop.number(), 1)
    assert refused.value.data["code"] == "RESOURCE_NOT_EXISTS"
    with pytest.raises(NotFound):
        await pay.query_refund("T-nobody-knows")
