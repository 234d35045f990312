"""What follows for ratings: who may give one, when they show, and what credit they make. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from market.kernel.errors import AlreadyDone, Conflict, NotFound
from market.kernel.facts import (
    CreditChanged,
    Fact,
    ListingRated,
    OrderMoved,
    RatingGiven,
    RatingsRevealed,
)
from market.kernel.ids import Id
from market.kernel.period import DAY_MS

WINDOW_MS = 14 * DAY_MS
RETRY_MS = 60_000
"""A window that could not be closed is tried again after this."""

PRIOR_STARS = 4
PRIOR_RATINGS = 5
"""Everybody starts as if five people had given four stars: a first rating moves credit, and does not make it."""

ASPECTS = 3

Side = Literal["buyer", "owner"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The time in which a completed order may be rated, until `closes_ms` or until both sides have."""

    order_id: Id
    version: int
    listing_id: Id
    buyer_id: Id
    owner_id: Id
    closes_ms: int
    revealed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """`side` is the rater's."""

    id: Id
    order_id: Id
    side: Side
    rater_id: Id
    ratee_id: Id
    listing_id: Id
    punctuality: int
    condition: int
    communication: int
    comment: str
    given_ms: int
    revealed: bool

    @property
    def points(self) -> int:
        return self.punctuality + self.condition + self.communication


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What has been revealed about one user, or one listing. `points` is the sum over all aspects of all ratings."""

    id: Id
    version: int = 0
    ratings: int = 0
    points: int = 0

    @property
    def centistars(self) -> int:
        return bayesian_centistars(self.ratings, self.points)


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingView:
    rating_id: Id
    listing_id: Id
    rater_id: Id
    rater_side: Side
    punctuality: int
    condition: int
    communication: int
    comment: str
    given_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRatingsView:
    """`theirs` is None until it is revealed; `they_have_rated` says whether there is one. After `closes_ms` nobody rates."""

    order_id: Id
    version: int
    closes_ms: int
    revealed: bool
    they_have_rated: bool
    mine: RatingView | None
    theirs: RatingView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRatingsView:
    """Newest first. `next` asks for the following page, None when there is none."""

    ratings: tuple[RatingView, ...]
    next: Id | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditView:
    """Hundredths of a star (100 to 500); version 0 while nobody has rated them."""

    user_id: Id
    version: int
    credit_centistars: int
    ratings: int


def open_window(moved: OrderMoved, completed_ms: int) -> Window:
    return Window(
        order_id=moved.order_id, version=1, listing_id=moved.listing_id, buyer_id=moved.buyer_id,
        owner_id=moved.owner_id, closes_ms=completed_ms + WINDOW_MS, revealed=False,
    )  # fmt: skip


def side_of(window: Window, user_id: Id) -> Side:
    """Raise NotFound for who is no party."""
    if user_id == window.buyer_id:
        return "buyer"
    if user_id == window.owner_id:
        return "owner"
    raise NotFound("no such order")


def may_rate(window: Window, given: Sequence[Rating], side: Side, now_ms: int) -> None:
    if any(rating.side == side for rating in given):
        raise AlreadyDone("one rating per side")
    if window.revealed or now_ms >= window.closes_ms:
        raise Conflict("the time for ratings is over", closes_ms=window.closes_ms)


def ratee(window: Window, side: Side) -> Id:
    return window.owner_id if side == "buyer" else window.buyer_id


def given(window: Window, rating: Rating) -> tuple[Window, Fact]:
    window = replace(window, version=window.version + 1)
    data = RatingGiven(order_id=rating.order_id, rater_id=rating.rater_id, ratee_id=rating.ratee_id)
    return window, _of_window(RatingGiven.KIND, window, data)


def complete(given: Sequence[Rating]) -> bool:
    return {rating.side for rating in given} == {"buyer", "owner"}


def is_due(window: Window, now_ms: int) -> bool:
    return not window.revealed and now_ms >= window.closes_ms


def reveal(window: Window, given: Sequence[Rating]) -> tuple[Window, tuple[Fact, ...]]:
    """The window closed, and the news of it: none when nobody has rated."""
    window = replace(window, version=window.version + 1, revealed=True)
    data = RatingsRevealed(
        order_id=window.order_id, listing_id=window.listing_id, buyer_id=window.buyer_id,
        owner_id=window.owner_id,
    )  # fmt: skip
    return window, (_of_window(RatingsRevealed.KIND, window, data),) if given else ()


def count(tally: Tally, rating: Rating) -> Tally:
    return replace(
        tally,
        version=tally.version + 1,
        ratings=tally.ratings + 1,
        points=tally.points + rating.points,
    )


def bayesian_centistars(ratings: int, points: int) -> int:
    """(prior stars x prior weight + sum of stars) / (prior weight + ratings), in hundredths, rounded half up.

    A rating's stars are the mean of its three aspects; all is kept in whole points, so that nothing is lost on the way.
    """
    numerator = 100 * (PRIOR_STARS * PRIOR_RATINGS * ASPECTS + points)
    denominator = ASPECTS * (PRIOR_RATINGS + ratings)
    return (2 * numerator + denominator) // (2 * denominator)


def credit_changed(tally: Tally) -> Fact:
    data = CreditChanged(
        user_id=tally.id, version=tally.version, credit_centistars=tally.centistars,
        ratings=tally.ratings,
    )  # fmt: skip
    return Fact(kind=CreditChanged.KIND, entity=tally.id, version=tally.version, data=data)


def listing_rated(tally: Tally) -> Fact:
    data = ListingRated(
        listing_id=tally.id, version=tally.version, rating_centistars=tally.centistars,
        ratings=tally.ratings,
    )  # fmt: skip
    return Fact(kind=ListingRated.KIND, entity=tally.id, version=tally.version, data=data)


def view(rating: Rating) -> RatingView:
    return RatingView(
        rating_id=rating.id, listing_id=rating.listing_id, rater_id=rating.rater_id,
        rater_side=rating.side, punctuality=rating.punctuality, condition=rating.condition,
        communication=rating.communication, comment=rating.comment, given_ms=rating.given_ms,
    )  # fmt: skip


def as_seen_by(window: Window, given: Sequence[Rating], side: Side) -> OrderRatingsView:
    mine = next((rating for rating in given if rating.side == side), None)
    theirs = next((rating for rating in given if rating.side != side), None)
    return OrderRatingsView(
        order_id=window.order_id, version=window.version, closes_ms=window.closes_ms,
        revealed=window.revealed, they_have_rated=theirs is not None,
        mine=view(mine) if mine else None,
        theirs=view(theirs) if theirs and window.revealed else None,
    )  # fmt: skip


def credit(tally: Tally) -> CreditView:
    return CreditView(
        user_id=tally.id, version=tally.version, credit_centistars=tally.centistars,
        ratings=tally.ratings,
    )  # fmt: skip


def _of_window(kind: str, window: Window, data: RatingGiven | RatingsRevealed) -> Fact:
    return Fact(kind=kind, entity=window.order_id, version=window.version, data=data)
