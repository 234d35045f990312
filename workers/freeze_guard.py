"""Sees to it that nothing stays frozen at WeChat until WeChat itself lets it go."""

from __future__ import annotations

from market.payments import payouts
from market.payments.wing import Payments

WING = "payments"
EVERY_S = 3600.0


async def run_once(payments: Payments, now_ms: int) -> int:
    """How many orders were decided because nobody else had."""
    return await payouts.guard(payments, now_ms)
