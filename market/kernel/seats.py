"""How many seats are taken when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from market.kernel.period import Period, without


@dataclass(frozen=True, slots=True)
class Use:
    """Seats and how long they are taken: with the time that they are kept free afterwards."""

    period: Period
    seats: int = 1


@dataclass(frozen=True, slots=True)
class Taken:
    """As many seats, one or more, are taken throughout [start_ms, end_ms)."""

    start_ms: int
    end_ms: int
    seats: int


def taken(uses: Iterable[Use]) -> list[Taken]:
    """Ascending and disjoint. Uses that touch are not joined."""
    changes: defaultdict[int, int] = defaultdict(int)
    for use in uses:
        changes[use.period.start_ms] += use.seats
        changes[use.period.end_ms] -= use.seats
    found = []
    seats = since_ms = 0
    for at_ms in sorted(changes):
        if seats:
            found.append(Taken(since_ms, at_ms, seats))
        seats += changes[at_ms]
        since_ms = at_ms
    return found


def clash(wanted: Use, uses: Iterable[Use], capacity: int) -> Taken | None:
    """The first stretch in which `wanted` finds too few seats left; None when it fits, or nobody is there."""
    beside = [use for use in uses if use.period.overlaps(wanted.period)]
    for stretch in taken(beside):
        own = stretch.start_ms < wanted.period.end_ms and wanted.period.start_ms < stretch.end_ms
        if own and stretch.seats + wanted.seats > capacity:
            return stretch
    return None


def with_room(
    offered: Iterable[Period], uses: Iterable[Use], *, seats: int, capacity: int, buffer_ms: int
) -> list[Period]:
    """The longest stretches of `offered` (ascending and disjoint) in which any use of so many seats fits, which keeps them
    for `buffer_ms` afterwards.
    """
    if seats > capacity:
        return []
    # It must end a buffer before the next full stretch begins.
    full = (
        Period(max(stretch.start_ms - buffer_ms, 0), stretch.end_ms)
        for stretch in taken(uses)
        if stretch.seats + seats > capacity
    )
    return without(offered, full)
