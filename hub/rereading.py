"""Topics whose pushes leave the state out: it is read for those who watch, once for all that has changed meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from hub.topics import Topic

log = structlog.get_logger("hub")

PACE_S = 0.05
"""Between two readings: who comes alone is read at once, and in a crowd one reading serves many changes."""


class Rereading:
    """`read` brings topics up to date, given when each was last committed (UTC microseconds); what it cannot read now it sees
    to itself."""

    def __init__(self, read: Callable[[Mapping[str, int]], Awaitable[object]]) -> None:
        self._read = read
        self._told: dict[str, int] = {}
        self._someone = asyncio.Event()

    def note(self, topic: Topic, committed_us: int) -> None:
        self._told[topic.name] = committed_us
        self._someone.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._someone.wait()
            self._someone.clear()
            told, self._told = self._told, {}
            try:
                await self._read(told)
            except Exception:
                log.exception("cannot read what has changed", topics=len(told))
            await asyncio.sleep(PACE_S)
