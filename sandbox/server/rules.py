"""The rules that a tester may bend: waits, limits, fees, and what becomes of an application.

    onboarding      "accept" (at once), "hold" (until told) or "reject"
    refund_gap_s    between two refunds of one order, seconds before the time factor
    share_after_s   between a payment and its first share, seconds before the time factor
    share_percent   most of a payment that may be shared
    fee_bp          WeChat's fee, in hundredths of a percent
    bills_wait      a day's bill is there from 10:00 of the next one, as at WeChat, instead of at once

Source of the defaults: pay.weixin.qq.com, 平台收付通: 请求分账, 申请退款. The usual fee is 60; it is
0 here, so that the platform's own arithmetic stands alone unless a test wants otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

ONBOARDING = ("accept", "hold", "reject")


class BadRules(ValueError):
    """A rule that does not exist, or a value that it cannot have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    onboarding: str = "accept"
    refund_gap_s: float = 60.0
    share_after_s: float = 60.0
    share_percent: int = 30
    fee_bp: int = 0
    bills_wait: bool = False

    def bent(self, wish: Mapping[str, Any]) -> Rules:
        """These rules with some of them changed; BadRules."""
        unknown = set(wish) - {field.name for field in fields(self)}
        if unknown:
            raise BadRules(f"no such rule: {', '.join(sorted(unknown))}")
        for name, value in wish.items():
            if name == "onboarding":
                good = value in ONBOARDING
            elif name == "bills_wait":
                good = type(value) is bool
            elif name in ("share_percent", "fee_bp"):
                good = type(value) is int and 0 <= value <= (
                    100 if name == "share_percent" else 1000
                )
            else:
                good = type(value) in (int, float) and 0 <= value <= 86400
            if not good:
                raise BadRules(f"{name} cannot be {value!r}")
        return replace(self, **wish)


class Rulebook:
    """The rules in force."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
