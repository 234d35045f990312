"""The one loop of all workers: run until nothing is left, then wait for a wake-up or the next round."""

from __future__ import annotations

import asyncio
import contextlib
import random
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
    """`run_once(now_ms)` does one batch and says how many things it did; 0 means nothing is left."""

    name: str
    run_once: Callable[[int], Awaitable[int]]
    every_s: float
    wake: asyncio.Event = field(default_factory=asyncio.Event)


async def forever(job: Job) -> None:
    """Until cancelled. A failing round is logged and tried again, ever later up to five seconds."""
    failures = 0
    while True:
        job.wake.clear()
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
            continue
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(job.wake.wait(), job.every_s)
