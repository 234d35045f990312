"""The platform's commission and the release: what lies where, and what is refused."""

from __future__ import annotations

import asyncio

import pytest

from infra.wechat.ecommerce import WechatEcommerce
from infra.wechat.gateway import Gateway
from infra.wechat.shares import Share
from market.kernel.errors import Conflict, NotFound, PaymentProviderError
from tests.integration.sandbox.conftest import Mall, Phone, Sandbox

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
async def at_once(phone: Phone) -> None:
    """Nobody waits a minute."""
    await phone.rules(share_after_s=0, refund_gap_s=0)


async def commission(
    pay: WechatEcommerce, owner: str, transaction: str, number: str, fen: int
) -> Share:
    return await pay.share(
        sub_mchid=owner,
        transaction_id=transaction,
        out_order_no=number,
        commission_fen=fen,
        description="平台服务费",
    )


async def release(pay: WechatEcommerce, owner: str, transaction: str, number: str) -> Share:
    return await pay.finish(
        sub_mchid=owner, transaction_id=transaction, out_order_no=number, description="完成"
    )


async def ended(pay: WechatEcommerce, owner: str, transaction: str, number: str) -> Share:
    while True:
        found = await pay.query_share(
            sub_mchid=owner, transaction_id=transaction, out_order_no=number
        )
        if found.state == "FINISHED":
            return found
        await asyncio.sleep(0.02)


@pytest.mark.usefixtures("at_once")
async def test_every_fen_finds_its_place(
    pay: WechatEcommerce, mall: Mall, sandbox: Sandbox
) -> None:
    platform = sandbox.account["mchid"]
    _, ours = await mall.balance(platform)
    owner = await mall.owner()
    number, transaction = await mall.paid_transaction(owner)
    await pay.refund(
        sub_mchid=owner, out_trade_no=number, out_refund_no=mall.number(), refund_fen=250,
        total_fen=1250, reason="",
    )  # fmt: skip
    share_number, release_number = mall.number(), mall.number()
    accepted = await commission(pay, owner, transaction, share_number, 100)
    assert (accepted.state, accepted.paid) == ("PROCESSING", False)
    assert await mall.balance(owner) == (900, 0)
    done = await ended(pay, owner, transaction, share_number)
    assert done.paid
    assert [(part.account, part.amount_fen) for part in done.parts] == [(platform, 100)]

    assert (await release(pay, owner, transaction, release_number)).state == "PROCESSING"
    done = await ended(pay, owner, transaction, release_number)
    assert (done.paid, done.released_fen, done.parts) == (True, 900, ())
    assert await mall.balance(owner) == (0, 900)
    assert await mall.balance(platform) == (0, ours + 100)


async def test_a_payment_has_to_be_a_minute_old(
    pay: WechatEcommerce, mall: Mall, phone: Phone
) -> None:
    await phone.rules(share_after_s=3600)
    owner = await mall.owner()
    _, transaction = await mall.paid_transaction(owner)
    number = mall.number()
    with pytest.raises(PaymentProviderError) as refused:
        await commission(pay, owner, transaction, number, 100)
    assert refused.value.retryable
    with pytest.raises(PaymentProviderError):
        await release(pay, owner, transaction, number)
    await phone.rules(share_after_s=0)
    await commission(pay, owner, transaction, number, 100)


@pytest.mark.usefixtures("at_once")
async def test_no_more_than_thirty_percent_in_all(pay: WechatEcommerce, mall: Mall) -> None:
    owner = await mall.owner()
    _, transaction = await mall.paid_transaction(owner)
    await commission(pay, owner, transaction, mall.number(), 200)
    with pytest.raises(Conflict) as refused:
        await commission(pay, owner, transaction, mall.number(), 176)
    assert refused.value.data["code"] == "RULE_LIMIT"
    await commission(pay, owner, transaction, mall.number(), 175)
    assert await mall.balance(owner) == (875, 0)


