"""The one loop of all workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
import structlog.testing

from market.kernel.errors import Unavailable
from workers import loop
from workers.loop import Job, forever


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with structlog.testing.capture_logs():
        yield


@asynccontextmanager
async def running(job: Job) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(forever(job))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def counting(
    results: list[int | Exception], rounds: asyncio.Queue[int]
) -> Callable[[int], Awaitable[int]]:
    async def run_once(now_ms: int) -> int:
        assert now_ms > 1_700_000_000_000
        rounds.put_nowait(now_ms)
        result = results.pop(0) if results else 0
        if isinstance(result, Exception):
            raise result
        return result

    return run_once


async def test_it_goes_on_until_nothing_is_left_then_waits_for_a_wake_up() -> None:
    rounds: asyncio.Queue[int] = asyncio.Queue()
    job = Job("test", counting([5, 5, 0], rounds), every_s=3600)
    async with running(job), asyncio.timeout(5):
        for _ in range(3):
            await rounds.get()
        await asyncio.sleep(0.05)
        assert rounds.empty()
        job.wake.set()
        await rounds.get()
        await asyncio.sleep(0.05)
        assert rounds.empty()


async def test_it_looks_again_by_itself() -> None:
    rounds: asyncio.Queue[int] = asyncio.Queue()
    async with running(Job("test", counting([], rounds), every_s=0.01)), asyncio.timeout(5):
        for _ in range(3):
            await rounds.get()


async def test_a_wake_up_during_a_round_is_not_lost() -> None:
    rounds: asyncio.Queue[int] = asyncio.Queue()

    async def run_once(now_ms: int) -> int:
        if rounds.empty():
            job.wake.set()
        rounds.put_nowait(now_ms)
        return 0

    job = Job("test", run_once, every_s=3600)
    async with running(job), asyncio.timeout(5):
        while rounds.qsize() < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_under_load_rounds_keep_their_pace_but_a_full_one_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", noted)
    rounds: asyncio.Queue[int] = asyncio.Queue()
    job = Job("test", counting([500, 500, 3, 2, 0], rounds), every_s=3600, pace_s=60, full=500)
    async with running(job), asyncio.timeout(5):
        for _ in range(5):
            await rounds.get()
    assert len(pauses) == 2
    assert all(59 < pause <= 60 for pause in pauses)


@pytest.mark.parametrize("error", [ValueError("bug"), Unavailable("away")])
async def test_a_failing_round_is_tried_again_ever_later(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", noted)
    rounds: asyncio.Queue[int] = asyncio.Queue()
    async with (
        running(Job("test", counting([error] * 12, rounds), every_s=3600)),
        asyncio.timeout(5),
    ):
        for _ in range(13):
            await rounds.get()
    assert len(pauses) == 12
    for n, pause in enumerate(pauses, start=1):
        longest = min(loop.LONGEST_PAUSE_S, 0.1 * 2**n)
        assert longest / 2 <= pause <= longest
