"""Facts are counted by kind and hour, against a real database. Each test has days of its own."""

from __future__ import annotations

import pytest

from infra.mysql.database import Tx
from infra.process import Process, now_ms
from market.insights import views
from market.insights.commands import FactsPerHour
from market.insights.handlers import HANDLERS, SPECIAL
from market.insights.rules.counting import HourView
from market.insights.wing import Insights, open_wing
from market.kernel.errors import BadInput, Forbidden
from market.kernel.facts import Heard, NoticeAdded
from market.kernel.period import DAY_MS, HOUR_MS
from tests.integration.conftest import call, new_id, someone


@pytest.fixture
async def insights(process: Process) -> Insights:
    return await open_wing(process)


async def hear(insights: Insights, *facts: tuple[str, int]) -> None:
    async def body(tx: Tx) -> None:
        for kind, occurred_ms in facts:
            fact = Heard(
                fact_id=new_id(),
                kind=kind,
                entity=new_id(),
                version=1,
                occurred_ms=occurred_ms,
                data=NoticeAdded(user_id=new_id(), seq=1),
            )
            await HANDLERS[kind](insights, tx, fact)

    await insights.db.act(now_ms(), body, type(None))


async def test_every_kind_is_counted_but_notices(insights: Insights) -> None:
    plain = [kind for kind in HANDLERS if kind not in SPECIAL]
    await hear(insights, *((kind, DAY_MS) for kind in plain))
    view = await views.facts_per_hour(
        insights, call(someone("operator")), FactsPerHour(from_ms=DAY_MS, to_ms=DAY_MS + 1)
    )
    assert {h.kind: h.facts for h in view.hours} == dict.fromkeys(plain, 1)


async def test_facts_fall_into_the_hour_they_occurred_in(insights: Insights) -> None:
    start = 10 * DAY_MS
    await hear(
        insights,
        ("order.expired", start),
        ("order.expired", start + HOUR_MS - 1),
        ("order.expired", start + HOUR_MS),
        ("order.ready", start + HOUR_MS),
    )
    await hear(insights, ("order.expired", start + HOUR_MS))
    operator = call(someone("operator"))
    view = await views.facts_per_hour(
        insights, operator, FactsPerHour(from_ms=start, to_ms=start + DAY_MS)
    )
    assert view.hours == (
        HourView(hour_ms=start, kind="order.expired", facts=2),
        HourView(hour_ms=start + HOUR_MS, kind="order.expired", facts=2),
        HourView(hour_ms=start + HOUR_MS, kind="order.ready", facts=1),
    )
    first = await views.facts_per_hour(
        insights, operator, FactsPerHour(from_ms=start, to_ms=start + HOUR_MS)
    )
    assert first.hours == view.hours[:1]


async def test_operators_only(insights: Insights) -> None:
    with pytest.raises(Forbidden):
        await views.facts_per_hour(insights, call(someone()), FactsPerHour(from_ms=0, to_ms=1))


async def test_no_endless_spans(insights: Insights) -> None:
    query = {"from_ms": "0", "to_ms": str(32 * DAY_MS)}
    with pytest.raises(BadInput):
        await views.facts_per_hour.perform(
            insights, someone("operator"), now_ms(), None, query, strings=True
        )


async def test_no_topics(insights: Insights) -> None:
    assert views.TOPICS == ()
    assert await views.snapshot(insights, [], now_ms()) == []
