"""What the actions of this wing may reach."""

from __future__ import annotations

from dataclasses import dataclass

from infra.mysql.database import Database
from infra.process import Process
from infra.wechat.pay import WechatPay
from market.payments.port import PaymentPort
from market.payments.rules.errands import QUERY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Payments:
    db: Database
    pay: PaymentPort
    query_s: float = QUERY_S
    """Seconds until WeChat is asked about a payment it has not told of; later queries are multiples of it."""


async def open_wing(process: Process) -> Payments:
    """Needs the merchant's keys, but neither WeChat nor the database to answer."""
    return Payments(
        db=await process.database("payments"),
        pay=await process.stack.enter_async_context(WechatPay(process.config.wechatpay)),
        query_s=process.config.number("PAYMENT_QUERY_S", QUERY_S),
    )
