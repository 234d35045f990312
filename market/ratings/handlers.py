"""Facts of other wings -> rating windows."""

from __future__ import annotations

from infra.handlers import Handler
from infra.mysql.database import Tx
from market.kernel.facts import Heard, OrderMoved
from market.ratings import rules, store
from market.ratings.wing import Ratings


async def on_completed(ratings: Ratings, tx: Tx, fact: Heard) -> None:
    """Open the order's window."""
    assert isinstance(fact.data, OrderMoved)
    await store.insert_window(tx, rules.open_window(fact.data, fact.occurred_ms))


HANDLERS: dict[str, Handler[Ratings]] = {"order.completed": on_completed}
