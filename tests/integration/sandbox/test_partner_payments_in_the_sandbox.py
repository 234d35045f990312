"""A sub-merchant's orders: opened, paid, asked about, closed; the money waits, frozen."""

from __future__ import annotations

import pytest

from infra.wechat.ecommerce import WechatEcommerce
from infra.wechat.gateway import wall_clock_ms
from market.kernel.errors import Conflict, NotFound
from tests.integration.sandbox.conftest import FAR_MS, Mall, Phone, Receiver

pytestmark = pytest.mark.timeout(30)


async def test_what_is_paid_is_told_and_frozen(
    ecommerce: WechatEcommerce, mall: Mall, phone: Phone, receiver: Receiver
) -> None:
    owner, number = await mall.owner(), mall.number()
    prepay_id = await mall.order(owner, number)
    assert (await ecommerce.query(sub_mchid=owner, out_trade_no=number)).state == "NOTPAY"
    params = ecommerce.client_params(prepay_id, wall_clock_ms(), "n1")
    status, answer = await phone.post("/sandbox/pay", prepay_id=prepay_id, **params)
    assert status == 200, answer

    received = await receiver.next()
    told = ecommerce.open_notification(received.headers, received.body, wall_clock_ms())
    assert told.event_type == "TRANSACTION.SUCCESS"
    assert told.trade is not None
    assert told.trade == await ecommerce.query(sub_mchid=owner, out_trade_no=number)
    assert (told.trade.sub_mchid, told.trade.amount_fen, told.trade.payer_openid) == (
        owner,
        1250,
        "alice",
    )
    assert await mall.balance(owner) == (1250, 0)


async def test_a_prepay_said_again_is_the_same(mall: Mall) -> None:
    owner, number = await mall.owner(), mall.number()
    assert await mall.order(owner, number) == await mall.order(owner, number)


@pytest.mark.parametrize(
    "changed", [{"expires_at_ms": FAR_MS + 1000}, {"amount_fen": 1251}, {"openid": "bob"}]
)
async def test_a_prepay_cannot_change(mall: Mall, changed: dict[str, object]) -> None:
    owner, number = await mall.owner(), mall.number()
    await mall.order(owner, number)
    with pytest.raises(Conflict) as refused:
        await mall.order(owner, number, **changed)
    assert refused.value.data["code"] == "OUT_TRADE_NO_USED"


@pytest.mark.parametrize("away_ms", [0, 16 * 86_400_000])
async def test_an_expiry_is_neither_near_nor_far(mall: Mall, away_ms: int) -> None:
    owner = await mall.owner()
    with pytest.raises(Conflict) as refused:
        await mall.order(owner, mall.number(), expires_at_ms=wall_clock_ms() + away_ms)
    assert refused.value.data["code"] == "PARAM_ERROR"


async def test_a_closed_order_cannot_be_paid(
    ecommerce: WechatEcommerce, mall: Mall, phone: Phone
) -> None:
    owner, number = await mall.owner(), mall.number()
    prepay_id = await mall.order(owner, number)
    await ecommerce.close(sub_mchid=owner, out_trade_no=number)
    await ecommerce.close(sub_mchid=owner, out_trade_no=number)
    assert (await ecommerce.query(sub_mchid=owner, out_trade_no=number)).state == "CLOSED"
    status, answer = await phone.post("/sandbox/pay", prepay_id=prepay_id)
    assert (status, answer["code"]) == (400, "ORDER_CLOSED")
    with pytest.raises(Conflict) as refused:
        await mall.order(owner, number)
    assert refused.value.data["code"] == "ORDER_CLOSED"


async def test_a_paid_order_cannot_be_closed(ecommerce: WechatEcommerce, mall: Mall) -> None:
    owner = await mall.owner()
    number = await mall.paid_order(owner)
    with pytest.raises(Conflict) as refused:
        await ecommerce.close(sub_mchid=owner, out_trade_no=number)
    assert refused.value.data["code"] == "ORDERPAID"


async def test_strangers_are_no_sub_merchants(mall: Mall) -> None:
    with pytest.raises(Conflict) as refused:
        await mall.order("1600000000", mall.number())
    assert refused.value.data["code"] == "NO_AUTH"


async def test_an_order_is_its_sub_merchants_alone(ecommerce: WechatEcommerce, mall: Mall) -> None:
    owner, other = await mall.owner(), await mall.owner()
    number = await mall.paid_order(owner)
    with pytest.raises(NotFound):
        await ecommerce.query(sub_mchid=other, out_trade_no=number)
    with pytest.raises(NotFound):
        await ecommerce.close(sub_mchid=other, out_trade_no=number)
    with pytest.raises(NotFound):
        await ecommerce.refund(
            sub_mchid=other, out_trade_no=number, out_refund_no=mall.number(), refund_fen=1,
            total_fen=1250, reason="",
        )  # fmt: skip


async def test_a_payment_after_expiry_still_comes(
    ecommerce: WechatEcommerce, mall: Mall, phone: Phone, receiver: Receiver
) -> None:
    owner, number = await mall.owner(), mall.number()
    prepay_id = await mall.order(owner, number)
    await ecommerce.close(sub_mchid=owner, out_trade_no=number)
    status, _ = await phone.post("/sandbox/pay", prepay_id=prepay_id, after_expiry=True)
    assert status == 200
    received = await receiver.next()
    told = ecommerce.open_notification(received.headers, received.body, wall_clock_ms())
    assert told.trade is not None
    assert told.trade.state == "SUCCESS"
    assert await mall.balance(owner) == (1250, 0)
