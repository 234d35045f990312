"""The swarm against a server that says what the test wants it to say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from aiohttp import WSMsgType, web

from loadtest.swarm import Plan, Receipts, ShareHub, Swarm, percentile
from loadtest.swarm.frames import bounds, masked

FIRST = {"topic": "order:1:owner", "kind": "state", "version": 3, "state": {"any": "thing"}}
LOG = {"topic": "user:1", "kind": "log", "version": 4, "entries": []}


@dataclass
class Server:
    """Speaks the protocol to whoever comes, as the test goes."""

    url: str = ""
    sockets: asyncio.Queue[web.WebSocketResponse] = field(default_factory=asyncio.Queue)
    heard: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    left: asyncio.Queue[web.WebSocketResponse] = field(default_factory=asyncio.Queue)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["sharehub.v1.msgpack"], compress=False)
        await socket.prepare(request)
        self.sockets.put_nowait(socket)
        async for message in socket:
            assert message.type is WSMsgType.BINARY
            for frame in msgspec.msgpack.decode(message.data):
                self.heard.put_nowait(frame)
        self.left.put_nowait(socket)
        return socket


async def say(socket: web.WebSocketResponse, *frames: dict[str, Any]) -> None:
    await socket.send_bytes(msgspec.msgpack.encode(frames))


def push(topic: str, kind: str, version: int, committed_us: int = 1) -> dict[str, Any]:
    return {
        "op": "push", "topic": topic, "kind": kind, "version": version,
        "committed_us": committed_us, "payload": {"x": "y" * 300},
    }  # fmt: skip


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_get("/ws", server.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    await runner.cleanup()


@pytest.fixture
async def swarm(server: Server) -> AsyncIterator[Swarm]:
    async with Swarm(ShareHub, generators=1) as swarm:
        plan = Plan(
            id=1, urls=(server.url,), topics=("order:1:owner", "user:1"), token="a token"
        )  # fmt: skip
        await swarm.dial([plan], per_s=100)
        yield swarm


async def welcomed(server: Server, swarm: Swarm) -> web.WebSocketResponse:
    socket = await server.sockets.get()
    await server.heard.get()
    await say(socket, {"op": "connected", "topics": [FIRST, LOG], "refused": []})
    await swarm.all_live(timeout_s=10)
    return socket


async def test_the_handshake_hands_in_the_token_and_the_versions(
    server: Server, swarm: Swarm
) -> None:
    socket = await server.sockets.get()
    assert await server.heard.get() == {
        "op": "connect", "token": "a token", "topics": [["order:1:owner", None], ["user:1", None]],
    }  # fmt: skip
    await say(socket, {"op": "connected", "topics": [FIRST, LOG], "refused": []})
    await swarm.all_live(timeout_s=10)
    assert await swarm.versions() == {1: {"order:1:owner": 3, "user:1": 4}}


async def test_deliveries_are_recorded_and_judged(server: Server, swarm: Swarm) -> None:
    socket = await welcomed(server, swarm)
    await swarm.begin()
    await say(socket, push("order:1:owner", "state", 5, 1000), push("user:1", "log", 5))
    await say(socket, push("order:1:owner", "state", 5), push("order:1:owner", "state", 4))
    await say(socket, push("user:1", "log", 5), push("order:9:owner", "state", 4), {"op": "ping"})
    assert await server.heard.get() == {"op": "pong"}
    receipts = Receipts(await swarm.end(), lambda topic: topic.rpartition(":")[0])
    assert receipts.receivers == {("order:1", 5): 1, ("user", 5): 1}
    assert receipts.committed_us[("order:1", 5)] == 1000
    assert receipts.counts["pushes"] == 6
    assert receipts.counts["duplicates"] == 2
    assert receipts.counts["backwards"] == 1
    assert receipts.counts["strangers"] == 1
    assert await swarm.versions() == {1: {"order:1:owner": 5, "user:1": 5}}


async def test_a_gap_is_asked_about(server: Server, swarm: Swarm) -> None:
    socket = await welcomed(server, swarm)
    await say(socket, push("user:1", "log", 6))
    asked = await server.heard.get()
    assert (asked["op"], asked["topics"]) == ("subscribe", [["user:1", 4]])
    entries = [{"version": 5, "payload": {}}, {"version": 6, "payload": {}}]
    await say(
        socket,
        {
            "op": "subscribed",
            "id": asked["id"],
            "topics": [{**LOG, "version": 6, "entries": entries}],
        },
        {"op": "ping"},
    )
    assert await server.heard.get() == {"op": "pong"}
    assert (await swarm.versions())[1]["user:1"] == 6


async def test_who_is_dropped_resumes_with_its_versions(server: Server, swarm: Swarm) -> None:
    socket = await welcomed(server, swarm)
    await swarm.drop()
    assert await server.left.get() is socket
    await swarm.come_back(within_s=0.05)
    await server.sockets.get()
    assert (await server.heard.get())["topics"] == [["order:1:owner", 3], ["user:1", 4]]


@pytest.mark.parametrize(("code", "comes_back"), [(4000, True), (4002, True), (4503, False)])
async def test_close_codes_are_obeyed(
    server: Server, swarm: Swarm, code: int, comes_back: bool
) -> None:
    socket = await welcomed(server, swarm)
    await say(socket, {"op": "bye", "code": code, "reason": "", "retry_after_ms": 20})
    await socket.close(code=code)
    if comes_back:
        assert (await server.heard.get())["op"] == "connect"
    else:
        while not (await swarm.status()).ended:
            pass
    assert (await swarm.status()).counts[f"closed {code}"] == 1


async def test_an_expired_token_waits_for_a_new_one(server: Server, swarm: Swarm) -> None:
    socket = await welcomed(server, swarm)
    await socket.close(code=4100)
    await swarm.renew({1: "another"})
    assert (await server.heard.get())["token"] == "another"


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_frames_are_framed(size: int) -> None:
    frame = masked(2, b"x" * size)
    begin, end = bounds(frame, 0)
    # The client's own frames carry four bytes of mask between head and payload.
    assert (begin + 4, end + 4) == (len(frame) - size, len(frame))
    assert bounds(frame[: begin - 1], 0) == (0, 0)


def test_percentiles() -> None:
    values = [float(n) for n in range(1, 101)]
    assert [percentile(values, share) for share in (0.5, 0.99, 1.0)] == [50, 99, 100]
    assert percentile([], 0.5) == 0
