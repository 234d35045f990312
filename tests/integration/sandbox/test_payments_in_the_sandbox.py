"""Orders at WeChat Pay: the whole loop, the refusals, and every fault."""

from __future__ import annotations

import contextlib
import dataclasses
import time

import pytest

from infra.wechat.pay import Trade, WechatPay, wall_clock_ms
from market.kernel.errors import Conflict, NotFound, PaymentProviderError
from tests.integration.sandbox.conftest import Phone, Receiver, Sandbox, Shop

pytestmark = pytest.mark.timeout(30)

CALL_FAULTS = ["error_before", "error_after", "drop_before", "drop_after"]


async def test_the_whole_loop(pay: WechatPay, shop: Shop, phone: Phone, receiver: Receiver) -> None:
    number = shop.number()
    prepay_id = await shop.order(number, attach="order 7")
    assert await pay.query(number) == Trade(
        out_trade_no=number,
        transaction_id=None,
        state="NOTPAY",
        amount_fen=0,
        payer_openid=None,
        paid_at_ms=None,
    )
    signed = pay.client_params(prepay_id, wall_clock_ms(), "nonce0001")
    assert all(isinstance(value, str) for value in signed.values())
    status, answer = await phone.post("/sandbox/pay", prepay_id=prepay_id, **signed)
    assert status == 200, answer

    received = await receiver.next()
    notification = pay.open_notification(received.headers, received.body, wall_clock_ms())
    assert notification.event_type == "TRANSACTION.SUCCESS"
    assert notification.refund is None
    assert notification.trade == await pay.query(number)
    trade = notification.trade
    assert trade is not None
    assert (trade.state, trade.amount_fen, trade.payer_openid) == ("SUCCESS", 1250, "alice")
    assert trade.transaction_id
    assert trade.paid_at_ms is not None
    assert abs(trade.paid_at_ms - wall_clock_ms()) < 10_000


async def test_client_params_for_another_prepay_id_are_refused(
    pay: WechatPay, shop: Shop, phone: Phone
) -> None:
    prepay_id = await shop.order(shop.number())
    signed = pay.client_params(prepay_id, wall_clock_ms(), "nonce")
    signed["nonceStr"] = "other"
    status, answer = await phone.post("/sandbox/pay", prepay_id=prepay_id, **signed)
    assert (status, answer["code"]) == (400, "SIGN_ERROR")


async def test_prepay_is_idempotent(shop: Shop) -> None:
    number = shop.number()
    assert await shop.order(number) == await shop.order(number)


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
async def test_prepay_refusals(shop: Shop, changes: dict[str, object], code: str) -> None:
    number = shop.number()
    await shop.order(number)
    with pytest.raises(Conflict) as refused:
        await shop.order(number, **changes)
    assert refused.value.data["code"] == code


@pytest.mark.parametrize("number", ["short", "space in it", "x" * 33])
async def test_a_bad_number_is_refused(shop: Shop, number: str) -> None:
    with pytest.raises(Conflict) as refused:
        await shop.order(number)
    assert refused.value.data["code"] == "PARAM_ERROR"


async def test_odd_numbers_and_titles_travel_well(pay: WechatPay, shop: Shop) -> None:
    number = "|*_-" + shop.number()[:24]
    await shop.order(number, description="“🚲” \ud83d halved", attach='{"a": "é"}')
    assert (await pay.query(number)).out_trade_no == number
    await pay.close(number)


async def test_an_unknown_order_is_not_found(pay: WechatPay) -> None:
    with pytest.raises(NotFound):
        await pay.query("T-nobody-knows")
    with pytest.raises(NotFound):
        await pay.close("T-nobody-knows")


async def test_nobody_pays_a_closed_order(pay: WechatPay, shop: Shop, phone: Phone) -> None:
    number = shop.number()
    prepay_id = await shop.order(number)
    await pay.close(number)
    await pay.close(number)
    assert (await pay.query(number)).state == "CLOSED"
    status, answer = await phone.post("/sandbox/pay", prepay_id=prepay_id)
    assert (status, answer["code"]) == (400, "ORDER_CLOSED")
    with pytest.raises(Conflict) as refused:
        await shop.order(number)
    assert refused.value.data["code"] == "ORDER_CLOSED"


async def test_a_payment_that_overtakes_the_close(
    pay: WechatPay, shop: Shop, phone: Phone, receiver: Receiver
) -> None:
    number = shop.number()
    prepay_id = await shop.order(number)
    await pay.close(number)
    status, _ = await phone.post("/sandbox/pay", prepay_id=prepay_id, after_expiry=True)
    assert status == 200
    await receiver.next()
    assert (await pay.query(number)).state == "SUCCESS"


async def test_the_expiry_is_not_too_near(shop: Shop) -> None:
    with pytest.raises(Conflict) as refused:
        await shop.order(shop.number(), expires_at_ms=wall_clock_ms() + 1_000)
    assert refused.value.data["code"] == "PARAM_ERROR"


