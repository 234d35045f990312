"""The comparison's parts: pinned software, the plan that all emitters follow, and the peers' protocol."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import socketio  # type: ignore[import-untyped]
from aiohttp import web

from devkit.ports import free_port
from devkit.servers import Redis
from infra.redis import keys
from infra.redis.client import connect
from loadtest.peers import install
from loadtest.peers.dialect import SocketIo
from loadtest.peers.ours import Ours
from loadtest.peers.pace import last_versions, schedule
from loadtest.swarm import Plan, Swarm

HERE = Path(install.__file__).parent
PLAN = {"rooms": ["a", "b", "c"], "rate": 4, "seconds": 2, "wide": "w", "version": 100}
PUSH = {
    "topic": "a", "kind": "state", "version": 7, "payload": {"state": "ready"}, "committed_us": 5,
}  # fmt: skip


def test_a_plan_is_emitted_at_its_rate_and_the_wide_topic_in_between() -> None:
    assert list(schedule(PLAN)) == [
        (0.0, "a"), (0.25, "b"), (0.5, "c"), (0.5, "w"), (0.75, "a"),
        (1.0, "b"), (1.25, "c"), (1.5, "a"), (1.5, "w"), (1.75, "b"),
    ]  # fmt: skip


def test_one_knows_which_version_of_each_topic_comes_last() -> None:
    assert last_versions(PLAN) == {"a": 107, "b": 109, "c": 106, "w": 108}


def test_the_wide_topic_may_be_alone_and_may_be_missing() -> None:
    assert [topic for _, topic in schedule({**PLAN, "rate": 0})] == ["w", "w"]
    assert "w" not in [topic for _, topic in schedule({**PLAN, "wide": None})]


def test_the_peers_are_pinned() -> None:
    lines = (HERE / "requirements.txt").read_text().splitlines()
    for line in filter(None, lines):
        assert line.startswith("#") or re.fullmatch(r"[\w-]+==[\w.]+", line), line
    wanted = json.loads((HERE / "package.json").read_text())["dependencies"]
    locked = json.loads((HERE / "package-lock.json").read_text())["packages"]
    assert wanted == {name: locked[f"node_modules/{name}"]["version"] for name in wanted}
    assert all("integrity" in entry for path, entry in locked.items() if path)
    assert not any("resolved" in entry for entry in locked.values())


def test_what_is_missing_is_said_with_the_command_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(install.InstallError, match="apt-get install nodejs npm"):
        install.node(print)


def test_an_environment_is_made_again_only_when_its_pins_change(tmp_path: Path) -> None:
    pins, place = tmp_path / "pins", tmp_path / "place"
    pins.write_text("one")
    with pytest.raises(OSError), install.Stamp(place, pins):
        raise OSError  # half made is not made
    with install.Stamp(place, pins) as stamp:
        assert stamp.is_stale
        place.mkdir()
    assert not install.Stamp(place, pins).is_stale
    pins.write_text("two")
    assert install.Stamp(place, pins).is_stale


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    with Redis(tmp_path, port=free_port()) as redis:
        yield redis


async def test_our_emitter_publishes_where_hubs_listen(redis: Redis, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    topics: dict[str, Any] = {"rooms": ["calendar:1"], "wide": "calendar:2"}
    plan.write_text(
        json.dumps({**PLAN, **topics, "rate": 2, "seconds": 1, "payload": {}, "redis": redis.url})
    )
    client = connect(redis.url)
    async with client.pubsub() as heard:
        await heard.subscribe(*(keys.channel(topic) for topic in ("calendar:1", "calendar:2")))
        command, env = Ours(print).emitter(plan)
        process = await asyncio.create_subprocess_exec(*map(str, command), env=dict(env))
        channels = []
        async for message in heard.listen():
            if message["type"] == "message":
                channels.append(message["channel"])
            if len(channels) == 3:
                break
        assert await process.wait() == 0
    await client.aclose()
    assert sorted(channels) == [b"t:{calendar:1}", b"t:{calendar:1}", b"t:{calendar:2}"]


@pytest.fixture
async def server() -> AsyncIterator[tuple[str, Any]]:
    """A python-socketio server with the handler that the comparison's servers have."""
    server = socketio.AsyncServer(async_mode="aiohttp", transports=["websocket"], ping_interval=0.1)

    async def join(client: str, rooms: list[str]) -> int:
        for room in rooms:
            await server.enter_room(client, room)
        return len(rooms)

    server.on("join", handler=join)
    app = web.Application()
    server.attach(app)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", server
    await server.shutdown()
    await runner.cleanup()


async def test_the_swarm_speaks_socket_io(server: tuple[str, Any]) -> None:
    url, sio = server
    async with Swarm(SocketIo, generators=1) as swarm:
        plans = [Plan(id=n, urls=(url,), topics=(room, "w")) for n, room in enumerate("aab")]
        await swarm.dial(plans, per_s=100)
        await swarm.all_live(timeout_s=10)
        await swarm.begin()
        await sio.emit("push", PUSH, room="a")
        await sio.emit("push", {**PUSH, "topic": "w", "version": 8}, room="w")
        everybody: dict[int, dict[str, int | None]] = {
            0: {"a": 7, "w": 8}, 1: {"a": 7, "w": 8}, 2: {"b": None, "w": 8},
        }  # fmt: skip
        while await swarm.versions() != everybody or not (await swarm.status()).counts["ping"]:
            pass  # asking is a round trip
        (window,) = await swarm.end()
        assert list(window.committed_us) == [5] * 5
        assert (await swarm.status()).live == 3