@pytest.mark.usefixtures("at_once")
async def test_no_more_than_is_left(pay: WechatEcommerce, mall: Mall) -> None:
    owner = await mall.owner()
    number, transaction = await mall.paid_transaction(owner)
    await pay.refund(
        sub_mchid=owner, out_trade_no=number, out_refund_no=mall.number(), refund_fen=1200,
        total_fen=1250, reason="",
    )  # fmt: skip
    with pytest.raises(Conflict) as refused:
        await commission(pay, owner, transaction, mall.number(), 51)
    assert refused.value.data["code"] == "NOT_ENOUGH"
    await commission(pay, owner, transaction, mall.number(), 50)
    assert await mall.balance(owner) == (0, 0)


@pytest.mark.usefixtures("at_once")
async def test_wechats_fee_leaves_less_to_share(
    pay: WechatEcommerce, mall: Mall, phone: Phone
) -> None:
    await phone.rules(fee_bp=60, share_percent=100)
    owner = await mall.owner()
    number, transaction = await mall.paid_transaction(owner)  # 7.5 fen of fee: 8
    assert await mall.balance(owner) == (1242, 0)
    with pytest.raises(Conflict) as refused:
        await commission(pay, owner, transaction, mall.number(), 1243)
    assert refused.value.data["code"] == "NOT_ENOUGH"
    # All of it back to the buyer takes the fee back too.
    await pay.refund(
        sub_mchid=owner, out_trade_no=number, out_refund_no=mall.number(), refund_fen=1250,
        total_fen=1250, reason="",
    )  # fmt: skip
    assert await mall.balance(owner) == (0, 0)


@pytest.mark.usefixtures("at_once")
async def test_the_same_number_shares_once(pay: WechatEcommerce, mall: Mall) -> None:
    owner = await mall.owner()
    _, transaction = await mall.paid_transaction(owner)
    number = mall.number()
    asked = (commission(pay, owner, transaction, number, 100) for _ in range(4))
    assert len({share.order_id for share in await asyncio.gather(*asked)}) == 1
    assert await mall.balance(owner) == (1150, 0)
    # Another amount under the number, or a release: the first result, and nothing else is done.
    again = await commission(pay, owner, transaction, number, 200)
    assert [part.amount_fen for part in again.parts] == [100]
    released = await release(pay, owner, transaction, number)
    assert released.order_id == again.order_id
    assert await mall.balance(owner) == (1150, 0)


@pytest.mark.usefixtures("at_once")
async def test_nothing_is_shared_after_the_release(pay: WechatEcommerce, mall: Mall) -> None:
    owner = await mall.owner()
    _, transaction = await mall.paid_transaction(owner)
    number = mall.number()
    first = await release(pay, owner, transaction, number)
    assert (await release(pay, owner, transaction, number)).order_id == first.order_id
    for late in (commission(pay, owner, transaction, mall.number(), 1),
                 release(pay, owner, transaction, mall.number())):  # fmt: skip
        with pytest.raises(Conflict) as refused:
            await late
        assert refused.value.data["code"] == "INVALID_REQUEST"
    assert await mall.balance(owner) == (0, 1250)


@pytest.mark.usefixtures("at_once")
async def test_a_refund_after_the_release_comes_out_of_the_balance(
    pay: WechatEcommerce, mall: Mall
) -> None:
    owner = await mall.owner()
    number, transaction = await mall.paid_transaction(owner)
    await mall.paid_order(owner)  # frozen, and no help
    await commission(pay, owner, transaction, mall.number(), 100)
    await release(pay, owner, transaction, mall.number())
    with pytest.raises(Conflict) as refused:
        await pay.refund(
            sub_mchid=owner, out_trade_no=number, out_refund_no=mall.number(), refund_fen=1250,
            total_fen=1250, reason="",
        )  # fmt: skip
    assert refused.value.data["code"] == "NOT_ENOUGH"
    await pay.refund(
        sub_mchid=owner, out_trade_no=number, out_refund_no=mall.number(), refund_fen=1000,
        total_fen=1250, reason="",
    )  # fmt: skip
    assert await mall.balance(owner) == (1250, 150)


