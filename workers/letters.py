"""Sends what WeChat is to tell to who is not looking."""

from __future__ import annotations

import asyncio

import structlog
from prometheus_client import Counter, Gauge

from market.kernel.errors import Unavailable
from market.notices import letter_store, posting
from market.notices.letter_store import Due
from market.notices.wing import Notices

WING = "notices"
EVERY_S = 0.5
BATCH = 50
AT_ONCE = 8
"""Under way; while one hangs, the others go on."""

LETTERS = Counter("sharehub_letters_total", "Subscribe messages by what became of them.", ["outcome"])  # fmt: skip
OLDEST = Gauge("sharehub_letters_oldest_seconds", "How long the first letter that is due has been.")
WAITING = Gauge("sharehub_letters_waiting", "Letters that are due.")

log = structlog.get_logger("letters")


async def run_once(notices: Notices, now_ms: int) -> int:
    """How many have been attended to. One that fails delays itself alone."""
    async with notices.db.read() as cursor:
        due = await letter_store.due(cursor, now_ms, BATCH)
    turn = asyncio.Semaphore(AT_ONCE)
    outcomes = await asyncio.gather(*(_attend(notices, turn, letter, now_ms) for letter in due))
    async with notices.db.read() as cursor:
        waiting, since_ms = await letter_store.waiting(cursor, now_ms)
    WAITING.set(waiting)
    OLDEST.set(max(0, now_ms - since_ms) / 1000)
    return sum(outcome not in ("failed", "broken", posting.ELSEWHERE) for outcome in outcomes)


async def _attend(notices: Notices, turn: asyncio.Semaphore, letter: Due, now_ms: int) -> str:
    async with turn:
        try:
            outcome = await posting.attend(notices, letter, now_ms)
        except Unavailable as failure:
            log.warning("a letter waits", reason=failure.message)
            outcome = "broken"
        except Exception:
            log.exception("a letter broke", letter_id=str(int(letter.id)))
            outcome = "broken"
    LETTERS.labels(outcome).inc()
    return outcome
