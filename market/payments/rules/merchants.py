"""An owner's way to being paid: WeChat must know who it is, before any buyer's money can wait in an account of its own.

sending -> applied -> finished          what an owner applies with is passed on to WeChat and kept nowhere
           rejected -> sending          and so an application of which WeChat knows nothing is asked for once more
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from market.kernel.errors import BadInput
from market.kernel.facts import Fact, OwnerOnboarding
from market.kernel.ids import Id
from market.payments.rules.escrow import Payable

Status = Literal["sending", "applied", "finished", "rejected"]

CHECK_MS = 60_000
LONGEST_CHECK_MS = 3_600_000
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_ID_NUMBER = re.compile(r"\d{17}[0-9X]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """`sub_mchid` once it is finished; `sign_url` while the owner is to sign; `reason` of a rejection."""

    user_id: Id
    version: int
    status: Status
    out_request_no: str
    sub_mchid: str
    sign_url: str
    reason: str
    checks: int
    due_ms: int


def begin(user_id: Id, known: Merchant | None, now_ms: int) -> Merchant:
    """The intent to apply; `known` itself while an application is under way or done. WeChat knows one number of each owner."""
    if known is not None and known.status in ("applied", "finished"):
        return known
    return Merchant(
        user_id=user_id, version=known.version + 1 if known else 1, status="sending",
        out_request_no=f"A{user_id:019d}", sub_mchid="", sign_url="", reason="", checks=0,
        due_ms=now_ms + CHECK_MS,
    )  # fmt: skip


def heard(
    merchant: Merchant, status: Status, sub_mchid: str, sign_url: str, reason: str, now_ms: int
) -> Merchant:
    """What WeChat says of the application; `merchant` itself when it is no news."""
    if merchant.status == "finished":
        return merchant
    told = replace(
        merchant, status=status, sub_mchid=sub_mchid, sign_url=sign_url[:512], reason=reason[:255]
    )
    if told == merchant:
        return merchant
    return replace(told, version=merchant.version + 1, due_ms=now_ms + CHECK_MS)


def checked(merchant: Merchant, now_ms: int) -> Merchant:
    """An application under way is asked about after a minute, then ever later, up to an hour."""
    wait_ms = min(LONGEST_CHECK_MS, CHECK_MS * 2 ** min(merchant.checks, 10))
    return replace(merchant, checks=merchant.checks + 1, due_ms=now_ms + wait_ms)


def told(merchant: Merchant) -> Fact | None:
    """What an owner is told of it; nothing while it goes on."""
    if merchant.status not in ("finished", "rejected"):
        return None
    data = OwnerOnboarding(
        owner_id=merchant.user_id, order_id=Id(0), state=merchant.status, reason=merchant.reason
    )
    return Fact(
        kind=OwnerOnboarding.KIND, entity=merchant.user_id, version=merchant.version, data=data
    )


def needed(payable: Payable) -> Fact:
    """A buyer would pay this order, and its owner cannot be paid."""
    data = OwnerOnboarding(
        owner_id=payable.owner_id, order_id=payable.order_id, state="needed", reason=""
    )
    return Fact(
        kind=OwnerOnboarding.KIND, entity=payable.order_id, version=payable.version, data=data
    )


def check_id_number(number: str) -> None:
    """Raise BadInput unless it is an identity number whose last place is right (GB 11643-1999)."""
    if _ID_NUMBER.fullmatch(number):
        total = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
        if _CHECKS[total % 11] == number[17]:
            return
    raise BadInput("this is no identity number", path="$.id_number")
