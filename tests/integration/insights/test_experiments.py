"""From what was seen and ordered to the read-out, against a real database: each test has an experiment and people of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import pytest

from infra.handlers import by_handler, handle
from infra.mysql.database import Tx
from infra.process import Process, now_ms
from market.insights import views
from market.insights.commands import GetResults
from market.insights.handlers import HANDLERS
from market.insights.rules.readout import Readout
from market.insights.wing import Insights, open_wing
from market.kernel.actor import ANONYMOUS, Actor
from market.kernel.errors import Forbidden, MarketError, NotFound, Unauthenticated
from market.kernel.exposure import ArmShare, Exposure, Shown
from market.kernel.facts import (
    ExperimentChanged,
    FactData,
    Heard,
    OrderMoved,
    ResultsSeen,
    UserChanged,
)
from market.kernel.ids import Id
from market.kernel.period import DAY_MS, HOUR_MS
from tests.integration.conftest import call, new_id, someone
from workers import experiments as worker

ARMS = (ArmShare(name="old", share_bp=5_000), ArmShare(name="new", share_bp=5_000))


@pytest.fixture
async def insights(process: Process) -> Insights:
    return await open_wing(process)


def heard(kind: str, entity: Id, version: int, data: FactData, at_ms: int) -> Heard:
    return Heard(
        fact_id=new_id(), kind=kind, entity=entity, version=version, occurred_ms=at_ms, data=data
    )


@dataclass
class Trial:
    """An experiment that began eight days ago, was planned for seven, and gives a day to order."""

    insights: Insights
    began_ms: int
    id: Id
    plan: ExperimentChanged

    async def hear(self, *facts: Heard) -> None:
        """In one batch, as the inbox does."""

        async def body(tx: Tx) -> None:
            for handler, some in by_handler(facts, HANDLERS):
                await handle(handler, self.insights, tx, some)

        await self.insights.db.act(now_ms(), body, type(None))

    async def planned(self, **changes: Any) -> None:
        self.plan = replace(self.plan, **changes)
        await self.hear(
            heard(ExperimentChanged.KIND, self.id, self.plan.version, self.plan, self.began_ms)
        )

    def seen(
        self, user: Id, arm: str, at_ms: int, *listings: Id, region: str = "shanghai"
    ) -> Heard:
        shown = tuple(
            Shown(listing_id=id_, rank=n, score=0.5, distance=1, deal_rate=0, rating=0, price=0)
            for n, id_ in enumerate(listings, 1)
        )
        page = Exposure(
            experiment_id=self.id, arm=arm, user_id=user, region=region, at_ms=self.began_ms + at_ms, shown=shown
        )  # fmt: skip
        data = ResultsSeen(exposures=(page,))
        return heard(ResultsSeen.KIND, new_id(), 1, data, self.began_ms + at_ms)

    def order(self, user: Id, listing: Id, at_ms: int, *states: str) -> list[Heard]:
        """Made then, and on through the states."""
        order_id, made_ms = new_id(), self.began_ms + at_ms
        path = [("create", "pending_payment"), *(("go", state) for state in states)]
        return [
            heard(
                f"order.{state}", order_id, version,
                OrderMoved(
                    order_id=order_id, version=version, transition=transition, state=state, by="buyer", listing_id=listing,
                    buyer_id=user, owner_id=new_id(), title="", start_ms=0, end_ms=1, rent_fen=0, deposit_fen=0,
                    fee_fen=0, total_fen=0, refund_fen=0, refund_deposit_fen=0, owner_fen=0, tells=(), pay_by_ms=0,
                ),
                made_ms + version,
            )
            for version, (transition, state) in enumerate(path, 1)
        ]  # fmt: skip

    async def read(self, at_ms: int | None = None) -> Readout:
        while await worker.run_once(self.insights, at_ms or now_ms() + worker.FRESH_MS):
            pass
        query = GetResults(experiment_id=self.id)
        return await views.results(self.insights, call(someone("operator")), query)


@pytest.fixture
async def trial(insights: Insights) -> Trial:
    began_ms, id_ = now_ms() - 9 * DAY_MS, new_id()
    plan = ExperimentChanged(
        experiment_id=id_, version=2, status="running", unit="user", arms=ARMS, window_ms=DAY_MS,
        started_ms=began_ms, ends_ms=began_ms + 7 * DAY_MS, stopped_ms=0,
    )  # fmt: skip
    made = Trial(insights, began_ms, id_, plan)
    await made.planned()
    return made


def counts(seen: Readout) -> dict[str, tuple[int, int]]:
    return {arm.name: (arm.people, arm.ordered) for arm in seen.arms}


async def test_an_order_counts_for_who_was_shown_the_listing_in_time(trial: Trial) -> None:
    listing, other = new_id(), new_id()
    users = [new_id() for _ in range(6)]
    in_time, late, early, elsewhere, twice, none = users
    for user in users:
        await trial.hear(trial.seen(user, "new", HOUR_MS, listing))
    for user, what, at_ms in (
        (in_time, listing, 2 * HOUR_MS), (late, listing, DAY_MS + HOUR_MS), (early, listing, HOUR_MS - 100),
        (elsewhere, other, 2 * HOUR_MS), (twice, listing, 3 * HOUR_MS), (twice, listing, 4 * HOUR_MS),
    ):  # fmt: skip
        await trial.hear(*trial.order(user, what, at_ms))
    assert counts(await trial.read()) == {"old": (0, 0), "new": (6, 2)}
    assert none in users


async def test_the_order_in_which_facts_come_does_not_matter(trial: Trial) -> None:
    listing, user = new_id(), new_id()
    made, *moved = trial.order(user, listing, 2 * HOUR_MS, "ready", "disputed", "refunded")
    again = trial.seen(user, "old", 90 * 60_000, listing)
    for fact in (*reversed(moved), made, again, trial.seen(user, "old", HOUR_MS, listing)):
        await trial.hear(fact)
    seen = await trial.read()
    assert counts(seen)["old"] == (1, 1)
    assert (seen.arms[0].lost, seen.arms[0].disputed) == (1, 1)


async def test_a_batch_is_as_good_as_one_by_one(trial: Trial) -> None:
    listing, users = new_id(), [new_id() for _ in range(20)]
    facts = [
        trial.seen(user, "new", HOUR_MS, listing, new_id()) for user in users for _ in range(3)
    ]
    facts += [f for user in users[:7] for f in trial.order(user, listing, 2 * HOUR_MS, "ready")]
    await trial.hear(*facts)
    assert counts(await trial.read())["new"] == (20, 7)


async def test_a_page_with_nothing_on_it_is_a_guardrail(trial: Trial) -> None:
    await trial.hear(*(trial.seen(new_id(), "new", HOUR_MS) for _ in range(3)))
    assert [arm.empty for arm in (await trial.read()).arms] == [0, 3]


async def test_who_comes_after_the_planned_end_does_not_count(trial: Trial) -> None:
    await trial.hear(trial.seen(new_id(), "new", 7 * DAY_MS, new_id()))
    assert counts(await trial.read())["new"] == (0, 0)


async def test_who_has_seen_two_arms_is_left_out(trial: Trial) -> None:
    traveller, listing = new_id(), new_id()
    await trial.hear(
        trial.seen(traveller, "new", HOUR_MS, listing),
        trial.seen(traveller, "old", 2 * HOUR_MS, listing, region="beijing"),
    )
    seen = await trial.read()
    assert (counts(seen), seen.mixed) == ({"old": (0, 0), "new": (0, 0)}, 1)


@pytest.mark.parametrize(("forgotten", "personal"), [(True, False), (False, False)])
async def test_who_says_no_leaves_nothing_behind(
    trial: Trial, forgotten: bool, personal: bool
) -> None:
    user, listing = new_id(), new_id()
    await trial.hear(trial.seen(user, "new", HOUR_MS, listing))
    said = UserChanged(
        user_id=user, version=5, nickname="", avatar_url="", role="user", openid="", forgotten=forgotten, personal=personal
    )  # fmt: skip
    await trial.hear(heard(UserChanged.KIND, user, 5, said, now_ms()))
    late = trial.seen(user, "new", HOUR_MS, listing)
    await trial.hear(late)
    before = replace(said, version=4, forgotten=False, personal=True)
    await trial.hear(heard(UserChanged.KIND, user, 4, before, now_ms()))
    await trial.hear(late)
    assert counts(await trial.read())["new"] == (0, 0)
    async with trial.insights.db.read() as cursor:
        for table in ("exposures", "participants", "shown"):
            rows = await cursor.all(f"SELECT * FROM {table} WHERE user_id = %s", user)
            assert rows == [], table


async def crowd(trial: Trial, arm: str, people: int, ordering: int) -> None:
    listing = new_id()
    users = [new_id() for _ in range(people)]
    facts = [trial.seen(user, arm, HOUR_MS, listing) for user in users]
    for user in users[:ordering]:
        facts += trial.order(user, listing, 2 * HOUR_MS)
    await trial.hear(*facts)


async def test_a_planted_effect_is_found_and_the_planned_end_awaited(trial: Trial) -> None:
    await crowd(trial, "old", 300, 30)
    await crowd(trial, "new", 300, 75)
    await trial.planned(version=3, ends_ms=now_ms() + DAY_MS)
    assert (await trial.read()).verdict == "collecting"
    await trial.planned(version=4, ends_ms=trial.began_ms + 7 * DAY_MS)
    seen = await trial.read()
    assert seen.verdict == "better"
    (comparison,) = seen.comparisons
    assert comparison.found.lift == pytest.approx(1.5)
    assert comparison.found.interval.low > 0


async def test_an_arm_that_loses_people_stops_the_reading(trial: Trial) -> None:
    await crowd(trial, "old", 300, 30)
    await crowd(trial, "new", 180, 75)
    seen = await trial.read()
    assert (seen.verdict, seen.comparisons) == ("mismatch", ())


async def test_an_older_plan_does_not_replace_a_newer_one(trial: Trial) -> None:
    await trial.planned(version=9, status="stopped", stopped_ms=now_ms())
    older = replace(trial.plan, version=3, status="running", stopped_ms=0)
    await trial.hear(heard(ExperimentChanged.KIND, trial.id, 3, older, now_ms()))
    assert (await trial.read()).status == "stopped"


async def test_a_read_out_is_computed_once_in_a_while(trial: Trial) -> None:
    at_ms = now_ms() + 10 * worker.FRESH_MS
    first = await trial.read(at_ms)
    await crowd(trial, "old", 5, 0)
    assert await trial.read(at_ms + worker.FRESH_MS - 1) == first
    assert counts(await trial.read(at_ms + worker.FRESH_MS))["old"] == (5, 0)


async def test_two_workers_at_once_are_as_good_as_one(trial: Trial) -> None:
    await crowd(trial, "old", 5, 2)
    at_ms = now_ms() + worker.FRESH_MS
    await asyncio.gather(*(worker.run_once(trial.insights, at_ms) for _ in range(3)))
    assert counts(await trial.read())["old"] == (5, 2)


async def test_what_is_old_is_forgotten(trial: Trial) -> None:
    user = new_id()
    facts = [trial.seen(user, "new", -days * DAY_MS, new_id()) for days in (20, 22)]
    for days in (140, 142):
        facts += trial.order(user, new_id(), -days * DAY_MS)
    await trial.hear(*facts)
    await trial.read()
    async with trial.insights.db.read() as cursor:
        exposed = await cursor.one("SELECT COUNT(*) FROM exposures WHERE user_id = %s", user)
        ordered = await cursor.one("SELECT COUNT(*) FROM ordered WHERE buyer_id = %s", user)
    assert (exposed, ordered) == ((1,), (1,))


@pytest.mark.parametrize(
    ("actor", "error"),
    [(someone(), Forbidden), (ANONYMOUS, Unauthenticated), (someone("operator"), NotFound)],
)
async def test_results_are_for_operators(
    insights: Insights, actor: Actor, error: type[MarketError]
) -> None:
    with pytest.raises(error):
        await views.results.perform(
            insights, actor, now_ms(), None, {"experiment_id": "5"}, strings=True
        )
