"""One page of a search: what the engine finds, but for what is taken then, spread over owners, with something new in it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from infra.mysql.database import Database
from market.kernel.ids import Id
from market.listings.rules import pages, ranking
from market.listings.rules.searching import Found, Free, Wish
from market.listings.search.port import Engine, New
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
        since_ms = self._now_ms - ranking.NEW_MS
        new = New(since_ms=since_ms, limit=NEWEST) if we_rank and explores else None
        seen, size = set(shown), 2 * length
        first = await self._engine.first(self._wish, seen, size, new=new, most=COUNTED)
        found = first.best
        free = await self._free_of([*found, *first.newest])
        ranked = [one for one in found if one.id in free]
        newest = [one for one in first.newest if one.id in free]
        while True:
            spread = pages.spread(ranked, length)
            page = spread.found if we_rank else tuple(ranked[:length])
            is_full = len(ranked) > length and (spread.settled or not we_rank)
            if is_full or len(found) < size:
                break
            seen |= {one.id for one in found}
            size = min(2 * size, LARGEST_BATCH)
            found = await self._engine.best(self._wish, seen, size)
            free = await self._free_of(found)
            ranked += [one for one in found if one.id in free]
        more = len(ranked) > length
        return Results(
            page=self._explored(page, newest),
            more=more,
            candidates=first.count if more else len(shown) + len(page),
        )

    async def _free_of(self, found: Sequence[Found]) -> set[Id]:
        ids = list(dict.fromkeys(one.id for one in found))
        if self._free is None:
            return set(ids)
        async with self._db.glance() as cursor:
            return await still_free(cursor, ids, self._free.period, self._free.seats, self._now_ms)

    def _explored(self, page: Sequence[Found], new: Sequence[Found]) -> tuple[Found, ...]:
        weights = self._wish.weights

        def worth(one: Found) -> float:
            parts = ranking.parts(one.merits, one.metres)
            drawn = random.betavariate(*ranking.deal_rate_odds(one.merits))
            return ranking.score(parts, weights) + weights.deal_rate * (drawn - parts.deal_rate)

        return pages.explored(page, new, lambda one: one.merits.is_new(self._now_ms), worth)
