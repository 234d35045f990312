"""A listing's life: what its owner may do to it, and what facts about others do to what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Literal

from market.kernel import regions
from market.kernel.errors import Conflict, Forbidden, IllegalTransition, Incomplete, VersionConflict
from market.kernel.facts import CreditChanged, ListingRated, UserChanged
from market.kernel.geo import Point, blurred, cell
from market.kernel.ids import Id
from market.kernel.terms import Terms
from market.listings.rules import attributes as attribute_rules
from market.listings.rules import offer
from market.listings.rules.attributes import Attributes
from market.listings.rules.ranking import deal_rate_percent
from market.listings.rules.takings import State

PRIOR_CENTISTARS = 400
"""What is shown of somebody, or something, that nobody has rated."""

MAX_OPEN = 200
"""Listings that one owner may have live or paused: all of them are repainted when the owner's card changes."""

Status = Literal["draft", "review", "rejected", "live", "paused", "closed"]
Move = Literal["submit", "withdraw", "approve", "reject", "pause", "resume", "close"]

MOVES: tuple[tuple[Move, Status, Status], ...] = (
    ("submit", "draft", "review"),
    ("submit", "rejected", "review"),
    ("withdraw", "review", "draft"),
    ("approve", "review", "live"),
    ("reject", "review", "rejected"),
    ("pause", "live", "paused"),
    ("resume", "paused", "live"),
    ("close", "draft", "closed"),
    ("close", "review", "closed"),
    ("close", "rejected", "closed"),
    ("close", "live", "closed"),
    ("close", "paused", "closed"),
)
"""(move, from, to). What is closed stays closed, and can no longer be edited."""

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The projection of a user. A version of 0: nothing has been heard yet."""

    user_id: Id
    place_secret: bytes = b""
    """What the way from the true to the shown place is drawn from. It never leaves the wing."""
    user_version: int = 0
    openid: str = ""
    """Under which the content check knows them; no client ever sees it."""
    nickname: str = ""
    avatar_url: str = ""
    credit_version: int = 0
    credit_centistars: int = PRIOR_CENTISTARS
    ratings: int = 0
    banned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerCard:
    """What is shown of an owner. Credit is in hundredths of a star (100 to 500)."""

    user_id: Id
    nickname: str
    avatar_url: str
    credit_centistars: int
    ratings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What people are shown of a listing, and what is looked at before they are."""

    title: str
    description: str
    category: str
    photos: tuple[str, ...]
    attributes: Attributes


WORDING = tuple(field.name for field in fields(Wording))


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    id: Id
    version: int
    terms_version: int
    owner: OwnerCard
    status: Status
    title: str
    description: str
    category: str
    photos: tuple[str, ...]
    point: Point
    blurred: Point
    """Where everybody is shown that it is: near `point`, and never it."""
    region: str
    address: str
    attributes: Attributes = field(default_factory=dict)
    terms: Terms
    review_note: str = ""
    """Why it was rejected, or its `pending` wording was, for its owner."""
    pending: Wording | None = None
    """What the owner of a listing that people can see would rather have them see, unless there is nothing."""
    rating_version: int = 0
    rating_centistars: int = PRIOR_CENTISTARS
    ratings: int = 0
    orders_created: int = 0
    orders_completed: int = 0
    published_ms: int
    """When people could first see it; 0: nobody but its owner ever has."""
    state: State = "free"
    state_version: int = 0
    """How often orders have changed the state, which is no change of the listing."""

    @property
    def card_version(self) -> int:
        """Rises with every change of what a card shows."""
        return self.version + self.state_version

    @property
    def seen(self) -> bool:
        return self.published_ms > 0

    @property
    def cell(self) -> str:
        return cell(self.blurred)

    @property
    def deal_rate_percent(self) -> int:
        return deal_rate_percent(self.orders_created, self.orders_completed)


def place(point: Point, secret: bytes) -> dict[str, Any]:
    """The fields of a listing that is at `point`; `secret` is its owner's."""
    return {
        "point": point,
        "blurred": blurred(point, secret),
        "region": regions.code_of(point),
    }


def owner_card(owner: Owner) -> OwnerCard:
    return OwnerCard(
        user_id=owner.user_id, nickname=owner.nickname, avatar_url=owner.avatar_url,
        credit_centistars=owner.credit_centistars, ratings=owner.ratings,
    )  # fmt: skip


def may_offer(owner: Owner) -> None:
    """Raise Forbidden to the banned, whose last token may still be good for a moment."""
    if owner.banned:
        raise Forbidden("this account is banned")


