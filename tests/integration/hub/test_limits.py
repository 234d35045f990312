"""What one user, one address and one connection may ask for; and that all nodes count together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import aiohttp
import pytest
from prometheus_client import REGISTRY

from devkit.servers import Redis
from hub.limits import Buckets
from infra.config import Config
from infra.process import Process
from tests.integration.conftest import someone
from tests.integration.hub.conftest import Hub

pytestmark = pytest.mark.allow_blocking  # scripts and wings are opened here

PER_S, BURST = 1.0, 10


@pytest.fixture
def hub_config(hub_config: Config) -> Config:
    small = {
        "SHAREHUB_HUB_MAX_PER_USER": "2", "SHAREHUB_HUB_MAX_PER_ADDRESS": "3", "SHAREHUB_HUB_MAX_CONNECTIONS": "5",
        "SHAREHUB_HUB_ADDRESS_HEADER": "X-Forwarded-For", "SHAREHUB_HUB_COMMANDS_PER_S": str(PER_S),
        "SHAREHUB_HUB_COMMAND_BURST": str(BURST),
    }  # fmt: skip
    return Config.from_environment({**hub_config.environment, **small})


@contextmanager
def refused(limit: str, times: int = 1) -> Iterator[None]:
    """The metric says so too."""

    def count() -> float:
        return REGISTRY.get_sample_value("sharehub_hub_refused_total", {"limit": limit}) or 0.0

    before = count()
    yield
    assert count() - before == times


async def knock(hub: Hub, address: str) -> aiohttp.ClientWebSocketResponse:
    return await hub.http.ws_connect(
        hub.server.make_url("/ws"), headers={"X-Forwarded-For": f"10.9.9.9, {address}"}
    )


async def test_of_too_many_devices_the_oldest_gives_way(hub: Hub) -> None:
    me = someone()
    first, second = await hub.connect(me), await hub.connect(me)
    with refused("connections_of_user"):
        third = await hub.connect(me)
    assert await first.closed() == 4504
    for device in (second, third):
        assert (await device.ask("unsubscribe", topics=[]))["op"] == "unsubscribed"


async def test_an_address_has_so_many_sockets_and_others_are_not_hurt(hub: Hub) -> None:
    mine = [await knock(hub, "10.0.0.1") for _ in range(3)]
    with refused("connections_of_address"), pytest.raises(aiohttp.WSServerHandshakeError) as no:
        await knock(hub, "10.0.0.1")
    assert no.value.status == 429
    assert no.value.headers is not None
    assert int(no.value.headers["Retry-After"]) > 0
    await (await knock(hub, "10.0.0.2")).close()
    await mine.pop().close()
    mine.append(await knock(hub, "10.0.0.1"))
    for socket in mine:
        await socket.close()


async def test_a_full_node_sends_people_elsewhere(hub: Hub) -> None:
    inside = [await knock(hub, f"10.0.1.{n}") for n in range(5)]
    with refused("connections"), pytest.raises(aiohttp.WSServerHandshakeError) as no:
        await knock(hub, "10.0.1.9")
    assert no.value.status == 503
    for socket in inside:
        await socket.close()


async def test_what_is_asked_too_fast_is_refused_and_the_connection_lives(hub: Hub) -> None:
    me = someone()
    one, other = await hub.connect(me), await hub.connect(me)
    replies = [
        await device.ask("command", name="users.logout", key=None)
        for device in (one, other) * BURST
    ]
    codes = [reply["error"]["code"] for reply in replies]
    assert codes.count("rate_limited") >= BURST - 1  # a token or two may have come meanwhile
    assert set(codes) == {"key_required", "rate_limited"}
    limited = next(r for r in replies if r["error"]["code"] == "rate_limited")["error"]
    assert limited["retryable"]
    assert limited["data"] == {"per_second": PER_S}
    assert (await one.ask("unsubscribe", topics=[]))["op"] == "unsubscribed"
    assert (await one.ask("subscribe", topics=[]))["error"]["code"] == "rate_limited"


@pytest.fixture
async def nodes(process: Process) -> tuple[Buckets, Buckets]:
    return Buckets(process.redis, PER_S, BURST), Buckets(process.redis, PER_S, BURST)


async def test_nodes_count_together(nodes: tuple[Buckets, Buckets]) -> None:
    one, other = nodes
    user = int(someone().user_id)
    assert all(one.spend(user, 100.0) for _ in range(BURST))
    assert not one.spend(user, 100.0)
    await one.settle(100.0)
    assert other.spend(user, 100.0)  # it does not know yet
    await other.settle(100.0)
    assert not other.spend(user, 100.0)
    assert other.spend(user + 1, 100.0)


async def test_without_redis_each_node_counts_alone(
    nodes: tuple[Buckets, Buckets], redis_server: Redis
) -> None:
    one, _ = nodes
    user = int(someone().user_id)
    await asyncio.to_thread(redis_server.kill)
    try:
        for _ in range(BURST):
            assert one.spend(user, 100.0)
            await one.settle(100.0)
        assert not one.spend(user, 100.0)
        assert one.spend(user, 100.0 + 2 / PER_S)
        await one.settle(102.0)
    finally:
        await asyncio.to_thread(redis_server.start)


async def test_somebody_elses_token_is_not_a_refresh(hub: Hub) -> None:
    me = someone()
    client = await hub.connect(me)
    answer = await client.ask(
        "refresh", token=hub.token(replace(me, session_id=someone().session_id))
    )
    assert answer["error"]["code"] == "unauthenticated"
    assert (await client.ask("refresh", token=hub.token(me)))["op"] == "refreshed"
