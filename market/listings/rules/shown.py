"""What is shown of a listing, to whom, and the facts that say it has changed."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from market.kernel.availability import Plan
from market.kernel.facts import (
    Fact,
    FactData,
    ListingChanged,
    ListingDrafted,
    ListingReviewed,
    ListingStateChanged,
)
from market.kernel.ids import Id
from market.kernel.terms import TERMS, Booking, Policy
from market.kernel.topics import EVERYONE, Entry, Push, Readers
from market.listings.rules import ranking
from market.listings.rules.attributes import Attributes
from market.listings.rules.categories import LABELS
from market.listings.rules.listing import Listing, OwnerCard, Status, Wording, wording
from market.listings.rules.ranking import Parts, Weights
from market.listings.rules.searching import Found
from market.listings.rules.takings import State

GONE = "gone"
"""The status of a card in a cell that its listing has left."""

ON_CARDS = (
    "price_hour_fen", "price_day_fen", "price_week_fen", "surcharge_bp", "minimum_fen", "deposit_fen",
    "waives_deposit", "policy", "booking", "capacity",
)  # fmt: skip
"""The terms that a card has: what a price is made of, and not when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingView:
    """A listing, and the payload of `listing:ID`. Stars are in hundredths.

    `address` is empty for everybody but the owner: a buyer learns it with the order. So it is with the place: unless `exact`,
    `lat` and `lng` are 150 to 300 m away from it. `review_note`, `pending` (a wording
    that waits to be looked at, or was rejected for `review_note`) and `orders_created` are the owner's, too.
    """

    listing_id: Id
    version: int
    terms_version: int
    status: Status
    review_note: str
    pending: Wording | None
    owner: OwnerCard
    title: str
    description: str
    category: str
    category_label: str
    photos: tuple[str, ...]
    lat: float
    lng: float
    exact: bool
    region: str
    address: str
    attributes: Attributes
    plan: Plan
    price_hour_fen: int | None
    price_day_fen: int | None
    price_week_fen: int | None
    surcharge_bp: tuple[int, ...]
    minimum_fen: int
    deposit_fen: int
    waives_deposit: bool
    policy: Policy
    booking: Booking
    capacity: int
    buffer_minutes: int
    notice_minutes: int
    horizon_days: int
    shortest_minutes: int
    longest_minutes: int
    rating_centistars: int
    ratings: int
    deal_rate_percent: int
    orders_created: int
    orders_completed: int
    published_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingCard:
    """A listing in a list or on a map, and the payload of `area:CELL`. It is 150 to 300 m away from its `lat` and `lng`.

    There `status` other than live means: take it off the map. `state`: free when somebody could have it from now on for two
    hours; else in_use, or held (it is ordered for that time). Opening hours are another question.
    """

    listing_id: Id
    version: int
    status: str
    owner: OwnerCard
    title: str
    category: str
    photo: str
    lat: float
    lng: float
    price_hour_fen: int | None
    price_day_fen: int | None
    price_week_fen: int | None
    surcharge_bp: tuple[int, ...]
    minimum_fen: int
    deposit_fen: int
    waives_deposit: bool
    policy: Policy
    booking: Booking
    capacity: int
    rating_centistars: int
    ratings: int
    deal_rate_percent: int
    orders_completed: int
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why a result is where it is, for people: "1.2 km, 12 % below nearby, 4.7 from 38", or "new".

    `price_percent`: a day's price against that of comparable listings nearby (-12: twelve per cent below), None where
    there are too few of them. Stars are in hundredths.
    """

    distance_m: int
    price_percent: int | None
    rating_centistars: int
    ratings: int
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One result of a search, with what its place in the list is made of."""

    listing: ListingCard
    distance_m: int
    score: float
    parts: Parts
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchView:
    """Best first. `next` asks for the following page, None when there is none.

    `candidates` is how many match, as far as they were counted. `region_live` false: the marketplace is not open there yet.
    """

    hits: tuple[Hit, ...]
    next: str | None
    candidates: int
    region_live: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MyListingView(ListingView):
    """`views`: how often others have opened it, a person once a day; None while nothing has been counted."""

    views: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MineView:
    """Newest first. `next` asks for the following page, None when there is none."""

    listings: tuple[MyListingView, ...]
    next: Id | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewItem:
    """What an operator has to look at: `wording`, beside the listing as people see it (if they do), and why."""

    listing: ListingView
    wording: Wording
    reasons: tuple[str, ...]
    submitted_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewQueueView:
    items: tuple[ReviewItem, ...]


