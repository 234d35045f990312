"""What those who take part in experiments were shown, on its way to insights: some at a time, and never in anybody's way.

A page that was seen is put into a bounded queue and written with others as one fact. When more is seen than can be written, or the
database is away, the rest is dropped and counted: an experiment loses some of its people then, of all arms alike.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import structlog
from prometheus_client import Counter

from infra.mysql.database import Database, Tx
from infra.process import now_ms
from market.kernel import regions
from market.kernel.errors import Unavailable
from market.kernel.exposure import Exposure, Shown
from market.kernel.facts import Fact, ResultsSeen
from market.kernel.geo import Point
from market.kernel.ids import Id
from market.listings.rules.settings import Ranking
from market.listings.rules.shown import Hit

EVERY_S = 1.0
TOGETHER = 50
MOST = 2_000
MAX_SHOWN = 20
"""Of a page: what is farther down is not logged."""

LOGGED = Counter("sharehub_exposures_total", "Pages seen in experiments, by what became of them.", ["outcome"])  # fmt: skip

log = structlog.get_logger("exposures")


class Exposures:
    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: deque[tuple[Exposure, Point]] = deque()

    def add(
        self, ranking: Ranking, user_id: Id, place: Point, at_ms: int, hits: Sequence[Hit], first: int = 1
    ) -> None:  # fmt: skip
        """A page by `ranking`, unless it is to be logged by nobody. `first`: the rank of its topmost hit."""
        if ranking.experiment is None:
            return
        exposure = Exposure(
            experiment_id=ranking.experiment.id, arm=ranking.arm, user_id=user_id, region="", at_ms=at_ms,
            shown=tuple(_shown(hit, first + n) for n, hit in enumerate(hits[:MAX_SHOWN])),
        )  # fmt: skip
        self.put(exposure, place)

    def put(self, exposure: Exposure, place: Point) -> None:
        """Its region is found out when it is written."""
        if len(self._waiting) >= MOST:
            LOGGED.labels("dropped").inc()
            return
        self._waiting.append((exposure, place))

    async def flush(self) -> int:
        """Write one fact; how many pages it has. Raise Unavailable, with nothing lost."""
        some = [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]
        if not some:
            return 0
        data = ResultsSeen(exposures=tuple(_in_region(exposure, place) for exposure, place in some))

        async def body(tx: Tx) -> None:
            tx.emit(Fact(kind=ResultsSeen.KIND, entity=tx.new_id(), version=1, data=data))

        try:
            await self._db.act(now_ms(), body, type(None))
        except Unavailable:
            self._waiting.extendleft(reversed(some))
            raise
        LOGGED.labels("logged").inc(len(some))
        return len(some)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                while await self.flush() == TOGETHER:
                    pass
            except Unavailable:
                pass
            except Exception:  # what cannot be written is gone
                log.exception("exposures not written")
            await asyncio.sleep(EVERY_S)


def _shown(hit: Hit, rank: int) -> Shown:
    parts = hit.parts
    return Shown(
        listing_id=hit.listing.listing_id, rank=rank, score=hit.score, distance=parts.distance,
        deal_rate=parts.deal_rate, rating=parts.rating, price=parts.price,
    )  # fmt: skip


def _in_region(exposure: Exposure, place: Point) -> Exposure:
    return replace(exposure, region=regions.code_of(place))
