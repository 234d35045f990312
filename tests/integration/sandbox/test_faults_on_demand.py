"""What a test may ask of the sandbox, one fault at a time, and what the adapter makes of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from infra.wechat.ecommerce import WechatEcommerce
from infra.wechat.gateway import wall_clock_ms
from infra.wechat.notification import Notification
from market.kernel.errors import BadSignature, PaymentProviderError
from sandbox.server.faults import BILL_DEMANDS, CALL_KINDS, DEMANDS, KINDS, NOTIFY_KINDS, Faults
from tests.integration.sandbox.conftest import (
    OWNER,
    Mall,
    Phone,
    Received,
    Receiver,
    Sandbox,
)

pytestmark = pytest.mark.timeout(60)


def opened(pay: WechatEcommerce, received: Received) -> Notification:
    return pay.open_notification(received.headers, received.body, wall_clock_ms())


@pytest.mark.parametrize(
    "fault",
    ["error_before", "error_after", "drop_before", "drop_after", "answer_wrong_signature"],
)
async def test_every_call_survives_a_fault_and_is_done_once(
    pay: WechatEcommerce, mall: Mall, phone: Phone, sandbox: Sandbox, fault: str
) -> None:
    await phone.rules(share_after_s=0, refund_gap_s=0)
    platform = sandbox.account["mchid"]
    _, ours = await mall.balance(platform)

    async def spoil() -> None:
        await phone.faults(next=[fault])

    await spoil()
    owner = await mall.owner()
    await spoil()
    number = await mall.paid_order(owner)
    await spoil()
    trade = await pay.query(sub_mchid=owner, out_trade_no=number)
    transaction = trade.transaction_id or ""
    await spoil()
    await pay.refund(
        sub_mchid=owner, out_trade_no=number, out_refund_no=mall.number(), refund_fen=50,
        total_fen=1250, reason="",
    )  # fmt: skip
    share_number, release_number = mall.number(), mall.number()
    await spoil()
    await pay.share(
        sub_mchid=owner, transaction_id=transaction, out_order_no=share_number,
        commission_fen=200, description="服务费",
    )  # fmt: skip
    await spoil()
    await pay.finish(
        sub_mchid=owner, transaction_id=transaction, out_order_no=release_number,
        description="完成",
    )  # fmt: skip
    await spoil()
    await pay.query_share(sub_mchid=owner, transaction_id=transaction, out_order_no=release_number)
    other = mall.number()
    await mall.order(owner, other)
    await spoil()
    await pay.close(sub_mchid=owner, out_trade_no=other)
    assert (await phone.get("/sandbox/faults"))["next"] == []
    assert await mall.balance(owner) == (0, 1000)
    assert await mall.balance(platform) == (0, ours + 200)


async def test_an_answer_that_is_never_signed_rightly_is_no_answer(
    pay: WechatEcommerce, mall: Mall, phone: Phone
) -> None:
    await phone.faults(next=["answer_wrong_signature"] * 4)
    with pytest.raises(PaymentProviderError) as refused:
        await pay.apply(out_request_no=mall.number(), application=OWNER)
    assert "not verified" in str(refused.value.data["reason"])


async def test_a_changed_amount_is_told_and_the_query_knows_better(
    pay: WechatEcommerce, mall: Mall, phone: Phone, receiver: Receiver
) -> None:
    owner = await mall.owner()
    await phone.faults(next=["notify_amount_changed"])
    number = await mall.paid_order(owner)
    told = opened(pay, await receiver.next()).trade
    right = await pay.query(sub_mchid=owner, out_trade_no=number)
    assert told is not None
    assert told == replace(right, amount_fen=1251)
    assert right.amount_fen == 1250


async def test_notifications_overtake_one_another(
    pay: WechatEcommerce, mall: Mall, phone: Phone, receiver: Receiver
) -> None:
    owner = await mall.owner()
    await phone.faults(next=["notify_reorder"])
    first, second = await mall.paid_order(owner), await mall.paid_order(owner)
    told = [opened(pay, await receiver.next()).trade for _ in range(2)]
    assert [trade.out_trade_no for trade in told if trade is not None] == [second, first]


async def test_a_probe_is_refused_and_nothing_is_lost(
    pay: WechatEcommerce, mall: Mall, phone: Phone, receiver: Receiver
) -> None:
    number = await mall.paid_order(await mall.owner())
    right = opened(pay, await receiver.next())
    receiver.answers.append(401)
    _, answer = await phone.post("/sandbox/notify", out_trade_no=number, mode="probe")
    assert answer["status"] == 401
    with pytest.raises(BadSignature):
        opened(pay, await receiver.next())
    await phone.post("/sandbox/notify", out_trade_no=number, mode="duplicate")
    assert opened(pay, await receiver.next()).trade == right.trade


async def test_everything_works_under_random_faults(
    pay: WechatEcommerce, mall: Mall, phone: Phone
) -> None:
    await phone.rules(share_after_s=0, refund_gap_s=0)
    kinds = [kind for kind in KINDS if kind != "delay"]
    owner = await mall.owner()
    await phone.faults(rate=0.2, kinds=kinds)

    async def life() -> None:
        while True:  # four faults in a row are an honest refusal: say it again
            try:
                number = await mall.paid_order(owner)
                trade = await pay.query(sub_mchid=owner, out_trade_no=number)
                break
            except PaymentProviderError:
                continue
        for attempt in (share(trade.transaction_id or ""), release(trade.transaction_id or "")):
            await attempt

    async def share(transaction: str) -> None:
        number = mall.number()
        while True:
            try:
                await pay.share(
                    sub_mchid=owner, transaction_id=transaction, out_order_no=number,
                    commission_fen=250, description="服务费",
                )  # fmt: skip
                return
            except PaymentProviderError:
                continue

    async def release(transaction: str) -> None:
        number = mall.number()
        while True:
            try:
                await pay.finish(
                    sub_mchid=owner, transaction_id=transaction, out_order_no=number,
                    description="完成",
                )  # fmt: skip
                return
            except PaymentProviderError:
                continue

    lives = 12
    await asyncio.gather(*(life() for _ in range(lives)))
    await phone.faults(rate=0)
    frozen, available = await mall.balance(owner)
    assert available == lives * 1000
    assert frozen % 1250 == 0  # orders that were paid while their answer was lost


def test_demands_never_come_by_chance() -> None:
    faults = Faults(1.0, seed=7)
    drawn = {faults.for_call() for _ in range(500)} | {
        faults.for_notification() for _ in range(500)
    }
    assert drawn == set(CALL_KINDS + NOTIFY_KINDS)
    assert faults.for_refund() is None
    assert faults.for_bill() is None
    faults.plan({"next": [*DEMANDS, "drop_before"]})
    assert faults.for_bill() == BILL_DEMANDS[0]
    assert faults.report()["injected"][BILL_DEMANDS[0]] == 1
