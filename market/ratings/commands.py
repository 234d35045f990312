"""What may be asked of ratings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from market.kernel.ids import Id

Stars = Annotated[int, Meta(ge=1, le=5)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One's opinion of the other side of a completed order; a buyer's also counts for the listing."""

    order_id: Id
    punctuality: Stars
    condition: Stars
    communication: Stars
    comment: Annotated[str, Meta(max_length=500)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfOrder:
    order_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class OfUser:
    user_id: Id
    before: Annotated[Id | None, Meta(description="`next` of the page before")] = None
    limit: Annotated[int, Meta(ge=1, le=50)] = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCredit:
    user_id: Id
