"""How many seats are taken when. A use takes its seats for its period and for the buffer after it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from market.kernel.period import Period, without


@dataclass(frozen=True, slots=True)
class Use:
    period: Period
    seats: int = 1


@dataclass(frozen=True, slots=True)
class Taken:
    """As many seats, one or more, are taken throughout [start_ms, end_ms)."""

    start_ms: int
    end_ms: int
    seats: int


def taken(uses: Iterable[Use], buffer_ms: int) -> list[Taken]:
    """Ascending and disjoint. Uses that touch are not joined."""
    changes: defaultdict[int, int] = defaultdict(int)
    for use in uses:
        changes[use.period.start_ms] += use.seats
        changes[use.period.end_ms + buffer_ms] -= use.seats
    found = []
    seats = since_ms = 0
    for at_ms in sorted(changes):
        if seats:
            found.append(Taken(since_ms, at_ms, seats))
        seats += changes[at_ms]
        since_ms = at_ms
    return found


def clash(wanted: Use, uses: Sequence[Use], *, capacity: int, buffer_ms: int) -> Taken | None:
    """The first stretch in which `wanted`, the buffer after it included, finds too few seats left; None when it fits."""
    until_ms = wanted.period.end_ms + buffer_ms
    for stretch in taken(uses, buffer_ms):
        if stretch.start_ms >= until_ms:
            break
        if stretch.end_ms > wanted.period.start_ms and stretch.seats + wanted.seats > capacity:
            return stretch
    return None


def with_room(
    offered: Iterable[Period], uses: Sequence[Use], *, seats: int, capacity: int, buffer_ms: int
) -> list[Period]:
    """The longest stretches of `offered` (ascending and disjoint) in which any use of so many seats fits."""
    if seats > capacity:
        return []
    # A use must end a buffer before the next full stretch begins.
    full = (
        Period(max(stretch.start_ms - buffer_ms, 0), stretch.end_ms)
        for stretch in taken(uses, buffer_ms)
        if stretch.seats + seats > capacity
    )
    return without(offered, full)
