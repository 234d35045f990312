"""What may be asked of orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from market.kernel.ids import Id

Moment = Annotated[int, Meta(ge=0, lt=2**53, description="UTC milliseconds")]
LeaseId = Annotated[str, Meta(min_length=1, max_length=32, pattern="^[A-Za-z0-9_-]+$")]
Code = Annotated[str, Meta(pattern="^[0-9]{6}$", description="the other party's handover code")]
Seen = Annotated[
    int, Meta(ge=1, le=2**53, description="the order's version as last seen; left out: any")
]
SeenOrders = Annotated[
    str,
    Meta(
        max_length=800,
        pattern=r"^([0-9]{1,19}\.[0-9]{1,16}(,[0-9]{1,19}\.[0-9]{1,16}){0,19})?$",
        description="orders as last seen, id.version and commas between them; empty: none yet",
    ),
]
Terms = Annotated[int, Meta(ge=1, le=2**53, description="the listing's terms_version as last seen")]
Seats = Annotated[int, Meta(ge=1, le=100, description="seats of a listing that has several")]
Reason = Annotated[str, Meta(max_length=500)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Take a courtesy hold, or renew it by giving its `lease_id` again."""

    listing_id: Id
    start_ms: Moment
    end_ms: Moment
    seats: Seats = 1
    lease_id: LeaseId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseHold:
    listing_id: Id
    lease_id: LeaseId


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOrder:
    """`terms_version` is the listing's as the buyer saw it: another one means another price or plan."""

    listing_id: Id
    start_ms: Moment
    end_ms: Moment
    terms_version: Terms
    seats: Seats = 1
    lease_id: LeaseId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    order_id: Id
    version: Seen | None = None
    reason: Reason = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOrder:
    """The owner hands over: `code` is what the buyer shows."""

    order_id: Id
    code: Code
    version: Seen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnOrder:
    """The buyer gives back: `code` is what the owner shows."""

    order_id: Id
    code: Code
    version: Seen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptReturn:
    """The owner has nothing to claim."""

    order_id: Id
    version: Seen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeOrder:
    order_id: Id
    version: Seen | None = None
    reason: Reason = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideDispute:
    """Operators: `release` pays the owner, `refund` gives everything back to the buyer."""

    order_id: Id
    decision: Literal["release", "refund"]
    version: Seen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetOrder:
    """A reader who says what it has `seen` may be answered by a copy that is at least as new."""

    order_id: Id
    seen: Seen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOrders:
    """One's own orders, newest first. `before` is the last order id of the page before. A reader who says what it has `seen` of
    that role may be answered by a copy that is at least as new."""

    role: Literal["buyer", "owner"] = "buyer"
    before: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    seen: SeenOrders | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCalendar:
    listing_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class GetFree:
    """Between these two moments, which are 32 days apart at most."""

    listing_id: Id
    start_ms: Moment
    end_ms: Moment
    seats: Seats = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class GetQuote:
    listing_id: Id
    start_ms: Moment
    end_ms: Moment
    seats: Seats = 1
