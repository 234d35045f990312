"""Facts are counted: all but those that only say that another fact has been told. Some say what experiments have shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from infra.handlers import Handler, Together
from infra.mysql.database import Tx
from market.insights import experiment_store, store
from market.insights.rules import counting
from market.insights.rules.readout import Plan
from market.insights.wing import Insights
from market.kernel.facts import (
    KINDS,
    ORDER_KINDS,
    ExperimentChanged,
    Heard,
    NoticeAdded,
    ResultsSeen,
    UserChanged,
)


@Together
async def on_facts(insights: Insights, tx: Tx, facts: Sequence[Heard]) -> None:
    """Locks the rows of these kinds and hours."""
    _count(tx, facts)


@Together
async def on_orders(insights: Insights, tx: Tx, facts: Sequence[Heard]) -> None:
    """Locks the orders' rows."""
    experiment_store.put_orders(tx, facts)
    _count(tx, facts)


@Together
async def on_results_seen(insights: Insights, tx: Tx, facts: Sequence[Heard]) -> None:
    """Locks the rows of those who have seen them."""
    seen = [e for f in facts if isinstance(f.data, ResultsSeen) for e in f.data.exposures]
    if seen:
        await experiment_store.add_exposures(tx, seen)
    _count(tx, facts)


async def on_experiment(insights: Insights, tx: Tx, fact: Heard) -> None:
    """Locks the experiment."""
    assert isinstance(fact.data, ExperimentChanged)
    plan = {name: getattr(fact.data, name) for name in Plan.__dataclass_fields__}
    experiment_store.put_plan(tx, Plan(**plan))
    _count(tx, [fact])


async def on_user(insights: Insights, tx: Tx, fact: Heard) -> None:
    """Who does not want to be followed is not. Locks what there is of them."""
    assert isinstance(fact.data, UserChanged)
    user = fact.data
    await experiment_store.choose(
        tx, user.user_id, user.version, unwilling=user.forgotten or not user.personal,
        forgotten=user.forgotten,
    )  # fmt: skip
    _count(tx, [fact])


def _count(tx: Tx, facts: Sequence[Heard]) -> None:
    store.count(tx, Counter((counting.hour_of(f.occurred_ms), f.kind) for f in facts))


SPECIAL: dict[str, Handler[Insights]] = {
    ExperimentChanged.KIND: on_experiment,
    ResultsSeen.KIND: on_results_seen,
    UserChanged.KIND: on_user,
}


def _handler(kind: str) -> Handler[Insights]:
    return on_orders if kind in ORDER_KINDS else SPECIAL.get(kind, on_facts)


HANDLERS: dict[str, Handler[Insights]] = {
    kind: _handler(kind) for kind in KINDS if kind != NoticeAdded.KIND
}
