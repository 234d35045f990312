"""A platform's refunds: once per number, a minute apart, never more than was paid, from the right pot."""

from __future__ import annotations

import asyncio

import pytest

from infra.wechat.ecommerce import WechatEcommerce
from infra.wechat.gateway import wall_clock_ms
from infra.wechat.trades import Refund
from market.kernel.errors import Conflict, NotFound, PaymentProviderError
from tests.integration.sandbox.conftest import Mall, Phone, Receiver

pytestmark = pytest.mark.timeout(30)


async def give_back(
    pay: WechatEcommerce, owner: str, number: str, refund_number: str, refund_fen: int
) -> Refund:
    return await pay.refund(
        sub_mchid=owner,
        out_trade_no=number,
        out_refund_no=refund_number,
        refund_fen=refund_fen,
        total_fen=1250,
        reason="押金退还",
    )


async def test_a_refund_is_accepted_and_then_done(
    pay: WechatEcommerce, mall: Mall, receiver: Receiver
) -> None:
    owner = await mall.owner()
    number, refund_number = await mall.paid_order(owner), mall.number()
    await receiver.next()
    accepted = await give_back(pay, owner, number, refund_number, 1000)
    assert accepted.state == "PROCESSING"
    assert (await pay.query(sub_mchid=owner, out_trade_no=number)).state == "REFUND"
    assert await mall.balance(owner) == (250, 0)

    received = await receiver.next()
    told = pay.open_notification(received.headers, received.body, wall_clock_ms())
    assert told.event_type == "REFUND.SUCCESS"
    assert told.refund == Refund(
        out_refund_no=refund_number, refund_id=accepted.refund_id, state="SUCCESS"
    )
    assert told.refund == await pay.query_refund(sub_mchid=owner, out_refund_no=refund_number)


async def test_the_same_number_refunds_once(pay: WechatEcommerce, mall: Mall) -> None:
    owner = await mall.owner()
    number, refund_number = await mall.paid_order(owner), mall.number()
    asked = (give_back(pay, owner, number, refund_number, 1250) for _ in range(4))
    assert len({refund.refund_id for refund in await asyncio.gather(*asked)}) == 1
    assert await mall.balance(owner) == (0, 0)
    with pytest.raises(Conflict) as refused:
        await give_back(pay, owner, number, refund_number, 200)
    assert refused.value.data["code"] == "INVALID_REQUEST"


async def test_two_refunds_of_one_order_are_a_minute_apart(
    pay: WechatEcommerce, mall: Mall, phone: Phone
) -> None:
    await phone.rules(refund_gap_s=3600)
    owner = await mall.owner()
    number, other = await mall.paid_order(owner), await mall.paid_order(owner)
    await give_back(pay, owner, number, mall.number(), 1)
    with pytest.raises(PaymentProviderError) as refused:
        await give_back(pay, owner, number, mall.number(), 1)
    assert refused.value.retryable
    assert "FREQUENCY_LIMITED" in str(refused.value.data["reason"])
    await give_back(pay, owner, other, mall.number(), 1)
    await phone.rules(refund_gap_s=0)
    await give_back(pay, owner, number, mall.number(), 1)
    assert await mall.balance(owner) == (2 * 1250 - 3, 0)


async def test_no_more_than_was_paid(pay: WechatEcommerce, mall: Mall, phone: Phone) -> None:
    await phone.rules(refund_gap_s=0)
    owner = await mall.owner()
    number = await mall.paid_order(owner)
    await mall.paid_order(owner)  # another order's money does not help
    await give_back(pay, owner, number, mall.number(), 1000)
    with pytest.raises(Conflict) as refused:
        await give_back(pay, owner, number, mall.number(), 251)
    assert refused.value.data["code"] == "NOT_ENOUGH"
    await give_back(pay, owner, number, mall.number(), 250)
    assert await mall.balance(owner) == (1250, 0)


async def test_no_more_than_fifty(pay: WechatEcommerce, mall: Mall, phone: Phone) -> None:
    await phone.rules(refund_gap_s=0)
    owner = await mall.owner()
    number = await mall.paid_order(owner)
    for _ in range(50):
        await give_back(pay, owner, number, mall.number(), 1)
    with pytest.raises(Conflict) as refused:
        await give_back(pay, owner, number, mall.number(), 1)
    assert refused.value.data["code"] == "INVALID_REQUEST"


async def test_what_was_not_paid_is_not_refunded(pay: WechatEcommerce, mall: Mall) -> None:
    owner, number = await mall.owner(), mall.number()
    await mall.order(owner, number)
    with pytest.raises(Conflict) as refused:
        await give_back(pay, owner, number, mall.number(), 1)
    assert refused.value.data["code"] == "INVALID_REQUEST"


async def test_unknown_orders_and_refunds_are_not_found(pay: WechatEcommerce, mall: Mall) -> None:
    owner = await mall.owner()
    with pytest.raises(NotFound) as refused:
        await give_back(pay, owner, "M-nobody-knows", mall.number(), 1)
    assert refused.value.data["code"] == "RESOURCE_NOT_EXISTS"
    with pytest.raises(NotFound):
        await pay.query_refund(sub_mchid=owner, out_refund_no="M-nobody-knows")
