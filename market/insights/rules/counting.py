"""Facts by the hour."""

from __future__ import annotations

from dataclasses import dataclass

from market.kernel.errors import BadInput
from market.kernel.period import DAY_MS, HOUR_MS, Period

MAX_SPAN_MS = 31 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class HourView:
    """`hour_ms`: when the UTC hour begins."""

    hour_ms: int
    kind: str
    facts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsPerHourView:
    """By hour, then kind. Hours and kinds without facts are left out."""

    hours: tuple[HourView, ...]


def hour_of(occurred_ms: int) -> int:
    return occurred_ms - occurred_ms % HOUR_MS


def span(from_ms: int, to_ms: int) -> Period:
    period = Period(from_ms, to_ms)
    if period.length_ms > MAX_SPAN_MS:
        raise BadInput("at most 31 days at a time")
    return period
