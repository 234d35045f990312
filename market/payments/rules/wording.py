"""What the payer reads in WeChat."""

from __future__ import annotations

DESCRIPTION = "ShareHub 订单 · {title}"
LONGER = "ShareHub 续期 · {title}"
LONGEST_DESCRIPTION = 40
"""Characters; WeChat takes 127, and shows about 20."""

SHARE = "平台服务费"
FINISH = "订单结束，解冻剩余资金"
"""What an owner reads of the commission, and of the release, in WeChat's bill."""

NEVER_ARRIVED = "微信支付没有收到申请，请重新提交"
"""Why an application is asked for once more."""

REFUND_REASONS = {
    "declined": "申请被婉拒，退还全部款项",
    "deadline": "订单长期未处理，退还全部款项",
    "expired": "订单已过期，退还全部款项",
    "cancelled": "订单已取消，退款",
    "completed": "订单已完成，退还押金",
    "refunded": "争议处理完毕，退款",
}
"""By the state of the order that gives the money back. WeChat takes 80 bytes: 26 Chinese characters."""


def description(title: str, *, longer: bool) -> str:
    """Of an order, or of using it `longer`."""
    return (LONGER if longer else DESCRIPTION).format(title=title)[:LONGEST_DESCRIPTION]
