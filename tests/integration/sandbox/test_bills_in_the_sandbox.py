"""A day's bill: what was paid, given back and shared, to the fen, proved by its digest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import aiohttp
import pytest

from infra.wechat.bills import FundLine, TradeLine
from infra.wechat.ecommerce import WechatEcommerce
from market.kernel.errors import Conflict, PaymentProviderError
from tests.integration.sandbox.conftest import Mall, Phone, Sandbox, running_sandbox

pytestmark = pytest.mark.timeout(60)

BEIJING = timezone(timedelta(hours=8))


def day(ago: int = 0) -> str:
    return (datetime.now(BEIJING) - timedelta(days=ago)).strftime("%Y-%m-%d")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One of its own, so that the day holds what these tests did and nothing else."""
    with running_sandbox(tmp_path_factory.mktemp("bills"), "--rule", "share_after_s=0") as running:
        yield running


async def trade_lines(pay: WechatEcommerce) -> list[TradeLine]:
    lines = await pay.bill(day=day(), kind="trade")
    assert all(isinstance(line, TradeLine) for line in lines)
    return [line for line in lines if isinstance(line, TradeLine)]


async def test_a_day_without_trade_has_no_lines(pay: WechatEcommerce) -> None:
    assert await pay.bill(day=day(ago=3), kind="trade") == ()
    assert await pay.bill(day=day(ago=3), kind="fundflow") == ()


async def test_payments_and_refunds_are_in_the_trade_bill(
    pay: WechatEcommerce, mall: Mall, phone: Phone
) -> None:
    await phone.rules(fee_bp=60)
    owner, refund_number = await mall.owner(), mall.number()
    # A title made to be misread.
    number, transaction = await mall.paid_transaction(
        owner, amount_fen=123_456_789, description='梯子,`1,`"2"\n`3'
    )
    refund = await pay.refund(
        sub_mchid=owner, out_trade_no=number, out_refund_no=refund_number, refund_fen=1,
        total_fen=123_456_789, reason="",
    )  # fmt: skip
    trade = await pay.query(sub_mchid=owner, out_trade_no=number)
    paid, back = [line for line in await trade_lines(pay) if line.out_trade_no == number]
    assert paid == TradeLine(
        at_ms=trade.paid_at_ms or 0, sub_mchid=owner, transaction_id=transaction,
        out_trade_no=number, amount_fen=123_456_789, fee_yuan=Decimal("7407.41"),
    )  # fmt: skip
    assert (back.amount_fen, back.refund_id, back.out_refund_no, back.sub_mchid) == (
        1,
        refund.refund_id,
        refund_number,
        owner,
    )
    assert back.refund_state in ("PROCESSING", "SUCCESS")


async def test_commissions_are_in_the_fund_bill(
    pay: WechatEcommerce, mall: Mall, sandbox: Sandbox
) -> None:
    owner = await mall.owner()
    numbers = [mall.number(), mall.number()]
    for number, fen in zip(numbers, (100, 1), strict=True):
        _, transaction = await mall.paid_transaction(owner)
        await pay.share(
            sub_mchid=owner, transaction_id=transaction, out_order_no=number, commission_fen=fen,
            description="平台服务费",
        )  # fmt: skip
    lines = [
        line for line in await pay.bill(day=day(), kind="fundflow") if isinstance(line, FundLine)
    ]
    assert [(line.voucher, line.amount_fen) for line in lines[-2:]] == [
        (numbers[0], 100),
        (numbers[1], 1),
    ]
    _, available_fen = await mall.balance(sandbox.account["mchid"])
    assert lines[-1].balance_fen == available_fen


@pytest.mark.parametrize(
    ("fault", "difference"), [("bill_line_missing", 1), ("bill_amount_changed", 0)]
)
async def test_a_bill_can_differ(
    pay: WechatEcommerce, mall: Mall, phone: Phone, fault: str, difference: int
) -> None:
    async def amounts() -> list[tuple[str, str, int]]:
        """Not how a refund stands, which goes on meanwhile."""
        return [
            (line.out_trade_no, line.refund_id, line.amount_fen) for line in await trade_lines(pay)
        ]

    await mall.paid_order(await mall.owner())
    right = await amounts()
    await phone.faults(next=[fault])
    wrong = await amounts()
    assert len(right) - len(wrong) == difference
    assert wrong != right
    assert await amounts() == right


async def test_a_cut_bill_is_not_believed(pay: WechatEcommerce, mall: Mall, phone: Phone) -> None:
    await mall.paid_order(await mall.owner())
    await phone.faults(next=["bill_corrupt"])
    with pytest.raises(PaymentProviderError) as refused:
        await pay.bill(day=day(), kind="trade")
    assert "digest" in str(refused.value.data["reason"])


async def test_a_bill_may_have_to_be_waited_for(
    pay: WechatEcommerce, mall: Mall, phone: Phone
) -> None:
    await mall.paid_order(await mall.owner())
    await phone.rules(bills_wait=True)
    with pytest.raises(PaymentProviderError) as refused:
        await pay.bill(day=day(), kind="trade")
    assert refused.value.data["reason"] == "STATEMENT_CREATING"


@pytest.mark.parametrize("ago", [-1, 200])
async def test_a_bill_is_of_a_day_that_has_been(pay: WechatEcommerce, ago: int) -> None:
    with pytest.raises(Conflict) as refused:
        await pay.bill(day=day(ago), kind="trade")
    assert refused.value.data["code"] == "INVALID_REQUEST"


async def test_a_link_is_signed_for_too(
    sandbox: Sandbox, http: aiohttp.ClientSession, pay: WechatEcommerce
) -> None:
    async with http.get(f"{sandbox.url}/v3/billdownload/file?token=x") as answer:
        assert answer.status == 401
