"""Search as docs/matching.md describes it, slowly: every listing is looked at, in plain Python, with nothing of the product's.

Places are vectors here, cells are numbers, and sums are exact where they can be, so that no mistake is made twice.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from statistics import median

EARTH_M = 6_371_008.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    id: int
    owner: int
    category: str
    lat: float
    lng: float
    day_fen: int
    stars: float
    ended: int
    completed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    lat: float
    lng: float
    radius_m: float | None = 5_000.0
    south_west: tuple[float, float] | None = None
    north_east: tuple[float, float] | None = None
    category: str | None = None
    cheapest_fen: int | None = None
    dearest_fen: int | None = None
    sort: str = "match"
    weights: tuple[float, float, float, float] = (0.4, 0.3, 0.2, 0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    thing: Thing
    metres: float
    score: float


@dataclass(slots=True)
class World:
    """All there is, and what comparable things cost."""

    things: Sequence[Thing]
    references: dict[int, int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        near: dict[object, list[int]] = defaultdict(list)
        around: dict[object, list[int]] = defaultdict(list)
        for thing in self.things:
            near[thing.category, grid(thing, 12, 13)].append(thing.day_fen)
            around[thing.category, grid(thing, 10, 10)].append(thing.day_fen)
        for thing in self.things:
            prices = near[thing.category, grid(thing, 12, 13)]
            if len(prices) < 5:
                prices = around[thing.category, grid(thing, 10, 10)]
            self.references[thing.id] = two_digits(median(prices)) if len(prices) >= 5 else None

    def ranked(self, query: Query) -> list[Placed]:
        """All that fit, the first first."""
        found = []
        for thing in self.things:
            metres = apart_m(thing.lat, thing.lng, query.lat, query.lng)
            if self._fits(thing, metres, query):
                found.append(
                    Placed(thing=thing, metres=metres, score=self._score(thing, metres, query))
                )
        return sorted(found, key=lambda p: (ORDERS[query.sort](p), p.metres, p.thing.id))

    def _fits(self, thing: Thing, metres: float, query: Query) -> bool:
        if query.radius_m is not None and metres > query.radius_m:
            return False
        if query.south_west is not None and query.north_east is not None:
            (south, west), (north, east) = query.south_west, query.north_east
            across = thing.lng >= west or thing.lng <= east
            between = west <= thing.lng <= east
            if not (south <= thing.lat <= north and (between if west <= east else across)):
                return False
        if query.category is not None and thing.category != query.category:
            return False
        if query.cheapest_fen is not None and thing.day_fen < query.cheapest_fen:
            return False
        return query.dearest_fen is None or thing.day_fen <= query.dearest_fen

    def _score(self, thing: Thing, metres: float, query: Query) -> float:
        reference = self.references[thing.id]
        if thing.day_fen == 0:
            price = 1.0
        elif reference is None:
            price = 0.5
        else:
            price = reference / (reference + thing.day_fen)
        parts = (
            math.exp(-math.log(2) * metres / 2000),
            (thing.completed + 3) / (thing.ended + 5),
            (thing.stars - 1) / 4,
            price,
        )
        return math.fsum(w * part for w, part in zip(query.weights, parts, strict=True))


ORDERS: dict[str, Callable[[Placed], float]] = {
    "match": lambda placed: -placed.score,
    "distance": lambda placed: placed.metres,
    "price": lambda placed: placed.thing.day_fen,
    "rating": lambda placed: -placed.thing.stars,
}


def page(ranked: Sequence[Placed], length: int) -> list[Placed]:
    """At most two of an owner, if others are among the first three pages' worth."""
    first, later = [], []
    count: Counter[int] = Counter()
    for placed in ranked[: 3 * length]:
        count[placed.thing.owner] += 1
        if count[placed.thing.owner] > 2:
            later.append(placed)
        else:
            first.append(placed)
    return (first[:length] + later)[:length]


def grid(thing: Thing, lat_bits: int, lng_bits: int) -> tuple[int, int]:
    """Row and column of a geohash's cell: of five characters (12 and 13 bits), of four (10 and 10)."""
    return (
        min(2**lat_bits - 1, int((thing.lat + 90) / 180 * 2**lat_bits)),
        min(2**lng_bits - 1, int((thing.lng + 180) / 360 * 2**lng_bits)),
    )


def two_digits(value: float) -> int:
    exact = Decimal(value)
    if exact < 100:
        return int(exact.quantize(Decimal(1), ROUND_HALF_UP))
    return int(
        exact.scaleb(1 - exact.adjusted())
        .quantize(Decimal(1), ROUND_HALF_UP)
        .scaleb(exact.adjusted() - 1)
    )


def apart_m(lat_a: float, lng_a: float, lat_b: float, lng_b: float) -> float:
    """By the chord between two vectors."""
    return (
        2
        * EARTH_M
        * math.asin(min(1.0, math.dist(_vector(lat_a, lng_a), _vector(lat_b, lng_b)) / 2))
    )


def _vector(lat: float, lng: float) -> tuple[float, float, float]:
    phi, theta = math.radians(lat), math.radians(lng)
    return math.cos(phi) * math.cos(theta), math.cos(phi) * math.sin(theta), math.sin(phi)
