"""Half-open periods of UTC milliseconds: [start, end)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from market.kernel.errors import BadInput

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True, slots=True, order=True)
class Period:
    start_ms: int
    end_ms: int

    def __post_init__(self) -> None:
        if not 0 <= self.start_ms < self.end_ms < 2**53:
            raise BadInput(
                "a period ends after it starts", start_ms=self.start_ms, end_ms=self.end_ms
            )

    @property
    def length_ms(self) -> int:
        return self.end_ms - self.start_ms

    def overlaps(self, other: Period) -> bool:
        return self.start_ms < other.end_ms and other.start_ms < self.end_ms

    def contains(self, other: Period) -> bool:
        return self.start_ms <= other.start_ms and other.end_ms <= self.end_ms


def merge(periods: Iterable[Period]) -> list[Period]:
    """Join periods that overlap or touch; sorted by start."""
    merged: list[Period] = []
    for period in sorted(periods):
        if merged and period.start_ms <= merged[-1].end_ms:
            last = merged.pop()
            period = Period(last.start_ms, max(last.end_ms, period.end_ms))
        merged.append(period)
    return merged


def without(periods: Iterable[Period], taken: Iterable[Period]) -> list[Period]:
    """What is left of `periods` (ascending and disjoint) outside of `taken`."""
    holes = merge(taken)
    left: list[Period] = []
    first = 0
    for period in periods:
        while first < len(holes) and holes[first].end_ms <= period.start_ms:
            first += 1
        start_ms = period.start_ms
        for hole in holes[first:]:
            if hole.start_ms >= period.end_ms:
                break
            if start_ms < hole.start_ms:
                left.append(Period(start_ms, hole.start_ms))
            start_ms = max(start_ms, hole.end_ms)
        if start_ms < period.end_ms:
            left.append(Period(start_ms, period.end_ms))
    return left
