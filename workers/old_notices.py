"""Forgets notices that are older than they are kept for."""

from __future__ import annotations

from market.notices import pruning
from market.notices.wing import Notices

WING = "notices"
EVERY_S = 60.0


async def run_once(notices: Notices, now_ms: int) -> int:
    return await pruning.prune(notices, now_ms)
