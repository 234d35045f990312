"""Requests at their times, against a server that is as slow as the test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from loadtest.swarm import Requests, request


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async def echo(asked: web.Request) -> web.Response:
        body = await asked.json()
        await asyncio.sleep(body.get("slow_s", 0))
        headers = {"Seen": asked.headers["Idempotency-Key"]}
        return web.json_response(body, status=body.get("status", 200), headers=headers)

    async def hang_up(asked: web.Request) -> web.Response:
        assert asked.transport is not None
        asked.transport.abort()
        return web.Response()

    app = web.Application()
    app.router.add_post("/echo", echo)
    app.router.add_post("/hang-up", hang_up)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def requests(url: str) -> AsyncIterator[Requests]:
    requests = Requests([url], connections=2)
    yield requests
    await requests.stop()


def ask(body: bytes, path: str = "/echo") -> bytes:
    return request("POST", path, token="t", key="k", body=body)


async def test_answers_come_in_the_order_of_the_schedule(requests: Requests) -> None:
    bodies = [b'{"slow_s": 0.1}', b'{"status": 409}', b"{}"]
    answers = await requests.run([(0.0, ask(body)) for body in bodies])
    assert list(answers.status) == [200, 409, 200]
    assert answers.bodies == bodies
    assert min(answers.took_us) > 0
    assert answers.took_us[0] >= 100_000


async def test_a_lost_answer_is_told_and_does_not_end_the_run(requests: Requests) -> None:
    schedule = [(0.0, ask(b"{}", "/hang-up")), *[(0.0, ask(b"{}"))] * 4]
    answers = await requests.run(schedule)
    assert list(answers.status) == [0, 200, 200, 200, 200]
    assert list((await requests.run([(0.0, ask(b"{}"))] * 4)).status) == [200] * 4


async def test_lateness_shows_when_there_are_too_few_connections(requests: Requests) -> None:
    answers = await requests.run([(0.0, ask(b'{"slow_s": 0.1}'))] * 4)
    assert max(answers.late_us) >= 100_000
