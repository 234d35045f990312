"""What may be asked of insights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from market.kernel.ids import Id

UtcMs = Annotated[int, Meta(ge=0, le=2**53, description="UTC milliseconds")]


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsPerHour:
    """The hours that begin in [from_ms, to_ms), at most 31 days."""

    from_ms: UtcMs
    to_ms: UtcMs


@dataclass(frozen=True, slots=True, kw_only=True)
class GetResults:
    experiment_id: Id
