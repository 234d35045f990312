"""Asks WeChat about what people want to show, as soon as they do, and again while it does not answer."""

from __future__ import annotations

import asyncio

import structlog
from prometheus_client import Counter, Gauge

from infra.redis import keys
from market.kernel.errors import MarketError
from market.listings import review_store, reviewing
from market.listings.review_store import Due
from market.listings.wing import Listings

WING = "listings"
WAKE = keys.wake("checks", WING)
EVERY_S = 0.5
BATCH = 50
AT_ONCE = 8
"""Questions under way; while one hangs, the others go on."""

WAITING = Gauge("sharehub_reviews_waiting", "Wordings that nobody but their owners can see yet.", ["state"])  # fmt: skip
OLDEST = Gauge(
    "sharehub_reviews_oldest_seconds", "How long the first of them has been waiting.", ["state"]
)
FAILED = Counter("sharehub_content_check_failures_total", "Questions that WeChat did not answer.")

log = structlog.get_logger("content_checks")


async def run_once(listings: Listings, now_ms: int) -> int:
    """How many parts have an answer, or will be told of. One that fails delays itself alone."""
    async with listings.db.read() as cursor:
        due = await review_store.due(cursor, now_ms, BATCH)
    turn = asyncio.Semaphore(AT_ONCE)
    done = await asyncio.gather(*(_ask(listings, turn, part, now_ms) for part in due))
    async with listings.db.read() as cursor:
        waiting = await review_store.waiting(cursor)
    for state in ("checking", "queued"):
        count, since_ms = waiting.get(state, (0, now_ms))
        WAITING.labels(state).set(count)
        OLDEST.labels(state).set(max(0, now_ms - since_ms) / 1000)
    return sum(done)


async def _ask(listings: Listings, turn: asyncio.Semaphore, due: Due, now_ms: int) -> bool:
    async with turn:
        try:
            return await reviewing.ask(listings, due, now_ms)
        except MarketError as failure:
            log.warning("no answer", listing_id=str(int(due.listing_id)), code=failure.code, reason=failure.message)  # fmt: skip
        except Exception:
            log.exception("question failed", listing_id=str(int(due.listing_id)))
        FAILED.inc()
        return False
