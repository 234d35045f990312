"""What is said while Redis is slow or away reaches those who watch, and those alone are waited for."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY

from devkit.servers import Redis
from infra.config import Config
from infra.process import Process
from market.orders.wing import open_wing as open_orders
from tests.integration.hub.conftest import Hub
from tests.integration.orders.conftest import Scene

pytestmark = pytest.mark.allow_blocking


@pytest.fixture
def hub_config(hub_config: Config) -> Config:
    patient = {"SHAREHUB_HUB_IDLE_TOPIC_S": "0.2", "SHAREHUB_HUB_HEARTBEAT_S": "60"}
    return Config.from_environment({**hub_config.environment, **patient})


def resubscriptions() -> float:
    return REGISTRY.get_sample_value("sharehub_hub_resubscriptions_total") or 0.0


async def test_a_topic_given_up_meanwhile_holds_up_no_healing(
    hub: Hub, scene: Scene, mute: Process, redis_server: Redis
) -> None:
    order = await scene.create()
    mine = f"order:{order.order_id}:buyer"
    client = await hub.connect(scene.buyer, (mine, None))
    theirs = f"order:{order.order_id}:owner"
    leaving = await hub.connect(scene.owner, (theirs, None))
    scene.orders = await open_orders(mute)
    before = resubscriptions()
    redis_server.pause()
    try:
        await scene.pay(order)  # nobody hears of it
        async with asyncio.timeout(10):
            while resubscriptions() == before:  # noqa: ASYNC110  (a new connection, which Redis does not answer)
                await asyncio.sleep(0.05)
        await leaving.ws.close()
        async with asyncio.timeout(10):
            while hub.node.topics.get(theirs) is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    finally:
        redis_server.resume()
    assert (await client.push(mine, timeout_s=5))["version"] == 2


async def test_what_was_said_before_a_slow_redis_had_heard_of_us(
    hub: Hub, scene: Scene, mute: Process, redis_server: Redis
) -> None:
    order = await scene.create()
    mine = f"order:{order.order_id}:buyer"
    client = await hub.connect(scene.buyer)
    scene.orders = await open_orders(mute)
    redis_server.pause()
    try:
        joined = await client.ask("subscribe", topics=[[mine, None]])
        assert joined["topics"][0]["version"] == 1
        await scene.pay(order)
    finally:
        redis_server.resume()
    assert (await client.push(mine, timeout_s=5))["version"] == 2
