"""How search ranks: four parts, each within [0, 1], and their weighted sum. `docs/matching.md` says why, with sources.

score = 0.40 distance + 0.30 deal rate + 0.20 rating + 0.10 price

- distance: 2^(-d / 2000 m), so that every two kilometres halve it.
- deal rate: (completed + 3) / (created + 5), a Beta(3, 2) prior, so that one lucky order is not a hundred per cent.
- rating: (stars - 1) / 4, of stars that are a Bayesian average already.
- price: reference / (reference + price), where the reference is the median of comparable listings nearby: that much gets one
  half and a gift gets one. Prices are compared per day; a price per hour counts eight times.

`findable` has the last three, and their sum by the published weights (`standing`), as columns by the same formulas.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

HALVING_M = 2_000.0
PRIOR_COMPLETED, PRIOR_LOST = 3, 2
HOURS_OF_A_DAY = 8
UNKNOWN_PRICE = 0.5
"""The price's part where too few listings are comparable."""

ENOUGH_COMPARABLE = 5
"""Listings of a category in an area: of fewer a median says little."""

NEW_MS = 14 * 24 * 3_600_000
NEW_ORDERS = 3
"""A listing is new until one of these has passed: time since it was published, orders that have ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Of the four parts; together one. Raise ValueError for others."""

    distance: float = 0.40
    deal_rate: float = 0.30
    rating: float = 0.20
    price: float = 0.10

    def __post_init__(self) -> None:
        weights = (self.distance, self.deal_rate, self.rating, self.price)
        if not all(0 <= weight <= 1 for weight in weights) or abs(sum(weights) - 1) > 1e-9:
            raise ValueError("weights are within [0, 1], and one together")


DEFAULT = Weights()
DISTANCE_ONLY = Weights(distance=1.0, deal_rate=0.0, rating=0.0, price=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Merits:
    """What ranking needs to know of a listing besides its place. `reference_fen`: None where too few are comparable."""

    orders_created: int
    orders_completed: int
    rating_centistars: int
    day_fen: int
    reference_fen: int | None
    published_ms: int

    def is_new(self, now_ms: int) -> bool:
        return self.orders_created < NEW_ORDERS and self.published_ms > now_ms - NEW_MS

    @property
    def price_percent(self) -> int | None:
        """A day's price against the reference: -12 is twelve per cent below it."""
        if not self.reference_fen:
            return None
        return round((self.day_fen / self.reference_fen - 1) * 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Each within [0, 1], more is better."""

    distance: float
    deal_rate: float
    rating: float
    price: float


def distance_part(metres: float) -> float:
    return float(2.0 ** (-metres / HALVING_M))


def deal_rate_part(created: int, completed: int) -> float:
    """Never above one, even where a completion was counted and its order was not."""
    return min(1.0, (completed + PRIOR_COMPLETED) / (created + PRIOR_COMPLETED + PRIOR_LOST))


def deal_rate_odds(merits: Merits) -> tuple[float, float]:
    """The Beta distribution of a listing's deal rate, whose mean is its part."""
    completed = min(merits.orders_completed, merits.orders_created)
    return (
        float(PRIOR_COMPLETED + completed),
        float(PRIOR_LOST + merits.orders_created - completed),
    )


def deal_rate_percent(created: int, completed: int) -> int:
    """The deal rate as it is shown: smoothed, in whole per cent."""
    return round(deal_rate_part(created, completed) * 100)


def rating_part(centistars: int) -> float:
    return min(1.0, max(0.0, (centistars - 100) / 400))


def price_part(price_fen: int, reference_fen: int | None) -> float:
    if price_fen <= 0:
        return 1.0
    return UNKNOWN_PRICE if reference_fen is None else reference_fen / (reference_fen + price_fen)


def day_price_fen(hour_fen: int | None, day_fen: int | None, week_fen: int | None = None) -> int:
    """What a day costs: the cheaper of the day and eight hours, or else a seventh of a week."""
    offers = [] if hour_fen is None else [hour_fen * HOURS_OF_A_DAY]
    offers += [] if day_fen is None else [day_fen]
    return min(offers, default=(week_fen or 0) // 7)


def reference_fen(median_fen: float) -> int:
    """The median in two significant digits: what is told to people, and what moves no rows at every breath."""
    step = 10 ** max(0, math.floor(math.log10(median_fen)) - 1) if median_fen >= 1 else 1
    return step * math.floor(median_fen / step + 0.5)


def parts(merits: Merits, metres: float) -> Parts:
    return Parts(
        distance=distance_part(metres),
        deal_rate=deal_rate_part(merits.orders_created, merits.orders_completed),
        rating=rating_part(merits.rating_centistars),
        price=price_part(merits.day_fen, merits.reference_fen),
    )


def score(parts: Parts, weights: Weights = DEFAULT) -> float:
    return weights.distance * parts.distance + (
        weights.deal_rate * parts.deal_rate
        + weights.rating * parts.rating
        + weights.price * parts.price
    )


def least_standing(needed: float, weights: Weights) -> float | None:
    """The least standing that a listing has whose parts other than distance come to `needed` by these weights; None: none has.

    A fractional knapsack: the parts that count most for their standing are filled first.
    """
    worth = sorted(
        (
            (weights.deal_rate / DEFAULT.deal_rate, weights.deal_rate),
            (weights.rating / DEFAULT.rating, weights.rating),
            (weights.price / DEFAULT.price, weights.price),
        ),
        reverse=True,
    )
    standing = 0.0
    for per_standing, most in worth:
        filled = min(needed, most)
        if filled <= 0:
            break
        standing += filled / per_standing
        needed -= filled
    return standing if needed <= 1e-12 else None
