"""When WeChat is asked again, after silence or failure."""

from __future__ import annotations

from market.payments.rules.escrow import UNPAID, Payable, Payment

QUERY_S = 30.0
"""The first query after a prepay; the others are multiples of it: 30 s, 2 min, 10 min."""
QUERY_MULTIPLES = (1, 4, 20)
SHARE_AFTER_S = 60.0
FIRST_RETRY_MS = 2_000
LONGEST_RETRY_MS = 600_000
ALERT_AFTER = 5
GUARDED = 100
"""Orders whose freeze is about to end that are looked at in one round."""
LEASE_MS = 60_000
"""An errand that has begun is nobody else's for so long; a crash in between costs that delay."""


def close_at_ms(expires_ms: int, query_s: float) -> int:
    """A little after the last moment to pay: a payment of the last second has been told by then."""
    return expires_ms + int(query_s * 1000 / 3)


def next_check_ms(begun_ms: int, checks: int, expires_ms: int, query_s: float, now_ms: int) -> int:
    """When the query after `checks` queries is due: on schedule until the end of the time to pay, then once more, then
    ever later until WeChat has given a definite answer.
    """
    last = close_at_ms(expires_ms, query_s)
    if now_ms >= last:
        return now_ms + backoff_ms(checks)
    for multiple in QUERY_MULTIPLES:
        at = begun_ms + int(multiple * query_s * 1000)
        if now_ms < at < last:
            return at
    return last


def backoff_ms(attempts: int) -> int:
    """2, 4, 8 s, ... up to 10 minutes."""
    return int(min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** min(attempts, 20)))


def is_over(payable: Payable, payment: Payment, query_s: float, now_ms: int) -> bool:
    """Whether nobody is meant to pay any more, so that WeChat is told to close."""
    return payable.state != UNPAID or now_ms >= close_at_ms(payment.expires_ms, query_s)
