"""A listing's life: what its owner may do to it, and what facts about others do to what it shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from market.kernel.availability import Plan
from market.kernel.errors import BadInput, Conflict, Forbidden, IllegalTransition, VersionConflict
from market.kernel.facts import CreditChanged, ListingRated, UserChanged
from market.kernel.geo import Point, cell
from market.kernel.ids import Id
from market.listings.rules.ranking import deal_rate_percent

PRIOR_CENTISTARS = 400
"""What is shown of somebody, or something, that nobody has rated."""

MAX_OPEN = 200
"""Listings that one owner may have live or paused: all of them are repainted when the owner's card changes."""

Status = Literal["live", "paused", "closed"]
Move = Literal["pause", "resume", "close"]

MOVES: tuple[tuple[Move, Status, Status], ...] = (
    ("pause", "live", "paused"),
    ("resume", "paused", "live"),
    ("close", "live", "closed"),
    ("close", "paused", "closed"),
)
"""(move, from, to). What is closed stays closed, and can no longer be edited."""

TERMS = ("plan", "price_hour_fen", "price_day_fen", "deposit_fen", "status")
"""What a quote depends on: only these raise `terms_version`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The projection of a user. A version of 0: nothing has been heard yet."""

    user_id: Id
    user_version: int = 0
    nickname: str = ""
    avatar_url: str = ""
    credit_version: int = 0
    credit_centistars: int = PRIOR_CENTISTARS
    ratings: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerCard:
    """What is shown of an owner. Credit is in hundredths of a star (100 to 500)."""

    user_id: Id
    nickname: str
    avatar_url: str
    credit_centistars: int
    ratings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    id: Id
    version: int
    terms_version: int
    owner: OwnerCard
    status: str
    title: str
    description: str
    category: str
    photos: tuple[str, ...]
    point: Point
    address: str
    plan: Plan
    price_hour_fen: int | None
    price_day_fen: int | None
    deposit_fen: int
    rating_version: int = 0
    rating_centistars: int = PRIOR_CENTISTARS
    ratings: int = 0
    orders_created: int = 0
    orders_completed: int = 0
    published_ms: int

    @property
    def cell(self) -> str:
        return cell(self.point)

    @property
    def deal_rate_percent(self) -> int:
        return deal_rate_percent(self.orders_created, self.orders_completed)


def owner_card(owner: Owner) -> OwnerCard:
    return OwnerCard(
        user_id=owner.user_id, nickname=owner.nickname, avatar_url=owner.avatar_url,
        credit_centistars=owner.credit_centistars, ratings=owner.ratings,
    )  # fmt: skip


def may_publish(open_listings: int) -> None:
    if open_listings >= MAX_OPEN:
        raise Conflict("an owner has so many listings and no more", limit=MAX_OPEN)


def priced(listing: Listing) -> Listing:
    if listing.price_hour_fen is None and listing.price_day_fen is None:
        raise BadInput("a listing has a price per hour, a price per day, or both")
    return listing


def may_change(listing: Listing, actor_id: Id, version: int) -> None:
    if actor_id != listing.owner.user_id:
        raise Forbidden("only its owner may change a listing")
    if version != listing.version:
        raise VersionConflict(version=listing.version)


def move(listing: Listing, wanted: Move) -> Listing:
    for name, before, after in MOVES:
        if name == wanted and before == listing.status:
            return _next(listing, status=after)
    raise IllegalTransition(status=listing.status)


def edit(listing: Listing, changes: dict[str, Any]) -> Listing:
    """`changes` are fields of Listing. The very same listing when nothing is different."""
    if listing.status == "closed":
        raise IllegalTransition(status=listing.status)
    return priced(_next(listing, **changes))


def hear_user(owner: Owner, heard: UserChanged) -> Owner:
    if heard.version <= owner.user_version:
        return owner
    return replace(
        owner, user_version=heard.version, nickname=heard.nickname, avatar_url=heard.avatar_url
    )


def hear_credit(owner: Owner, heard: CreditChanged) -> Owner:
    if heard.version <= owner.credit_version:
        return owner
    return replace(
        owner, credit_version=heard.version, credit_centistars=heard.credit_centistars,
        ratings=heard.ratings,
    )  # fmt: skip


def repaint(listing: Listing, owner: Owner) -> Listing:
    return _next(listing, owner=owner_card(owner))


def hear_rating(listing: Listing, heard: ListingRated) -> Listing:
    if heard.version <= listing.rating_version:
        return listing
    return _next(
        listing, rating_version=heard.version, rating_centistars=heard.rating_centistars,
        ratings=heard.ratings,
    )  # fmt: skip


def count_order(listing: Listing, *, created: int = 0, completed: int = 0) -> Listing:
    """Counts always move; the version only when somebody could see the difference."""
    counted = replace(
        listing,
        orders_created=listing.orders_created + created,
        orders_completed=listing.orders_completed + completed,
    )
    if completed or counted.deal_rate_percent != listing.deal_rate_percent:
        return replace(counted, version=listing.version + 1)
    return counted


def _next(listing: Listing, **changes: Any) -> Listing:
    after = replace(listing, **changes)
    if after == listing:
        return listing
    new_terms = any(getattr(after, name) != getattr(listing, name) for name in TERMS)
    return replace(
        after, version=listing.version + 1, terms_version=listing.terms_version + new_terms
    )
