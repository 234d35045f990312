from __future__ import annotations

import random

import aiohttp
import pytest
from prometheus_client import REGISTRY

from infra.wechat.calls import RETRIES, TryAgain, persistently
from market.kernel.errors import Conflict

pytestmark = pytest.mark.timeout(10)


class Steps:
    """Fails with each of `failures` in turn, and then answers "done"."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.tried = 0

    async def __call__(self) -> str:
        self.tried += 1
        if self._failures:
            raise self._failures.pop(0)
        return "done"


def counted(api: str, outcome: str) -> float:
    labels = {"api": api, "outcome": outcome}
    return REGISTRY.get_sample_value("sharehub_wechat_calls_total", labels) or 0.0


def timed(api: str) -> float:
    return REGISTRY.get_sample_value("sharehub_wechat_call_seconds_count", {"api": api}) or 0.0


async def test_passing_failures_are_tried_again_counted_and_timed() -> None:
    steps = Steps(TryAgain("busy"), aiohttp.ClientConnectionError(), TimeoutError())
    assert await persistently("probe-passing", steps, random.Random(1)) == "done"
    assert steps.tried == RETRIES + 1
    assert counted("probe-passing", "failed") == 3
    assert counted("probe-passing", "ok") == 1
    assert timed("probe-passing") == 4


async def test_retries_are_bounded_and_keep_urls_to_themselves() -> None:
    steps = Steps(*[OSError("https://x/?secret=hush")] * 10)
    with pytest.raises(TryAgain) as given_up:
        await persistently("probe-lasting", steps, random.Random(1))
    assert steps.tried == RETRIES + 1
    assert "hush" not in str(given_up.value)


async def test_a_definite_no_is_heard_at_once() -> None:
    steps = Steps(Conflict(code="ORDERPAID"))
    with pytest.raises(Conflict):
        await persistently("probe-refused", steps, random.Random(1))
    assert steps.tried == 1
    assert counted("probe-refused", "refused") == 1


async def test_a_bug_is_not_retried() -> None:
    steps = Steps(KeyError("ours"))
    with pytest.raises(KeyError):
        await persistently("probe-bug", steps, random.Random(1))
    assert steps.tried == 1
    assert counted("probe-bug", "abandoned") == 1
