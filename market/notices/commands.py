"""What may be asked of one's inbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

Seq = Annotated[int, Meta(ge=1, le=2**53, description="an entry's number in the inbox")]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRead:
    up_to: Seq


@dataclass(frozen=True, slots=True, kw_only=True)
class ListInbox:
    """The newest entries, or those before or after a number (not both)."""

    before: Seq | None = None
    after: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