@pytest.mark.usefixtures("at_once")
async def test_wechat_releases_by_itself_in_the_end(
    pay: WechatEcommerce, mall: Mall, phone: Phone
) -> None:
    owner = await mall.owner()
    _, transaction = await mall.paid_transaction(owner)
    status, answer = await phone.post("/sandbox/thaw", transaction_id=transaction)
    assert (status, answer) == (200, {"released_fen": 1250})
    assert await mall.balance(owner) == (0, 1250)
    with pytest.raises(Conflict):
        await commission(pay, owner, transaction, mall.number(), 1)
    status, _ = await phone.post("/sandbox/thaw", transaction_id=transaction)
    assert status == 409


async def test_receivers_have_to_be_known(
    gateway: Gateway, mall: Mall, phone: Phone, sandbox: Sandbox
) -> None:
    await phone.rules(share_after_s=0)
    owner = await mall.owner()
    _, transaction = await mall.paid_transaction(owner)
    body = {
        "appid": sandbox.account["appid"], "sub_mchid": owner, "transaction_id": transaction,
        "out_order_no": mall.number(), "finish": True,
        "receivers": [{"type": "MERCHANT_ID", "receiver_account": "1900000109", "amount": 5,
                       "description": "分给商户"}],
    }  # fmt: skip
    base = "/v3/ecommerce/profitsharing"
    call = gateway.call  # for what the port has no verb
    with pytest.raises(Conflict, match="未添加"):
        await call("share", "POST", f"{base}/orders", body, lambda answer: answer)
    receiver = {
        "appid": sandbox.account["appid"], "type": "MERCHANT_ID", "account": "1900000109",
        "relation_type": "PARTNER",
    }  # fmt: skip
    await call("receiver", "POST", f"{base}/receivers/add", receiver, lambda answer: answer)
    await call("share", "POST", f"{base}/orders", body, lambda answer: answer)
    assert await mall.balance(owner) == (0, 1245)
    left = await call(
        "left", "GET", f"{base}/orders/{transaction}/amounts", None, lambda answer: answer
    )
    assert left == {"transaction_id": transaction, "unsplit_amount": 0}


@pytest.mark.usefixtures("at_once")
async def test_what_is_unknown_is_not_found(pay: WechatEcommerce, mall: Mall) -> None:
    owner, other = await mall.owner(), await mall.owner()
    _, transaction = await mall.paid_transaction(owner)
    with pytest.raises(NotFound):
        await pay.query_share(sub_mchid=owner, transaction_id=transaction, out_order_no="M-nobody")
    with pytest.raises(NotFound):
        await commission(pay, other, transaction, mall.number(), 1)
    with pytest.raises(NotFound):
        await commission(pay, owner, "4200000000", mall.number(), 1)


async def test_a_refund_that_fails_is_told(pay: WechatEcommerce, mall: Mall, phone: Phone) -> None:
    owner = await mall.owner()
    for fault, state, frozen_fen in (
        ("refund_abnormal", "ABNORMAL", 0),
        ("refund_closed", "CLOSED", 1250),
    ):
        number, refund_number = await mall.paid_order(owner), mall.number()
        await phone.faults(next=[fault])
        await pay.refund(
            sub_mchid=owner, out_trade_no=number, out_refund_no=refund_number, refund_fen=1250,
            total_fen=1250, reason="",
        )  # fmt: skip
        found = await pay.query_refund(sub_mchid=owner, out_refund_no=refund_number)
        while found.state == "PROCESSING":
            await asyncio.sleep(0.02)
            found = await pay.query_refund(sub_mchid=owner, out_refund_no=refund_number)
        assert found.state == state
        assert await mall.balance(owner) == (frozen_fen, 0)
