"""One page of a search: what the engine finds, but for what is taken then, spread over owners, with something new in it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from infra.mysql.database import Database
from market.kernel.ids import Id
from market.listings.rules import pages, ranking
from market.listings.rules.searching import Found, Free, Wish
from market.listings.search.port import Engine
from market.listings.taking_store import still_free

COUNTED = 200
"""As far as `candidates` are counted."""

LARGEST_BATCH = 800
NEWEST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """`more`: whether there is anything after the page."""

    page: tuple[Found, ...]
    more: bool
    candidates: int


class Search:
    """`free`: only what can be booked then."""

    def __init__(
        self, engine: Engine, db: Database, wish: Wish, free: Free | None, now_ms: int
    ) -> None:
        self._engine = engine
        self._db = db
        self._wish = wish
        self._free = free
        self._now_ms = now_ms

    async def page(self, shown: Sequence[Id], length: int, *, explores: bool) -> Results:
        """The best that have not been shown. Owners are spread, and new listings explored, where it is we who rank."""
        we_rank = self._wish.sort == "match"
        ranked: list[Found] = []
        page: tuple[Found, ...] = ()
        async for some in self._batches(shown, 2 * length):
            ranked += some
            spread = pages.spread(ranked, length)
            page = spread.found if we_rank else tuple(ranked[:length])
            if len(ranked) > length and (spread.settled or not we_rank):
                break
        if we_rank and explores and len(page) >= pages.ONE_IN:
            page = await self._explored(page, shown)
        more = len(ranked) > length
        candidates = (
            await self._engine.count(self._wish, COUNTED) if more else len(shown) + len(page)
        )
        return Results(page=page, more=more, candidates=candidates)

    async def _batches(self, shown: Sequence[Id], size: int) -> AsyncIterator[list[Found]]:
        """What fits and is free, best first, until nothing is left."""
        seen = set(shown)
        while True:
            found = await self._engine.best(self._wish, seen, size)
            yield await self._those_free(found)
            if len(found) < size:
                return
            seen |= {one.id for one in found}
            size = min(2 * size, LARGEST_BATCH)

    async def _those_free(self, found: list[Found]) -> list[Found]:
        if self._free is None:
            return found
        async with self._db.glance() as cursor:
            free = await still_free(
                cursor, [one.id for one in found], self._free.period, self._free.seats, self._now_ms
            )
        return [one for one in found if one.id in free]

    async def _explored(self, page: tuple[Found, ...], shown: Sequence[Id]) -> tuple[Found, ...]:
        since_ms = self._now_ms - ranking.NEW_MS
        new = await self._engine.newest(self._wish, shown, since_ms, NEWEST)
        weights = self._wish.weights

        def worth(one: Found) -> float:
            parts = ranking.parts(one.merits, one.metres)
            drawn = random.betavariate(*ranking.deal_rate_odds(one.merits))
            return ranking.score(parts, weights) + weights.deal_rate * (drawn - parts.deal_rate)

        return pages.explored(
            page, await self._those_free(new), lambda one: one.merits.is_new(self._now_ms), worth
        )
