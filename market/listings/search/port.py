"""What search asks of its engine. What every engine must do is in tests/integration/listings/search_contract.py."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from market.kernel.ids import Id
from market.listings.rules.searching import Found, Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """That up to `limit` are wanted that were published since then."""

    since_ms: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class First:
    """`count`: how many fit, shown ones too, as far as they were to be counted."""

    best: Sequence[Found]
    newest: Sequence[Found]
    count: int


class Engine(Protocol):
    """Reads may be as old as a replica is."""

    async def first(
        self,
        wish: Wish,
        shown: Collection[Id],
        limit: int,
        *,
        new: New | None = None,
        most: int = 0,
    ) -> First:
        """What a page begins with, asked for together: `best`; if `new`, some that fit, have had few orders and are from close by,
        the newest first; and how many fit, counted up to `most`."""
        ...

    async def best(self, wish: Wish, without: Collection[Id], limit: int) -> list[Found]:
        """The first `limit` of all that fit, but for some, in the order of `sort`; at equal rank the nearer, then the older."""
        ...
