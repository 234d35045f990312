"""What the actions of this wing may reach."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from infra.mysql.database import Database
from infra.process import Process
from infra.wechat.ecommerce import WechatEcommerce
from market.payments.port import PaymentPort
from market.payments.rules.errands import QUERY_S, SHARE_AFTER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Payments:
    db: Database
    pay: PaymentPort
    shop_url: str
    """What WeChat shows as the place where owners sell: the platform's page."""
    query_s: float = QUERY_S
    """Seconds until WeChat is asked about a payment it has not told of; later queries are multiples of it."""
    share_after_s: float = SHARE_AFTER_S
    """Seconds after a payment before which WeChat does not share it."""


async def open_wing(process: Process) -> Payments:
    """Needs the merchant's keys, but neither WeChat nor the database to answer."""
    return Payments(
        db=await process.database("payments"),
        pay=await process.stack.enter_async_context(WechatEcommerce(process.config.wechatpay)),
        shop_url=_origin(process.config.wechatpay.notify_url),
        share_after_s=process.config.number("PAYMENT_SHARE_AFTER_S", SHARE_AFTER_S),
        query_s=process.config.number("PAYMENT_QUERY_S", QUERY_S),
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
