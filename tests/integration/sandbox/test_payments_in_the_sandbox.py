"""A sub-merchant's orders: opened, paid, asked about, closed; the money waits, frozen."""

from __future__ import annotations

import contextlib
import dataclasses
import time

import pytest

from infra.wechat.ecommerce import WechatEcommerce
from infra.wechat.gateway import wall_clock_ms
from market.kernel.errors import Conflict, NotFound, PaymentProviderError
from tests.integration.sandbox.conftest import FAR_MS, Mall, Phone, Receiver, Sandbox

pytestmark = pytest.mark.timeout(30)


async def test_what_is_paid_is_told_and_frozen(
    pay: WechatEcommerce, mall: Mall, phone: Phone, receiver: Receiver
) -> None:
    owner, number = await mall.owner(), mall.number()
    prepay_id = await mall.order(owner, number)
    assert (await pay.query(sub_mchid=owner, out_trade_no=number)).state == "NOTPAY"
    params = pay.client_params(prepay_id, wall_clock_ms(), "n1")
    status, answer = await phone.post("/sandbox/pay", prepay_id=prepay_id, **params)
    assert status == 200, answer

    received = await receiver.next()
    told = pay.open_notification(received.headers, received.body, wall_clock_ms())
    assert told.event_type == "TRANSACTION.SUCCESS"
    assert told.trade is not None
    assert told.trade == await pay.query(sub_mchid=owner, out_trade_no=number)
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


async def test_the_payment_sheet_says_how_much(mall: Mall, phone: Phone) -> None:
    prepay_id = await mall.order(await mall.owner(), mall.number(), amount_fen=1251)
    shown = await phone.get(f"/sandbox/prepay?prepay_id={prepay_id}")
    assert (shown["amount_fen"], bool(shown["description"])) == (1251, True)


async def test_a_closed_order_cannot_be_paid(
    pay: WechatEcommerce, mall: Mall, phone: Phone
) -> None:
    owner, number = await mall.owner(), mall.number()
    prepay_id = await mall.order(owner, number)
    await pay.close(sub_mchid=owner, out_trade_no=number)
    await pay.close(sub_mchid=owner, out_trade_no=number)
    assert (await pay.query(sub_mchid=owner, out_trade_no=number)).state == "CLOSED"
    status, answer = await phone.post("/sandbox/pay", prepay_id=prepay_id)
    assert (status, answer["code"]) == (400, "ORDER_CLOSED")
    with pytest.raises(Conflict) as refused:
        await mall.order(owner, number)
    assert refused.value.data["code"] == "ORDER_CLOSED"


async def test_a_paid_order_cannot_be_closed(pay: WechatEcommerce, mall: Mall) -> None:
    owner = await mall.owner()
    number = await mall.paid_order(owner)
    with pytest.raises(Conflict) as refused:
        await pay.close(sub_mchid=owner, out_trade_no=number)
    assert refused.value.data["code"] == "ORDERPAID"


async def test_strangers_are_no_sub_merchants(mall: Mall) -> None:
    with pytest.raises(Conflict) as refused:
        await mall.order("1600000000", mall.number())
    assert refused.value.data["code"] == "NO_AUTH"


async def test_an_order_is_its_sub_merchants_alone(pay: WechatEcommerce, mall: Mall) -> None:
    owner, other = await mall.owner(), await mall.owner()
    number = await mall.paid_order(owner)
    with pytest.raises(NotFound):
        await pay.query(sub_mchid=other, out_trade_no=number)
    with pytest.raises(NotFound):
        await pay.close(sub_mchid=other, out_trade_no=number)
    with pytest.raises(NotFound):
        await pay.refund(
            sub_mchid=other, out_trade_no=number, out_refund_no=mall.number(), refund_fen=1,
            total_fen=1250, reason="",
        )  # fmt: skip


async def test_a_payment_after_expiry_still_comes(
    pay: WechatEcommerce, mall: Mall, phone: Phone, receiver: Receiver
) -> None:
    owner, number = await mall.owner(), mall.number()
    prepay_id = await mall.order(owner, number)
    await pay.close(sub_mchid=owner, out_trade_no=number)
    status, _ = await phone.post("/sandbox/pay", prepay_id=prepay_id, after_expiry=True)
    assert status == 200
    received = await receiver.next()
    told = pay.open_notification(received.headers, received.body, wall_clock_ms())
    assert told.trade is not None
    assert told.trade.state == "SUCCESS"
    assert await mall.balance(owner) == (1250, 0)


async def test_client_params_for_another_prepay_id_are_refused(
    pay: WechatEcommerce, mall: Mall, phone: Phone, owner: str
) -> None:
    prepay_id = await mall.order(owner, mall.number())
    signed = pay.client_params(prepay_id, wall_clock_ms(), "nonce")
    signed["nonceStr"] = "other"
    status, answer = await phone.post("/sandbox/pay", prepay_id=prepay_id, **signed)
    assert (status, answer["code"]) == (400, "SIGN_ERROR")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount_fen": 1}, "OUT_TRADE_NO_USED"),
        ({"amount_fen": 0}, "PARAM_ERROR"),
        ({"description": ""}, "PARAM_ERROR"),
        ({"description": "长" * 128}, "PARAM_ERROR"),
        ({"expires_at_ms": 1_000}, "OUT_TRADE_NO_USED"),
    ],
)
async def test_prepay_refusals(
    mall: Mall, changes: dict[str, object], code: str, owner: str
) -> None:
    number = mall.number()
    await mall.order(owner, number)
    with pytest.raises(Conflict) as refused:
        await mall.order(owner, number, **changes)
    assert refused.value.data["code"] == code


