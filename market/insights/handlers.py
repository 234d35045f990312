"""Facts are counted: all but those that only say that another fact has been told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from infra.handlers import Handler, Together
from infra.mysql.database import Tx
from market.insights import rules, store
from market.insights.wing import Insights
from market.kernel.facts import KINDS, Heard, NoticeAdded


@Together
async def on_facts(insights: Insights, tx: Tx, facts: Sequence[Heard]) -> None:
    """Locks the rows of these kinds and hours."""
    store.count(tx, Counter((rules.hour_of(f.occurred_ms), f.kind) for f in facts))


COUNTED = tuple(kind for kind in KINDS if kind != NoticeAdded.KIND)
HANDLERS: dict[str, Handler[Insights]] = dict.fromkeys(COUNTED, on_facts)
