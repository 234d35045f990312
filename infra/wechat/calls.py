"""One call to WeChat, counted and timed, and tried a few times where it can be repeated safely: payments and refunds are
idempotent by the numbers we choose.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import TypeVar

import aiohttp
from prometheus_client import Counter, Histogram

from market.kernel.errors import MarketError

CALLS = Counter(
    "sharehub_wechat_calls_total",
    "Attempts to call WeChat: ok, refused (a definite no), failed (tried again) or abandoned.",
    ["api", "outcome"],
)
SECONDS = Histogram(
    "sharehub_wechat_call_seconds",
    "Seconds that one attempt took.",
    ["api"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0),
)

RETRIES = 3
FIRST_BACKOFF_S = 0.1  # then 0.2 and 0.4; the wait is drawn between half of it and all of it

T = TypeVar("T")


class TryAgain(Exception):
    """This attempt failed in a way that the next one may not."""


async def persistently(api: str, attempt: Callable[[], Awaitable[T]], chance: random.Random) -> T:
    """Runs `attempt` up to 1 + RETRIES times, with jittered backoff in between: it can be repeated safely.

    TryAgain, network errors and timeouts are tried again, and end as TryAgain. A MarketError is
    WeChat's definite answer and passes through at once.
    """
    for tried in range(RETRIES):
        try:
            return await once(api, attempt)
        except TryAgain:
            await asyncio.sleep(FIRST_BACKOFF_S * 2**tried * chance.uniform(0.5, 1.0))
    return await once(api, attempt)


async def once(api: str, attempt: Callable[[], Awaitable[T]]) -> T:
    """Runs `attempt`, and raises TryAgain for network errors and timeouts too."""
    outcome = "abandoned"
    started = perf_counter()
    try:
        result = await attempt()
        outcome = "ok"
        return result
    except MarketError:
        outcome = "refused"
        raise
    except (TryAgain, aiohttp.ClientError, TimeoutError, OSError) as problem:
        outcome = "failed"
        # The text of a network error may hold the URL, and with it the app secret: keep its
        # type only.
        reason = str(problem) if isinstance(problem, TryAgain) else type(problem).__name__
        raise TryAgain(reason) from None
    finally:
        CALLS.labels(api, outcome).inc()
        SECONDS.labels(api).observe(perf_counter() - started)
