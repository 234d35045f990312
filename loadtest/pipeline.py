"""The product's own experiments, from drawing an arm to the verdict, over people who are made up.

Everything between is the product's: who sees which weights, the queue and the fact of what was seen, the handlers and tables of
insights, the worker, the view. Only the carrying of facts is done here, and the people.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from infra import wire
from infra.handlers import by_handler, handle
from infra.mysql.database import Tx
from infra.process import now_ms
from loadtest.choices import Offer, Taste, choose, page
from market.insights import views
from market.insights.commands import GetResults
from market.insights.handlers import HANDLERS
from market.insights.rules.readout import Readout
from market.insights.wing import Insights
from market.kernel.actor import Actor, Call
from market.kernel.exposure import Exposure, Shown
from market.kernel.facts import KINDS, FactData, Heard, OrderMoved, ResultsSeen
from market.kernel.ids import Id
from market.kernel.money import BASIS
from market.kernel.period import DAY_MS, HOUR_MS
from market.kernel.regions import REGIONS
from market.listings.exposures import Exposures
from market.listings.rules import experiments, ranking
from market.listings.rules.experiments import Arm, Experiment
from market.listings.rules.ranking import Weights
from market.listings.rules.settings import Settings, weights_for
from market.listings.wing import Listings
from workers import experiments as worker

PLACE = REGIONS[0].center
TOP = 5
"""Results of a page that are logged here, which is where nearly all look."""

TAKE = "SELECT data FROM outbox WHERE kind = %s"
TAKEN = "DELETE FROM outbox WHERE kind = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """An experiment to be played: the control's weights and the other's, how many people; which share of the other's people
    order the topmost result though they would not (a planted effect), and which share's pages get lost on the way."""

    control: Weights
    treatment: Weights
    people: int
    extra: float = 0.0
    lost: float = 0.0


class Pipeline:
    """Over wings with a database of their own. `markets` are what people may be shown."""

    def __init__(
        self, listings: Listings, insights: Insights, markets: Sequence[Sequence[Offer]], taste: Taste, random: Random
    ) -> None:  # fmt: skip
        self._listings, self._insights = listings, insights
        # Not the wing's own, which writes by itself whenever it likes.
        self._exposures = Exposures(listings.db)
        self._markets, self._taste, self._random = markets, taste, random
        self._pages: dict[tuple[int, Weights], list[Offer]] = {}
        self._ids = {id(offer): self._new_id() for market in markets for offer in market}

    async def play(self, trial: Trial) -> Readout:
        """As if it had begun 25 days ago, was planned for six, and had been stopped after seven."""
        began_ms = now_ms() - 25 * DAY_MS
        experiment = self._experiment(trial, began_ms)
        fact = experiments.changed(
            experiments.stop(experiment, experiment.version, began_ms + 7 * DAY_MS)
        )
        heard = [self._heard(fact.kind, fact.data, fact.entity, fact.version, began_ms)]
        settings = Settings(running=(experiment,))
        for _ in range(trial.people):
            user = self._new_id()
            by = weights_for(settings, user, PLACE)
            market = self._random.randrange(len(self._markets))
            results = self._page(market, by.weights)
            if by.arm == "treatment" and self._random.random() < trial.lost:
                continue
            self._exposures.put(
                self._exposure(experiment.id, by.arm, by.weights, user, results, began_ms + HOUR_MS), PLACE
            )  # fmt: skip
            wanted = choose(self._taste, results[:TOP], self._random)
            if wanted is None and by.arm == "treatment" and self._random.random() < trial.extra:
                wanted = results[0]
            if wanted is not None:
                order = self._order(user, self._ids[id(wanted)])
                heard.append(self._heard("order.ready", order, order.order_id, 1, began_ms + 2 * HOUR_MS))  # fmt: skip
        while await self._exposures.flush():
            pass
        heard += [
            self._heard(ResultsSeen.KIND, data, self._new_id(), 1, began_ms)
            for data in await self._carried()
        ]
        await self._hear(heard)
        while await worker.run_once(self._insights, now_ms() + 2 * worker.FRESH_MS):
            pass
        operator = Actor(user_id=Id(1), role="operator")
        call = Call(actor=operator, now_ms=now_ms())
        return await views.results(self._insights, call, GetResults(experiment_id=experiment.id))

    async def count(self, trial: Trial, runs: int, verdicts: Sequence[str], said: Callable[[int], None]) -> int:  # fmt: skip
        """How many of the runs end in one of the verdicts."""
        found = 0
        for run in range(runs):
            found += (await self.play(trial)).verdict in verdicts
            said(run + 1)
        return found

    def _experiment(self, trial: Trial, began_ms: int) -> Experiment:
        half = BASIS // 2
        draft = experiments.check(
            Experiment(
                id=self._new_id(), version=1, name="bench", unit="user", status="draft", regions=(), traffic_bp=BASIS,
                sample_bp=BASIS, window_hours=24, days=6,
                arms=(
                    Arm(name="control", share_bp=half, weights=trial.control),
                    Arm(name="treatment", share_bp=half, weights=trial.treatment),
                ),
            )
        )  # fmt: skip
        return experiments.start(draft, 1, (), began_ms)

    def _page(self, market: int, weights: Weights) -> list[Offer]:
        known = self._pages.get((market, weights))
        if known is None:
            known = self._pages[market, weights] = page(self._markets[market], weights)
        return known

    def _exposure(
        self, experiment_id: Id, arm: str, weights: Weights, user: Id, results: Sequence[Offer], at_ms: int
    ) -> Exposure:  # fmt: skip
        shown = tuple(
            Shown(
                listing_id=self._ids[id(offer)], rank=rank, score=ranking.score(offer.parts, weights),
                distance=offer.parts.distance, deal_rate=offer.parts.deal_rate, rating=offer.parts.rating,
                price=offer.parts.price,
            )
            for rank, offer in enumerate(results[:TOP], 1)
        )  # fmt: skip
        return Exposure(
            experiment_id=experiment_id, arm=arm, user_id=user, region="", at_ms=at_ms, shown=shown
        )

    def _order(self, user: Id, listing: Id) -> OrderMoved:
        return OrderMoved(
            order_id=self._new_id(), version=1, transition="create", state="ready", by="buyer", listing_id=listing,
            buyer_id=user, owner_id=Id(1), title="", start_ms=0, end_ms=1, rent_fen=0, deposit_fen=0, fee_fen=0,
            total_fen=0, refund_fen=0, refund_deposit_fen=0, owner_fen=0, pay_by_ms=0, tells=(),
        )  # fmt: skip

    async def _carried(self) -> list[ResultsSeen]:
        async with self._listings.db.read() as cursor:
            rows = await cursor.all(TAKE, ResultsSeen.KIND)
            await cursor.execute(TAKEN, ResultsSeen.KIND)
        return [wire.from_msgpack(data, ResultsSeen) for (data,) in rows]

    async def _hear(self, facts: Sequence[Heard]) -> None:
        async def body(tx: Tx) -> None:
            for handler, some in by_handler(facts, HANDLERS):
                await handle(handler, self._insights, tx, some)

        await self._insights.db.act(now_ms(), body, type(None))

    def _heard(self, kind: str, data: FactData, entity: Id, version: int, at_ms: int) -> Heard:
        assert isinstance(data, KINDS[kind])
        return Heard(
            fact_id=self._new_id(), kind=kind, entity=entity, version=version, occurred_ms=at_ms, data=data
        )  # fmt: skip

    def _new_id(self) -> Id:
        return Id(self._random.getrandbits(62))