async def test_nobody_pays_after_the_expiry(shop: Shop, phone: Phone) -> None:
    # 60 s is the least WeChat takes, scaled to 1.2 s; the expiry is cut down to a whole second.
    now_ms = wall_clock_ms()
    soon_ms = (now_ms // 1000 + 3) * 1000
    prepay_id = await shop.order(shop.number(), expires_at_ms=soon_ms)
    status, answer = await phone.post(
        "/sandbox/pay", prepay_id=prepay_id, delay_ms=soon_ms - now_ms
    )
    assert (status, answer["code"]) == (400, "EXPIRED")
    status, _ = await phone.post("/sandbox/pay", prepay_id=prepay_id, after_expiry=True)
    assert status == 200


async def test_a_paid_order_stays_paid(pay: WechatPay, shop: Shop) -> None:
    number = await shop.paid_order()
    with pytest.raises(Conflict) as refused:
        await pay.close(number)
    assert refused.value.data["code"] == "ORDERPAID"
    with pytest.raises(Conflict) as refused:
        await shop.order(number)
    assert refused.value.data["code"] == "ORDERPAID"


@pytest.mark.parametrize("fault", CALL_FAULTS)
async def test_every_call_survives_a_fault(
    pay: WechatPay, shop: Shop, phone: Phone, fault: str
) -> None:
    number, refund_number = shop.number(), shop.number()
    await phone.faults(next=[fault])
    prepay_id = await shop.order(number)
    await phone.faults(next=[fault])
    assert (await pay.query(number)).state == "NOTPAY"
    await phone.post("/sandbox/pay", prepay_id=prepay_id)

    await phone.faults(next=[fault])
    refund = await pay.refund(
        out_trade_no=number,
        out_refund_no=refund_number,
        refund_fen=250,
        total_fen=1250,
        reason="早还",
    )
    await phone.faults(next=[fault])
    assert (await pay.query_refund(refund_number)).refund_id == refund.refund_id

    unpaid = shop.number()
    await shop.order(unpaid)
    await phone.faults(next=[fault])
    await pay.close(unpaid)
    assert (await pay.query(unpaid)).state == "CLOSED"


async def test_a_slow_answer_is_waited_for(shop: Shop, phone: Phone) -> None:
    await phone.faults(next=["delay"])
    before = await phone.calls()
    await shop.order(shop.number())
    assert await phone.calls() == before + 1


async def test_a_storm_of_faults_is_mostly_survived(
    pay: WechatPay, shop: Shop, phone: Phone
) -> None:
    await phone.faults(rate=0.3, kinds=["error_before", "error_after", "drop_after"])
    numbers = [shop.number() for _ in range(10)]
    prepay_ids = set()
    for number in numbers:
        with contextlib.suppress(PaymentProviderError):
            prepay_ids.add(await shop.order(number))
    await phone.faults(rate=0)
    prepay_ids |= {await shop.order(number) for number in numbers}
    assert len(prepay_ids) == len(numbers)


@pytest.mark.parametrize("fault", ["error_before", "drop_before"])
async def test_a_lasting_fault_is_a_retryable_error(shop: Shop, phone: Phone, fault: str) -> None:
    await phone.faults(rate=1, kinds=[fault])
    with pytest.raises(PaymentProviderError) as refused:
        await shop.order(shop.number())
    assert refused.value.retryable
    assert refused.value.data["api"] == "prepay"


async def test_a_wrong_merchant_key_is_not_retried(sandbox: Sandbox, phone: Phone) -> None:
    config = dataclasses.replace(
        sandbox.pay_config("http://127.0.0.1:9/"),
        merchant_key_file=sandbox.run_dir / "platform_key.pem",
    )
    before = await phone.calls()
    async with WechatPay(config) as wrong:
        with pytest.raises(PaymentProviderError) as refused:
            await wrong.query("T-whatever")
    assert refused.value.data["code"] == "SIGN_ERROR"
    assert await phone.calls() == before + 1


async def test_answers_signed_by_somebody_else_are_not_believed(sandbox: Sandbox) -> None:
    config = dataclasses.replace(
        sandbox.pay_config("http://127.0.0.1:9/"),
        platform_key_file=sandbox.run_dir / "merchant_pub.pem",
    )
    async with WechatPay(config) as fooled:
        with pytest.raises(PaymentProviderError) as refused:
            await fooled.query("T-whatever")
    assert "not verified" in str(refused.value.data["reason"])


async def test_a_clock_that_is_wrong_by_minutes_is_noticed(sandbox: Sandbox) -> None:
    def late() -> int:
        return wall_clock_ms() - 400_000

    async with WechatPay(sandbox.pay_config("http://127.0.0.1:9/"), clock_ms=late) as slow:
        with pytest.raises(PaymentProviderError):
            await slow.query("T-whatever")


async def test_an_unreachable_gateway_is_a_retryable_error(sandbox: Sandbox) -> None:
    config = dataclasses.replace(sandbox.pay_config("http://x/"), url="http://127.0.0.1:9")
    began = time.monotonic()
    async with WechatPay(config) as lonely:
        with pytest.raises(PaymentProviderError):
            await lonely.query("T-whatever")
    assert time.monotonic() - began < 5
