"""What may be asked of payments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from market.kernel.ids import Id


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepay:
    order_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class GetOrderMoney:
    order_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class GetStatement:
    """A reader who says how many lines it has `seen` may be answered by a copy that has them too."""

    order_id: Id
    seen: Annotated[int, Meta(ge=0, le=2**53)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetBalance:
    """One's own, with the newest entries or those before a journal transaction."""

    before: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLedger:
    """`full`: read the whole journal again, which takes its time."""

    full: bool = False