def view(listing: Listing, viewer_id: Id | None = None) -> ListingView:
    """As `viewer_id` may see it; None: as everybody may."""
    own = viewer_id == listing.owner.user_id
    point = listing.point if own else listing.blurred
    return ListingView(
        listing_id=listing.id, version=listing.version, terms_version=listing.terms_version,
        status=listing.status, review_note=listing.review_note if own else "",
        pending=listing.pending if own else None, owner=listing.owner, title=listing.title,
        description=listing.description, category=listing.category,
        category_label=LABELS.get(listing.category, ""), photos=listing.photos,
        lat=point.lat, lng=point.lng, exact=own, region=listing.region,
        address=listing.address if own else "", attributes=listing.attributes,
        **{name: getattr(listing.terms, name) for name in TERMS},
        rating_centistars=listing.rating_centistars, ratings=listing.ratings,
        deal_rate_percent=listing.deal_rate_percent, orders_created=listing.orders_created if own else 0,
        orders_completed=listing.orders_completed, published_ms=listing.published_ms,
    )  # fmt: skip


def card(listing: Listing) -> ListingCard:
    return ListingCard(
        listing_id=listing.id, version=listing.version, status=listing.status,
        owner=listing.owner, title=listing.title, category=listing.category,
        photo=listing.photos[0] if listing.photos else "", lat=listing.blurred.lat,
        lng=listing.blurred.lng, **{name: getattr(listing.terms, name) for name in ON_CARDS},
        rating_centistars=listing.rating_centistars, ratings=listing.ratings,
        deal_rate_percent=listing.deal_rate_percent, orders_completed=listing.orders_completed,
        state=listing.state,
    )  # fmt: skip


def on_map(listing: Listing, *, left: int | None = None) -> Entry:
    """The entry of a listing in its cell, or in one that it `left` at that version."""
    version, payload = listing.card_version, card(listing)
    if left is not None:
        version, payload = left, replace(payload, status=GONE, version=left)
    return Entry(version=version, payload=payload, key=str(int(listing.id)))


def hit(card: ListingCard, found: Found, weights: Weights, now_ms: int) -> Hit:
    parts = ranking.parts(found.merits, found.metres)
    distance_m = round(found.metres)
    return Hit(
        listing=card, distance_m=distance_m, score=ranking.score(parts, weights), parts=parts,
        why=Why(
            distance_m=distance_m, price_percent=found.merits.price_percent,
            rating_centistars=card.rating_centistars, ratings=card.ratings,
            is_new=found.merits.is_new(now_ms),
        ),
    )  # fmt: skip


def changed(before: Listing | None, after: Listing) -> Fact:
    """The fact that `after` has come to be, for its watchers and for those of its cell (and of the one it left)."""
    own = Push(
        topic=f"listing:{after.id}", kind="state", version=after.version, payload=view(after)
    )
    if not after.seen:
        drafted = ListingDrafted(
            listing_id=after.id, version=after.version, owner_id=after.owner.user_id, status=after.status
        )  # fmt: skip
        return _fact(ListingDrafted.KIND, after, drafted, own)
    pushes = [own, _on_map(after.cell, on_map(after))]
    if before is not None and before.seen and before.cell != after.cell:
        pushes.append(_on_map(before.cell, on_map(after, left=after.card_version)))
    data = ListingChanged(
        listing_id=after.id, version=after.version, terms_version=after.terms_version,
        owner_id=after.owner.user_id, status=after.status, title=after.title,
        category=after.category, terms=after.terms, address=after.address, cell=after.cell,
        place=after.point,
    )  # fmt: skip
    return _fact(ListingChanged.KIND, after, data, *pushes)


def reviewed(listing: Listing, verdict: str, note: str) -> Fact:
    data = ListingReviewed(
        listing_id=listing.id, version=listing.version, owner_id=listing.owner.user_id,
        title=wording(listing).title, verdict=verdict, note=note,
    )  # fmt: skip
    return _fact(ListingReviewed.KIND, listing, data)


def _fact(kind: str, listing: Listing, data: FactData, *pushes: Push) -> Fact:
    return Fact(
        kind=kind, entity=listing.id, version=listing.version, data=data, pushes=pushes
    )  # fmt: skip


def state_changed(listing: Listing) -> Fact:
    """The fact that orders have changed a listing's state, for those of its cell alone."""
    data = ListingStateChanged(
        listing_id=listing.id, version=listing.state_version, state=listing.state
    )
    return Fact(
        kind=ListingStateChanged.KIND, entity=listing.id, version=listing.state_version, data=data,
        pushes=(_on_map(listing.cell, on_map(listing)),),
    )  # fmt: skip


def may_join_listing(listing: Listing) -> Readers:
    """Before people can see it, nobody but its owner knows that it is."""
    return EVERYONE if listing.seen else Readers(users=frozenset({int(listing.owner.user_id)}))


def mine(listing: Listing, views: int | None) -> MyListingView:
    seen = view(listing, listing.owner.user_id)
    return MyListingView(**{f.name: getattr(seen, f.name) for f in fields(seen)}, views=views)


def may_read(listing: Listing, reader_id: Id) -> bool:
    return listing.seen or listing.owner.user_id == reader_id


def may_join_area() -> Readers:
    return EVERYONE


def _on_map(cell: str, entry: Entry) -> Push:
    return Push(
        topic=f"area:{cell}", kind="keyed", version=entry.version, payload=entry.payload, key=entry.key
    )  # fmt: skip
