"""What others ask for such a thing hereabouts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

RADII_M = (1_000, 3_000, 10_000, 30_000)
"""One after the other, until enough are found."""

ENOUGH = 12
FEWEST = 5
"""Fewer prices than this say nothing, and nothing is what is said then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRange:
    """Quartiles of what `n` live listings ask, in fen."""

    low_fen: int
    middle_fen: int
    high_fen: int
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSuggestion:
    """`per_hour` and so on are None where too few ask such a price. `n` listings of the category lie within `radius_m`."""

    n: int
    radius_m: int
    per_hour: PriceRange | None
    per_day: PriceRange | None
    per_week: PriceRange | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparable:
    distance_m: float
    price_hour_fen: int | None
    price_day_fen: int | None
    price_week_fen: int | None


def suggest(comparables: Sequence[Comparable]) -> PriceSuggestion:
    """From those within the smallest radius that holds enough, else the largest."""
    for radius_m in RADII_M:
        near = [c for c in comparables if c.distance_m <= radius_m]
        if len(near) >= ENOUGH:
            break
    return PriceSuggestion(
        n=len(near), radius_m=radius_m,
        per_hour=_range([c.price_hour_fen for c in near]),
        per_day=_range([c.price_day_fen for c in near]),
        per_week=_range([c.price_week_fen for c in near]),
    )  # fmt: skip


def _range(prices: Sequence[int | None]) -> PriceRange | None:
    asked = sorted(price for price in prices if price is not None)
    if len(asked) < FEWEST:
        return None
    low, middle, high = (_quantile(asked, quarters) for quarters in (1, 2, 3))
    return PriceRange(low_fen=low, middle_fen=middle, high_fen=high, n=len(asked))


def _quantile(ranked: Sequence[int], quarters: int) -> int:
    """Between the neighbours (Hyndman and Fan's type 7), to the nearest fen."""
    place = (len(ranked) - 1) * quarters
    below, part = divmod(place, 4)
    above = min(below + 1, len(ranked) - 1)
    return (ranked[below] * (4 - part) + ranked[above] * part + 2) // 4
