"""What search asks of its engine. What every engine must do is in tests/integration/listings/search_contract.py."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from market.kernel.ids import Id
from market.listings.rules.searching import Found, Wish


class Engine(Protocol):
    """Reads may be as old as a replica is."""

    async def best(self, wish: Wish, without: Collection[Id], limit: int) -> list[Found]:
        """The first `limit` of all that fit, but for some, in the order of `sort`; at equal rank the nearer, then the older."""
        ...

    async def newest(
        self, wish: Wish, without: Collection[Id], since_ms: int, limit: int
    ) -> list[Found]:
        """Some that fit, have had few orders and were published since then, from close by, the newest first."""
        ...

    async def count(self, wish: Wish, most: int) -> int:
        """How many fit, counted up to `most`."""
        ...
