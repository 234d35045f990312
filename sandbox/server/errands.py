"""What the sandbox does after it has answered: refunds that settle, notifications that travel."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine

from aiohttp import web

log = logging.getLogger(__name__)


class Errands:
    """Background tasks that are kept, whose failures are logged, and which end with the server."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, errand: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(errand)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("an errand failed", exc_info=error)


ERRANDS = web.AppKey("errands", Errands)
