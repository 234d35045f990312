"""Tells both parties of an order what is ahead: that its use begins, or ends."""

from __future__ import annotations

import asyncio

import structlog

from market.kernel.errors import Unavailable
from market.kernel.ids import Id
from market.notices import letter_store, posting
from market.notices.wing import Notices

WING = "notices"
EVERY_S = 1.0
BATCH = 100

log = structlog.get_logger("reminders")


async def run_once(notices: Notices, now_ms: int) -> int:
    """How many orders were reminded of. One that fails is tried again and blocks nobody."""
    async with notices.db.read() as cursor:
        due = await letter_store.due_reminders(cursor, now_ms, BATCH)
    done = await asyncio.gather(*(_remind(notices, order_id, now_ms) for order_id in due))
    return sum(done)


async def _remind(notices: Notices, order_id: Id, now_ms: int) -> bool:
    try:
        return await posting.remind(notices, order_id, now_ms)
    except Unavailable:
        raise
    except Exception:
        log.exception("reminder failed", order_id=str(int(order_id)))
        return False
