"""Every fact is counted."""

from __future__ import annotations

from infra.handlers import Handler
from infra.mysql.database import Tx
from market.insights import rules, store
from market.insights.wing import Insights
from market.kernel.facts import KINDS, Heard


async def on_fact(insights: Insights, tx: Tx, fact: Heard) -> None:
    """Locks the hour's row of that kind."""
    await store.count(tx, rules.hour_of(fact.occurred_ms), fact.kind)


HANDLERS: dict[str, Handler[Insights]] = dict.fromkeys(KINDS, on_fact)
