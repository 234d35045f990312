"""What the owner keeps of the rent when the buyer cancels: three policies, each a staircase that only rises as time goes by."""

from __future__ import annotations

from dataclasses import dataclass

from market.kernel.money import BASIS, share
from market.kernel.period import DAY_MS, HOUR_MS, MINUTE_MS

SECOND_THOUGHT_MS = 15 * MINUTE_MS
"""So long after ordering a buyer may think again at no cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Who cancels up to `until_ms` (None: whenever), and not up to the step before, pays so much of the rent."""

    until_ms: int | None
    kept_fen: int


EVER = -(2**53)

STAIRS: dict[str, tuple[tuple[int, int], ...]] = {
    "flexible": ((HOUR_MS, 0), (0, BASIS // 5), (EVER, BASIS // 2)),
    "moderate": ((DAY_MS, 0), (HOUR_MS, BASIS // 2), (0, BASIS * 4 // 5), (EVER, BASIS)),
    "strict": ((7 * DAY_MS, 0), (DAY_MS, BASIS // 2), (EVER, BASIS)),
}
"""Policy -> (until this many ms before the start, basis points of the rent that are kept), in the order of time."""


def kept_bp(policy: str, start_ms: int, created_ms: int, now_ms: int) -> int:
    """Basis points of the rent that the owner keeps. Raise KeyError for a policy that there is not."""
    stairs = STAIRS[policy]
    if now_ms <= created_ms + SECOND_THOUGHT_MS:
        return 0
    return next(kept for before_ms, kept in stairs if now_ms <= start_ms - before_ms)


def steps(policy: str, rent_fen: int, start_ms: int, created_ms: int) -> tuple[Step, ...]:
    """The staircase of an order made at `created_ms`, steps of equal height joined into one."""
    ends = {created_ms + SECOND_THOUGHT_MS, *(start_ms - before for before, _ in STAIRS[policy])}
    found: list[Step] = []
    for until_ms in sorted(end for end in ends if end > created_ms):
        kept = kept_fen(policy, rent_fen, start_ms, created_ms, until_ms)
        if found and found[-1].kept_fen == kept:
            found.pop()
        last = until_ms == start_ms - EVER
        found.append(Step(until_ms=None if last else until_ms, kept_fen=kept))
    return tuple(found)


def kept_fen(policy: str, rent_fen: int, start_ms: int, created_ms: int, now_ms: int) -> int:
    """What the owner keeps; everything else of what was paid goes back, the deposit whole."""
    return share(rent_fen, kept_bp(policy, start_ms, created_ms, now_ms))
