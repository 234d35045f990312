"""Rolls the journal up into the totals of the house's accounts, and checks every journal transaction once."""

from __future__ import annotations

from market.payments import rollup
from market.payments.wing import Payments

WING = "payments"
EVERY_S = 1.0


async def run_once(payments: Payments, now_ms: int) -> int:
    """The number of lines rolled up."""
    return await rollup.roll_up(payments, now_ms)
