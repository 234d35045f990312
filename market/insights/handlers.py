"""Every fact is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from infra.handlers import Handler, Together
from infra.mysql.database import Tx
from market.insights import rules, store
from market.insights.wing import Insights
from market.kernel.facts import KINDS, Heard


@Together
async def on_facts(insights: Insights, tx: Tx, facts: Sequence[Heard]) -> None:
    """Locks the rows of these kinds and hours."""
    store.count(tx, Counter((rules.hour_of(f.occurred_ms), f.kind) for f in facts))


HANDLERS: dict[str, Handler[Insights]] = dict.fromkeys(KINDS, on_facts)
