"""Forgets sessions that have been over for longer than they are kept."""

from __future__ import annotations

from market.users import store
from market.users.wing import Rows

WING = "users"
EVERY_S = 60.0
BATCH = 1_000


async def run_once(users: Rows, now_ms: int) -> int:
    """How many."""
    async with users.db.read() as cursor:
        return await store.forget_sessions(cursor, now_ms - users.sessions_kept_ms, BATCH)