@pytest.mark.parametrize("number", ["short", "space in it", "x" * 33])
async def test_a_bad_number_is_refused(mall: Mall, number: str, owner: str) -> None:
    with pytest.raises(Conflict) as refused:
        await mall.order(owner, number)
    assert refused.value.data["code"] == "PARAM_ERROR"


async def test_odd_numbers_and_titles_travel_well(
    pay: WechatEcommerce, mall: Mall, owner: str
) -> None:
    number = "|*_-" + mall.number()[:24]
    await mall.order(owner, number, description="“🚲” \ud83d halved", attach='{"a": "é"}')
    assert (await pay.query(sub_mchid=owner, out_trade_no=number)).out_trade_no == number
    await pay.close(sub_mchid=owner, out_trade_no=number)


async def test_an_unknown_order_is_not_found(pay: WechatEcommerce, owner: str) -> None:
    with pytest.raises(NotFound):
        await pay.query(sub_mchid=owner, out_trade_no="T-nobody-knows")
    with pytest.raises(NotFound):
        await pay.close(sub_mchid=owner, out_trade_no="T-nobody-knows")


async def test_nobody_pays_after_the_expiry(mall: Mall, phone: Phone, owner: str) -> None:
    # 60 s is the least WeChat takes, scaled to 1.2 s; the expiry is cut down to a whole second.
    now_ms = wall_clock_ms()
    soon_ms = (now_ms // 1000 + 3) * 1000
    prepay_id = await mall.order(owner, mall.number(), expires_at_ms=soon_ms)
    status, answer = await phone.post(
        "/sandbox/pay", prepay_id=prepay_id, delay_ms=soon_ms - now_ms
    )
    assert (status, answer["code"]) == (400, "EXPIRED")
    status, _ = await phone.post("/sandbox/pay", prepay_id=prepay_id, after_expiry=True)
    assert status == 200


async def test_a_paid_order_stays_paid(pay: WechatEcommerce, mall: Mall, owner: str) -> None:
    number = await mall.paid_order(owner)
    with pytest.raises(Conflict) as refused:
        await pay.close(sub_mchid=owner, out_trade_no=number)
    assert refused.value.data["code"] == "ORDERPAID"
    with pytest.raises(Conflict) as refused:
        await mall.order(owner, number)
    assert refused.value.data["code"] == "ORDERPAID"


async def test_a_slow_answer_is_waited_for(mall: Mall, phone: Phone, owner: str) -> None:
    await phone.faults(next=["delay"])
    before = await phone.calls()
    await mall.order(owner, mall.number())
    assert await phone.calls() == before + 1


async def test_a_storm_of_faults_is_mostly_survived(
    pay: WechatEcommerce, mall: Mall, phone: Phone, owner: str
) -> None:
    await phone.faults(rate=0.3, kinds=["error_before", "error_after", "drop_after"])
    numbers = [mall.number() for _ in range(10)]
    prepay_ids = set()
    for number in numbers:
        with contextlib.suppress(PaymentProviderError):
            prepay_ids.add(await mall.order(owner, number))
    await phone.faults(rate=0)
    prepay_ids |= {await mall.order(owner, number) for number in numbers}
    assert len(prepay_ids) == len(numbers)


@pytest.mark.parametrize("fault", ["error_before", "drop_before"])
async def test_a_lasting_fault_is_a_retryable_error(
    mall: Mall, phone: Phone, fault: str, owner: str
) -> None:
    await phone.faults(rate=1, kinds=[fault])
    with pytest.raises(PaymentProviderError) as refused:
        await mall.order(owner, mall.number())
    assert refused.value.retryable
    assert refused.value.data["api"] == "prepay"


async def test_a_wrong_merchant_key_is_not_retried(sandbox: Sandbox, phone: Phone) -> None:
    config = dataclasses.replace(
        sandbox.pay_config("http://127.0.0.1:9/"),
        merchant_key_file=sandbox.run_dir / "platform_key.pem",
    )
    before = await phone.calls()
    async with WechatEcommerce(config) as wrong:
        with pytest.raises(PaymentProviderError) as refused:
            await wrong.query(sub_mchid="160", out_trade_no="T-whatever")
    assert refused.value.data["code"] == "SIGN_ERROR"
    assert await phone.calls() == before + 1


async def test_answers_signed_by_somebody_else_are_not_believed(sandbox: Sandbox) -> None:
    config = dataclasses.replace(
        sandbox.pay_config("http://127.0.0.1:9/"),
        platform_key_file=sandbox.run_dir / "merchant_pub.pem",
    )
    async with WechatEcommerce(config) as fooled:
        with pytest.raises(PaymentProviderError) as refused:
            await fooled.query(sub_mchid="160", out_trade_no="T-whatever")
    assert "not verified" in str(refused.value.data["reason"])


async def test_a_clock_that_is_wrong_by_minutes_is_noticed(sandbox: Sandbox) -> None:
    def late() -> int:
        return wall_clock_ms() - 400_000

    async with WechatEcommerce(sandbox.pay_config("http://127.0.0.1:9/"), clock_ms=late) as slow:
        with pytest.raises(PaymentProviderError):
            await slow.query(sub_mchid="160", out_trade_no="T-whatever")


async def test_an_unreachable_gateway_is_a_retryable_error(sandbox: Sandbox) -> None:
    config = dataclasses.replace(sandbox.pay_config("http://x/"), url="http://127.0.0.1:9")
    began = time.monotonic()
    async with WechatEcommerce(config) as lonely:
        with pytest.raises(PaymentProviderError):
            await lonely.query(sub_mchid="160", out_trade_no="T-whatever")
    assert time.monotonic() - began < 5
