"""Closes rating windows whose time is over, and reveals what was said in them."""

from __future__ import annotations

import structlog

from market.kernel.errors import Unavailable
from market.ratings import actions, store
from market.ratings.wing import Ratings

WING = "ratings"
EVERY_S = 1.0
BATCH = 100

log = structlog.get_logger("rating_windows")


async def run_once(ratings: Ratings, now_ms: int) -> int:
    """Each window in its own transaction; one that fails is put off, and blocks nobody."""
    async with ratings.db.read() as cursor:
        due = await store.due_windows(cursor, now_ms, BATCH)
    closed = 0
    for order_id in due:
        try:
            closed += await actions.close_window(ratings, order_id, now_ms)
        except Unavailable:
            raise
        except Exception:
            log.exception("window not closed", order_id=str(int(order_id)))
            await actions.postpone_window(ratings, order_id, now_ms)
    return closed
