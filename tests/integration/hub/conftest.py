"""A hub in this process, with a Redis of its own that may be killed, and clients that speak JSON by hand."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import structlog.testing
from aiohttp.test_utils import TestServer

from devkit.ports import free_port
from devkit.servers import Redis
from hub.app import NODE, make_app
from hub.node import Node
from infra.config import Config
from infra.process import Process, now_ms, open_process
from market.kernel.actor import Actor
from tests.integration.orders.conftest import orders as orders
from tests.integration.orders.conftest import scene as scene
from tests.integration.users.conftest import users as users

Frame = dict[str, Any]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with structlog.testing.capture_logs():
        yield


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    redis = Redis(tmp_path_factory.mktemp("hub-redis"), port=free_port(None))
    redis.start()
    yield redis
    redis.resume()
    redis.stop()


@pytest.fixture
def hub_config(environment: Mapping[str, str], redis_server: Redis) -> Config:
    small = {
        "HUB_HEARTBEAT_S": "1", "HUB_PONG_S": "1", "HUB_CONNECT_DEADLINE_S": "1", "HUB_MAX_TOPICS": "8",
        "HUB_MAILBOX_BYTES": "30000", "HUB_AUDIT_S": "3600", "REDIS_URL": redis_server.url,
    }  # fmt: skip
    return Config.from_environment(
        {**environment, **{f"SHAREHUB_{name}": value for name, value in small.items()}}
    )


@pytest.fixture
async def process(hub_config: Config) -> AsyncIterator[Process]:
    """Another process than the hub's, as the api or another hub would be; it publishes to the hub's Redis."""
    async with open_process(hub_config) as process:
        yield process


@pytest.fixture
async def mute(environment: Mapping[str, str]) -> AsyncIterator[Process]:
    """A process whose pushes never arrive: only comparing with MySQL tells of what it does."""
    async with open_process(
        Config.from_environment({**environment, "SHAREHUB_REDIS_URL": "redis://127.0.0.1:1/0"})
    ) as process:
        yield process


@dataclass(slots=True)
class Client:
    ws: aiohttp.ClientWebSocketResponse
    frames: list[Frame] = field(default_factory=list)
    pongs: bool = True
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def send(self, *frames: Frame) -> None:
        await self.ws.send_str(json.dumps(frames))

    async def until(self, wanted: Callable[[Frame], bool], timeout_s: float = 10) -> Frame:
        """The first frame from now on that is wanted; all are kept in `frames`."""
        async with asyncio.timeout(timeout_s):
            while True:
                message = await self.ws.receive()
                assert message.type is aiohttp.WSMsgType.TEXT, (message, self.ws.close_code)
                found: Frame | None = None
                for frame in json.loads(message.data):
                    self.frames.append(frame)
                    if frame["op"] == "ping" and self.pongs:
                        await self.send({"op": "pong"})
                    if found is None and wanted(frame):
                        found = frame
                if found is not None:
                    return found

    async def ask(self, op: str, **body: Any) -> Frame:
        id_ = next(self._ids)
        await self.send({"op": op, "id": id_, **body})
        return await self.until(lambda frame: frame.get("id") == id_)

    async def push(self, topic: str, timeout_s: float = 10) -> Frame:
        return await self.until(lambda f: f["op"] == "push" and f["topic"] == topic, timeout_s)

    async def closed(self, timeout_s: float = 10) -> int | None:
        """The close code; frames that come before are kept."""
        async with asyncio.timeout(timeout_s):
            while True:
                message = await self.ws.receive()
                if message.type is aiohttp.WSMsgType.CLOSE:
                    return int(message.data)
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return self.ws.close_code
                self.frames += json.loads(message.data)


@dataclass(slots=True)
class Hub:
    app: aiohttp.web.Application
    server: TestServer
    http: aiohttp.ClientSession
    process: Process

    @property
    def node(self) -> Node:
        return self.app[NODE]

    def token(self, who: Actor, at_ms: int | None = None) -> str:
        return self.process.tokens.access(who, at_ms or now_ms())

    async def open(self) -> Client:
        return Client(await self.http.ws_connect(self.server.make_url("/ws"), max_msg_size=0))

    async def connect(self, who: Actor, *topics: tuple[str, int | None]) -> Client:
        client = await self.open()
        await client.send({"op": "connect", "token": self.token(who), "topics": topics})
        await client.until(lambda frame: frame["op"] == "connected")
        return client

    async def ready(self) -> tuple[int, dict[str, Any]]:
        async with self.http.get(self.server.make_url("/readyz")) as answer:
            return answer.status, (await answer.json())["reasons"]


async def until_ready(hub: Hub) -> None:
    async with asyncio.timeout(10):
        while (await hub.ready())[0] != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@pytest.fixture
async def hub(hub_config: Config, process: Process) -> AsyncIterator[Hub]:
    app = await make_app(hub_config)
    server = TestServer(app)
    await server.start_server()
    async with aiohttp.ClientSession() as http:
        hub = Hub(app, server, http, process)
        await until_ready(hub)
        yield hub
    await server.close()
