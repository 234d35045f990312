"""Notifications as they come: late, twice, forged, aged; what open_notification makes of them."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import aiohttp
import pytest

from infra.wechat.ecommerce import WechatEcommerce
from infra.wechat.gateway import wall_clock_ms
from infra.wechat.notification import Notification
from market.kernel.errors import BadSignature
from sandbox.server.notify import WAITS_S
from tests.integration.sandbox.conftest import (
    Mall,
    Phone,
    Received,
    Receiver,
    running_sandbox,
)

pytestmark = pytest.mark.timeout(30)


def opened(pay: WechatEcommerce, received: Received, later_ms: int = 0) -> Notification:
    return pay.open_notification(received.headers, received.body, wall_clock_ms() + later_ms)


async def test_it_is_sent_again_until_it_is_heard(
    pay: WechatEcommerce, mall: Mall, receiver: Receiver
) -> None:
    receiver.answers.extend([500, 404, 302])
    await mall.paid_order(await mall.owner())
    ids = {opened(pay, await receiver.next()).id for _ in range(4)}
    assert len(ids) == 1
    assert not receiver.answers


@pytest.mark.parametrize("later_ms", [301_000, -301_000, 86_400_000])
async def test_an_old_one_is_refused(
    pay: WechatEcommerce, mall: Mall, receiver: Receiver, later_ms: int
) -> None:
    await mall.paid_order(await mall.owner())
    received = await receiver.next()
    opened(pay, received)
    with pytest.raises(BadSignature):
        opened(pay, received, later_ms)


async def test_one_changed_byte_is_refused(
    pay: WechatEcommerce, mall: Mall, receiver: Receiver
) -> None:
    await mall.paid_order(await mall.owner())
    received = await receiver.next()
    for body in (received.body.replace(b"SUCCESS", b"success"), received.body + b" ", b""):
        with pytest.raises(BadSignature):
            opened(pay, Received(headers=received.headers, body=body))


@pytest.mark.parametrize("mode", ["wrong_signature", "stale_timestamp"])
@pytest.mark.parametrize("paid", [True, False])
async def test_forgeries_are_refused(
    pay: WechatEcommerce, mall: Mall, phone: Phone, receiver: Receiver, mode: str, paid: bool
) -> None:
    if paid:
        number = await mall.paid_order(await mall.owner())
        await receiver.next()
    else:
        number = mall.number()
        await mall.order(await mall.owner(), number)
    receiver.answers.append(401)
    _, answer = await phone.post("/sandbox/notify", out_trade_no=number, mode=mode)
    assert answer["status"] == 401
    with pytest.raises(BadSignature):
        opened(pay, await receiver.next())


async def test_duplicates_carry_the_same_id_and_replays_the_same_nonce(
    pay: WechatEcommerce, mall: Mall, phone: Phone, receiver: Receiver
) -> None:
    number = await mall.paid_order(await mall.owner())
    first = opened(pay, await receiver.next())
    await phone.post("/sandbox/notify", out_trade_no=number, mode="duplicate")
    second = opened(pay, await receiver.next())
    assert (second.id, second.trade) == (first.id, first.trade)
    assert second.nonce != first.nonce
    await phone.post("/sandbox/notify", out_trade_no=number, mode="replay")
    assert opened(pay, await receiver.next()) == second
    status, _ = await phone.post("/sandbox/notify", out_trade_no=number, mode="delayed")
    assert status == 202
    assert opened(pay, await receiver.next()).id == first.id


async def test_a_changed_amount_shows_in_the_trade_but_not_in_the_query(
    pay: WechatEcommerce, mall: Mall, owner: str, phone: Phone, receiver: Receiver
) -> None:
    number = await mall.paid_order(owner)
    await receiver.next()
    await phone.post("/sandbox/notify", out_trade_no=number, mode="amount_changed")
    trade = opened(pay, await receiver.next()).trade
    assert trade is not None
    assert trade.amount_fen == 1251
    assert (await pay.query(sub_mchid=owner, out_trade_no=number)).amount_fen == 1250


async def test_a_refund_can_be_announced_again(
    pay: WechatEcommerce, mall: Mall, owner: str, phone: Phone, receiver: Receiver
) -> None:
    number, refund_number = await mall.paid_order(owner), mall.number()
    await receiver.next()
    await pay.refund(
        sub_mchid=owner, out_trade_no=number, out_refund_no=refund_number, refund_fen=1,
        total_fen=1250, reason="",
    )  # fmt: skip
    await receiver.next()
    await phone.post("/sandbox/notify", out_refund_no=refund_number, mode="duplicate")
    refund = opened(pay, await receiver.next()).refund
    assert refund is not None
    assert refund.state == "SUCCESS"


@pytest.mark.parametrize("fault", ["notify_drop", "notify_delay"])
async def test_a_lost_or_late_notification_arrives(
    pay: WechatEcommerce, mall: Mall, phone: Phone, receiver: Receiver, fault: str
) -> None:
    await phone.faults(next=[fault])
    await mall.paid_order(await mall.owner())
    assert opened(pay, await receiver.next()).trade is not None


async def test_a_doubled_notification_arrives_twice(
    pay: WechatEcommerce, mall: Mall, phone: Phone, receiver: Receiver
) -> None:
    await phone.faults(next=["notify_duplicate"])
    await mall.paid_order(await mall.owner())
    first, second = await asyncio.gather(receiver.next(), receiver.next())
    assert opened(pay, first) == opened(pay, second)


async def test_a_wrongly_signed_one_is_refused_and_comes_again(
    pay: WechatEcommerce, mall: Mall, phone: Phone, receiver: Receiver
) -> None:
    await phone.faults(next=["notify_wrong_signature"])
    receiver.answers.append(401)
    await mall.paid_order(await mall.owner())
    with pytest.raises(BadSignature):
        opened(pay, await receiver.next())
    assert opened(pay, await receiver.next()).trade is not None


def test_the_schedule_is_the_documents() -> None:
    """通知频率: 15s/15s/30s/3m/10m/20m/30m/30m/30m/60m/3h/3h/3h/6h/6h, 24 h 4 m in all."""
    assert WAITS_S[0] == 0
    assert len(WAITS_S) == 1 + 15
    assert list(itertools.accumulate(WAITS_S)) == [
        *(0, 15, 30, 60, 240, 840, 2040, 3840, 5640, 7440),
        *(11040, 21840, 32640, 43440, 65040, 86640),
    ]


async def test_it_is_given_up_after_the_last_of_them(
    tmp_path: Path, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    receiver.answers.extend([500] * 20)
    with running_sandbox(tmp_path, "--time-factor", "0.000001") as quick:
        async with WechatEcommerce(quick.pay_config(receiver.url)) as pay:
            mall = Mall(pay, Phone(http, quick.url))
            first = await mall.paid_order(await mall.owner())
            heard = [opened(pay, await receiver.next()) for _ in range(16)]
            assert {said.trade.out_trade_no for said in heard if said.trade} == {first}
            receiver.answers.clear()
            second = await mall.paid_order(await mall.owner())
            last = opened(pay, await receiver.next()).trade  # and no seventeenth of the first
            assert last is not None
            assert last.out_trade_no == second
