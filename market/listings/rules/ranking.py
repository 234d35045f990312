"""How search ranks: four parts, each within [0, 1], and their weighted sum.

score = 0.40 distance + 0.30 deal rate + 0.20 rating + 0.10 price

- distance: 2^(-d / 2000 m), so that every two kilometres halve it.
- deal rate: (completed + 3) / (created + 5), a Beta(3, 2) prior, so that one lucky order is not a hundred per cent.
- rating: (stars - 1) / 4, of stars that are a Bayesian average already.
- price: median / (median + price) over the candidates, so that the median gets one half and a gift gets one.
  Prices are compared per day; a price per hour counts eight times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from market.kernel.geo import Point, distance_m
from market.kernel.ids import Id

HALVING_M = 2_000.0
PRIOR_COMPLETED, PRIOR_LOST = 3, 2
HOURS_OF_A_DAY = 8


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
class Candidate:
    """What ranking needs to know of a listing, and no more."""

    id: Id
    point: Point
    orders_created: int
    orders_completed: int
    rating_centistars: int
    price_hour_fen: int | None
    price_day_fen: int | None
    price_week_fen: int | None = None

    @property
    def day_fen(self) -> int:
        return day_price_fen(self.price_hour_fen, self.price_day_fen, self.price_week_fen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Each within [0, 1], more is better."""

    distance: float
    deal_rate: float
    rating: float
    price: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    candidate: Candidate
    distance_m: float
    parts: Parts
    score: float


def distance_part(metres: float) -> float:
    return float(2.0 ** (-metres / HALVING_M))


def deal_rate_part(created: int, completed: int) -> float:
    """Never above one, even where a completion was counted and its order was not."""
    return min(1.0, (completed + PRIOR_COMPLETED) / (created + PRIOR_COMPLETED + PRIOR_LOST))


def deal_rate_percent(created: int, completed: int) -> int:
    """The deal rate as it is shown: smoothed, in whole per cent."""
    return round(deal_rate_part(created, completed) * 100)


def rating_part(centistars: int) -> float:
    return min(1.0, max(0.0, (centistars - 100) / 400))


def price_part(price_fen: float, median_fen: float) -> float:
    return 1.0 if price_fen <= 0 else median_fen / (median_fen + price_fen)


def day_price_fen(hour_fen: int | None, day_fen: int | None, week_fen: int | None = None) -> int:
    """What a day costs: the cheaper of the day and eight hours, or else a seventh of a week."""
    offers = [] if hour_fen is None else [hour_fen * HOURS_OF_A_DAY]
    offers += [] if day_fen is None else [day_fen]
    return min(offers, default=(week_fen or 0) // 7)


def score(parts: Parts, weights: Weights = DEFAULT) -> float:
    return (
        weights.distance * parts.distance
        + weights.deal_rate * parts.deal_rate
        + weights.rating * parts.rating
        + weights.price * parts.price
    )


def rank(
    candidates: Sequence[Candidate], here: Point, radius_m: float, sort: str, weights: Weights = DEFAULT,
) -> list[Ranked]:  # fmt: skip
    """Those within `radius_m`, best first by `sort` (match, distance, price or rating)."""
    near = [(c, distance_m(here, c.point)) for c in candidates]
    near = [(c, metres) for c, metres in near if metres <= radius_m]
    if not near:
        return []
    middle = float(median(c.day_fen for c, _ in near))
    ranked = [_ranked(candidate, metres, middle, weights) for candidate, metres in near]
    return sorted(ranked, key=lambda r: (_key(r, sort), r.distance_m, r.candidate.id))


def _ranked(candidate: Candidate, metres: float, median_fen: float, weights: Weights) -> Ranked:
    price_fen = candidate.day_fen
    parts = Parts(
        distance=distance_part(metres),
        deal_rate=deal_rate_part(candidate.orders_created, candidate.orders_completed),
        rating=rating_part(candidate.rating_centistars),
        price=price_part(price_fen, median_fen),
    )
    return Ranked(candidate=candidate, distance_m=metres, parts=parts, score=score(parts, weights))


def _key(ranked: Ranked, sort: str) -> float:
    """Less is better."""
    candidate = ranked.candidate
    match sort:
        case "distance":
            return ranked.distance_m
        case "price":
            return candidate.day_fen
        case "rating":
            return -candidate.rating_centistars
        case _:
            return -ranked.score
