"""What the payer reads in WeChat."""

from __future__ import annotations

DESCRIPTION = "ShareHub 订单 · {title}"
LONGEST_DESCRIPTION = 40
"""Characters; WeChat takes 127, and shows about 20."""

REFUND_REASONS = {
    "expired": "订单已过期，退还全部款项",
    "cancelled": "订单已取消，退款",
    "completed": "订单已完成，退还押金",
    "refunded": "争议处理完毕，退款",
}
"""By the state of the order that gives the money back. WeChat takes 80 bytes: 26 Chinese characters."""


def description(title: str) -> str:
    return DESCRIPTION.format(title=title)[:LONGEST_DESCRIPTION]
