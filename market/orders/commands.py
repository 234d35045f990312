"""What may be asked of orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from market.kernel.ids import Id
from market.kernel.money import MAX_FEN

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
Fen = Annotated[int, Meta(ge=0, le=MAX_FEN)]
Told = Annotated[str, Meta(max_length=1000)]
ObjectKey = Annotated[str, Meta(min_length=1, max_length=200)]
ObjectKeys = Annotated[tuple[ObjectKey, ...], Meta(max_length=9)]
"""Keys of photos in object storage; what they are is between those who look at them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Take a courtesy hold, or renew it by giving its `lease_id` again, for ten minutes in a row at most."""

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
class ApproveRequest:
    order_id: Id
    version: Seen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineRequest:
    order_id: Id
    version: Seen | None = None
    reason: Reason = ""


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
class Claim:
    """The owner wants so much of the deposit: at most what being late has left of it."""

    order_id: Id
    amount_fen: Annotated[int, Meta(ge=1, le=MAX_FEN)]
    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    objects: ObjectKeys = ()
    version: Seen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcedeClaim:
    order_id: Id
    version: Seen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContestClaim:
    order_id: Id
    version: Seen | None = None
    reason: Reason = ""
    objects: ObjectKeys = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtendOrder:
    """The buyer wants to use until `end_ms`. `terms_version`: the listing's as quoted; left out: whatever it is by now."""

    order_id: Id
    end_ms: Moment
    terms_version: Terms | None = None
    version: Seen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgoExtension:
    """The buyer does not pay for longer after all."""

    order_id: Id
    version: Seen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeOrder:
    order_id: Id
    version: Seen | None = None
    reason: Reason = ""
    objects: ObjectKeys = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AddEvidence:
    """What either party has to show while a claim or a dispute is open; the other one and the operators see it."""

    order_id: Id
    text: Told = ""
    objects: ObjectKeys = ()
    version: Seen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideDispute:
    """Operators: `release` pays the owner, with what they claimed; `refund` gives everything back to the buyer; `split` gives
    `rent_back_fen` of the rent to the buyer and `deposit_kept_fen` of the deposit to the owner."""

    order_id: Id
    decision: Literal["release", "refund", "split"]
    rent_back_fen: Fen = 0
    deposit_kept_fen: Fen = 0
    version: Seen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetOrder:
    """A reader who says what it has `seen` may be answered by a copy that is at least as new."""

    order_id: Id
    seen: Seen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetEvidence:
    order_id: Id


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


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteExtension:
    order_id: Id
    end_ms: Moment
