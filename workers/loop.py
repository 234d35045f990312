"""The one loop of all workers: run until nothing is left, then wait for a wake-up or the next round.

A job with a pace gathers: the first thing after a silence is done at once, and under load its rounds begin that far apart
and take everything there is, since a round costs more than one thing more in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog
from prometheus_client import Counter, Gauge

from infra.process import now_ms
from market.kernel.errors import Unavailable

log = structlog.get_logger("worker")

DONE = Counter("sharehub_worker_done_total", "Things done by workers.", ["job"])
ERRORS = Counter("sharehub_worker_errors_total", "Rounds that failed.", ["job"])
LAST_OK = Gauge(
    "sharehub_worker_last_ok_seconds", "Unix time of the last round that did not fail.", ["job"]
)

LONGEST_PAUSE_S = 5.0


@dataclass(slots=True)
class Job:
    """`run_once(now_ms)` does one batch and says how many things it did; 0 means nothing is left.

    After a round that did something, the next begins `pace_s` after that one's beginning; at once if it did `full` or more.
    """

    name: str
    run_once: Callable[[int], Awaitable[int]]
    every_s: float
    pace_s: float = 0.0
    full: int = 1
    wake: asyncio.Event = field(default_factory=asyncio.Event)


async def forever(job: Job) -> None:
    """Until cancelled. A failing round is logged and tried again, ever later up to five seconds."""
    failures = 0
    while True:
        job.wake.clear()
        began_s = time.monotonic()
        try:
            done = await job.run_once(now_ms())
        except asyncio.CancelledError:
            raise
        except Exception as error:
            failures += 1
            ERRORS.labels(job.name).inc()
            if isinstance(error, Unavailable):
                log.warning("cannot work now", job=job.name, error=error.message)
            else:
                log.exception("round failed", job=job.name)
            pause = min(LONGEST_PAUSE_S, 0.1 * 2 ** min(failures, 10))
            await asyncio.sleep(random.uniform(pause / 2, pause))
            continue
        failures = 0
        LAST_OK.labels(job.name).set_to_current_time()
        if done:
            DONE.labels(job.name).inc(done)
            pause = began_s + job.pace_s - time.monotonic()
            if pause > 0 and done < job.full:
                await asyncio.sleep(pause)
            continue
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(job.wake.wait(), job.every_s)