def may_publish(open_listings: int) -> None:
    if open_listings >= MAX_OPEN:
        raise Conflict("an owner has so many listings and no more", limit=MAX_OPEN)


def may_change(listing: Listing, actor_id: Id, version: int) -> None:
    if actor_id != listing.owner.user_id:
        raise Forbidden("only its owner may change a listing")
    if version != listing.version:
        raise VersionConflict(version=listing.version)


def move(listing: Listing, wanted: Move, **changes: Any) -> Listing:
    for name, before, after in MOVES:
        if name == wanted and before == listing.status:
            return _next(listing, status=after, **changes)
    raise IllegalTransition(status=listing.status)


def close(listing: Listing) -> Listing:
    return move(listing, "close", pending=None)


def submit(listing: Listing) -> Listing:
    """Raise Incomplete, BadInput, IllegalTransition."""
    check_complete(listing)
    return move(listing, "submit", review_note="")


def withdraw(listing: Listing) -> Listing:
    """Back to the draft; what people see already stays as it is, and the other wording is forgotten."""
    if listing.seen and listing.pending is not None:
        return _next(listing, pending=None, review_note="")
    return move(listing, "withdraw")


def approve(listing: Listing, now_ms: int) -> Listing:
    """Show people what has been looked at."""
    if listing.pending is not None:
        return _next(listing, **_fields(listing.pending), pending=None)
    return move(listing, "approve", published_ms=now_ms)


def reject(listing: Listing, note: str) -> Listing:
    """A listing that people see stays as they see it, and its owner is told why nothing new is."""
    if listing.pending is not None:
        return _next(listing, review_note=note)
    return move(listing, "reject", review_note=note)


def check_complete(listing: Listing) -> None:
    """Raise Incomplete when something is missing that people have to be told, BadInput when something does not fit."""
    terms = listing.terms
    prices = (terms.price_hour_fen, terms.price_day_fen, terms.price_week_fen)
    missing = ["title"] * (not listing.title.strip()) + ["price"] * (prices == (None,) * 3)
    if missing:
        raise Incomplete("the draft is not complete", missing=missing)
    offer.check(terms)
    attribute_rules.check_complete(listing.category, listing.attributes)


def wording(listing: Listing) -> Wording:
    """As its owner would have it."""
    return listing.pending or Wording(**{name: getattr(listing, name) for name in WORDING})


def in_review(listing: Listing) -> Wording | None:
    """What waits to be looked at."""
    waits = listing.pending is not None and not listing.review_note
    return wording(listing) if waits or listing.status == "review" else None


def edit(
    listing: Listing, changes: Mapping[str, Any], new_terms: Mapping[str, Any] = NOTHING
) -> Listing:
    """`changes` are fields of Listing, `new_terms` of its terms. The very same listing when nothing is different.

    A wording that people see stays until the new one has been looked at. A draft's terms need not be whole.
    """
    if listing.status == "closed":
        raise IllegalTransition(status=listing.status)
    terms = replace(listing.terms, **new_terms)
    if terms != listing.terms and listing.status not in ("draft", "rejected"):
        offer.check(terms)
    said = {name: value for name, value in changes.items() if name in WORDING}
    others = {name: value for name, value in changes.items() if name not in WORDING}
    if said:
        others |= _reword(listing, said)
    after = _next(listing, **others, terms=terms)
    if after.status == "review":
        check_complete(after)
    return after


def _reword(listing: Listing, said: Mapping[str, Any]) -> dict[str, Any]:
    before = wording(listing)
    after = replace(before, **said)
    if "attributes" not in said and after.category != before.category:
        after = replace(after, attributes=attribute_rules.kept(after.category, before.attributes))
    attribute_rules.check(after.category, after.attributes)
    if not listing.seen:
        return _fields(after)
    attribute_rules.check_complete(after.category, after.attributes)
    if after == before:
        return {}
    shown = wording(replace(listing, pending=None))
    return {"pending": None if after == shown else after, "review_note": ""}


def _fields(said: Wording) -> dict[str, Any]:
    return {name: getattr(said, name) for name in WORDING}


def hear_user(owner: Owner, heard: UserChanged) -> Owner:
    if heard.version <= owner.user_version:
        return owner
    return replace(
        owner, user_version=heard.version, openid=heard.openid, nickname=heard.nickname,
        avatar_url=heard.avatar_url, banned=heard.banned,
    )  # fmt: skip


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
    # A quote depends on these and on nothing else, and there is none of what nobody can see.
    new_terms = listing.seen and (after.terms, after.status) != (listing.terms, listing.status)
    return replace(
        after, version=listing.version + 1, terms_version=listing.terms_version + new_terms
    )
