"""What was shown to whom under which arm of an experiment: how listings tells insights of it."""

from __future__ import annotations

from dataclasses import dataclass

from market.kernel.ids import Id


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmShare:
    """An arm as the analysis needs it: `share_bp` ten-thousandths of those who take part."""

    name: str
    share_bp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A listing on a page of results: at which rank (1 is the top), with which parts of its score, each within [0, 1]."""

    listing_id: Id
    rank: int
    score: float
    distance: float
    deal_rate: float
    rating: float
    price: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """One page of results as one person has seen it. `at_ms` is UTC."""

    experiment_id: Id
    arm: str
    user_id: Id
    region: str
    at_ms: int
    shown: tuple[Shown, ...]
