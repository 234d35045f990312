"""What may be asked of listings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from msgspec import Meta

from market.kernel.availability import DAY_MINUTES, Plan
from market.kernel.ids import Id
from market.kernel.money import BASIS, MAX_FEN
from market.kernel.terms import AHEAD_DAYS, Booking, Policy

Category = Literal["tools", "bicycles", "spaces", "skills", "cameras", "outdoor", "books", "other"]
"""`market.listings.rules.categories` has their names for people."""

SHORTEST_MINUTES = 15
SHOWN_CHARACTERS = 4_300
"""Of a search's cursor: ids of 400 listings."""

Title = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"\S")]
Description = Annotated[str, Meta(max_length=2000)]
Photo = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern=r"^photos/[0-9]{1,19}/[A-Za-z0-9_-]{33}$",
        description="what the upload of a photo of one's own gave",
    ),
]
Photos = Annotated[tuple[Photo, ...], Meta(max_length=9)]
Attributes = Annotated[
    dict[
        Annotated[str, Meta(min_length=1, max_length=32)],
        Annotated[str, Meta(max_length=60)] | Annotated[int, Meta(ge=0, le=10**9)] | bool,
    ],
    Meta(max_length=20, description="those that the category has"),
]
Latitude = Annotated[float, Meta(ge=-90, le=90, description="WGS-84 degrees")]
Longitude = Annotated[float, Meta(ge=-180, le=180, description="WGS-84 degrees")]
Address = Annotated[
    str, Meta(max_length=200, description="told to the buyer with the order, not to everybody")
]
Fen = Annotated[int, Meta(ge=0, le=MAX_FEN)]
Surcharges = Annotated[
    tuple[Annotated[int, Meta(ge=0, le=BASIS)], ...],
    Meta(
        min_length=7, max_length=7,
        description="basis points that hours and days beginning on a weekday cost more, Monday first",
    ),
]  # fmt: skip
Capacity = Annotated[int, Meta(ge=1, le=100, description="seats that can be in use at once")]
Buffer = Annotated[int, Meta(ge=0, le=7 * DAY_MINUTES, description="kept free after each use")]
Notice = Annotated[int, Meta(ge=0, le=30 * DAY_MINUTES, description="from ordering to the start")]
Horizon = Annotated[int, Meta(ge=1, le=AHEAD_DAYS, description="how far ahead a use may start")]
Length = Annotated[int, Meta(ge=SHORTEST_MINUTES, le=AHEAD_DAYS * DAY_MINUTES)]
Version = Annotated[int, Meta(ge=1, le=2**53, description="the listing's version as last seen")]
Words = Annotated[
    str, Meta(max_length=64, description="all of which the title or the description has")
]
Limit = Annotated[int, Meta(ge=1, le=50)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is known so far. The title and a price may come later, with listings.edit; before it is sent in. What the terms mean: `market.kernel.terms`."""

    title: Annotated[str, Meta(max_length=60)] = ""
    description: Description = ""
    category: Category
    photos: Photos = ()
    lat: Latitude
    lng: Longitude
    address: Address = ""
    attributes: Attributes = field(default_factory=dict)
    plan: Plan
    price_hour_fen: Fen | None = None
    price_day_fen: Fen | None = None
    price_week_fen: Fen | None = None
    surcharge_bp: Surcharges = (0,) * 7
    minimum_fen: Fen = 0
    deposit_fen: Fen = 0
    waives_deposit: bool = False
    policy: Policy = "flexible"
    booking: Booking = "instant"
    capacity: Capacity = 1
    buffer_minutes: Buffer = 0
    notice_minutes: Notice = 0
    horizon_days: Horizon = 90
    shortest_minutes: Length = SHORTEST_MINUTES
    longest_minutes: Length = 60 * DAY_MINUTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish(Draft):
    """At least one of the three prices."""

    title: Title


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What is left out stays as it is; `drop_prices` takes prices away."""

    listing_id: Id
    version: Version
    title: Title | None = None
    description: Description | None = None
    category: Category | None = None
    photos: Photos | None = None
    lat: Latitude | None = None
    lng: Longitude | None = None
    address: Address | None = None
    attributes: Attributes | None = None
    plan: Plan | None = None
    price_hour_fen: Fen | None = None
    price_day_fen: Fen | None = None
    price_week_fen: Fen | None = None
    drop_prices: Annotated[tuple[Literal["hour", "day", "week"], ...], Meta(max_length=3)] = ()
    surcharge_bp: Surcharges | None = None
    minimum_fen: Fen | None = None
    deposit_fen: Fen | None = None
    waives_deposit: bool | None = None
    policy: Policy | None = None
    booking: Booking | None = None
    capacity: Capacity | None = None
    buffer_minutes: Buffer | None = None
    notice_minutes: Notice | None = None
    horizon_days: Horizon | None = None
    shortest_minutes: Length | None = None
    longest_minutes: Length | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    listing_id: Id
    version: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    listing_id: Id
    version: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    listing_id: Id
    version: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    listing_id: Id
    version: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    listing_id: Id
    version: Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    listing_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class GetListing:
    """A reader who says what it has `seen` is shown nothing older."""

    listing_id: Id
    seen: Version | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """An operator's word on a wording that waits. `note` tells the owner why it is rejected."""

    listing_id: Id
    version: Version
    verdict: Literal["approve", "reject"]
    note: Annotated[str, Meta(max_length=200)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewQueue:
    limit: Limit = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestPrice:
    category: Category
    lat: Latitude
    lng: Longitude


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCategories:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMine:
    before: Annotated[Id | None, Meta(description="`next` of the page before")] = None
    limit: Limit = 20


Shown = Annotated[
    str,
    Meta(
        pattern=rf"^[A-Za-z0-9_-]{{0,{SHOWN_CHARACTERS}}}$",
        description="`next` of the page before",
    ),
]
Wanted = Annotated[
    str,
    Meta(
        max_length=200,
        pattern=r"^[a-z][a-z0-9_]{0,31}:[^,:]{1,60}(,[a-z][a-z0-9_]{0,31}:[^,:]{1,60}){0,7}$",
        description="up to eight attributes as name:value, separated by commas; all must be equal",
    ),
]
Instant = Annotated[int, Meta(ge=0, le=2**53, description="UTC milliseconds")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Around `lat`, `lng`, or within a box (`west` > `east`: across the antimeridian), where distances are from `lat`, `lng`
    if these are given, else from its middle. `start_ms` and `end_ms` go together: what can be booked then for so many `seats`.

    `personal` = false: the same list for everybody, by the published weights.
    """

    lat: Latitude | None = None
    lng: Longitude | None = None
    radius_m: Annotated[int, Meta(ge=1, le=50_000)] = 5_000
    south: Latitude | None = None
    west: Longitude | None = None
    north: Latitude | None = None
    east: Longitude | None = None
    category: Category | None = None
    text: Words | None = None
    min_price_day_fen: Fen | None = None
    max_price_day_fen: Fen | None = None
    attributes: Wanted | None = None
    start_ms: Instant | None = None
    end_ms: Instant | None = None
    seats: Capacity = 1
    sort: Literal["match", "distance", "price", "rating"] = "match"
    cursor: Shown | None = None
    limit: Limit = 20
    personal: bool = True
