"""What goes to the hubs over a real Redis: newest state wins, log lines once each, and nobody waits for a dead Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from devkit.servers import PrivateServers
from infra import wire
from infra.mysql.outbox import Published
from infra.process import Process
from infra.redis import keys
from infra.redis.client import connect
from infra.redis.publish import Publisher, PushScript
from market.kernel.ids import Id
from market.kernel.topics import Kind, Push
from tests.integration.conftest import new_id


class Ear:
    """Hears one topic's channel."""

    def __init__(self, pubsub: Any) -> None:
        self._pubsub = pubsub

    async def next(self) -> Any:
        async with asyncio.timeout(5):
            while True:
                message = await self._pubsub.get_message(ignore_subscribe_messages=True, timeout=5)
                if message is not None:
                    return msgspec.msgpack.decode(message["data"])

    async def nothing(self) -> None:
        """All that was published has been heard: a mark of our own comes next."""
        await self._pubsub.ping()
        message = await self._pubsub.get_message(ignore_subscribe_messages=False, timeout=5)
        assert message["type"] == "pong", message


@pytest.fixture
def topic() -> str:
    return f"test:{new_id()}"


@pytest.fixture
def script(process: Process) -> PushScript:
    return PushScript(process.redis)


@pytest.fixture
async def ear(process: Process, topic: str) -> AsyncIterator[Ear]:
    async with process.redis.pubsub() as pubsub:
        await pubsub.subscribe(keys.channel(topic))
        assert (await pubsub.get_message(timeout=5))["type"] == "subscribe"
        yield Ear(pubsub)


def item(
    topic: str,
    kind: Kind,
    version: int,
    payload: object,
    *,
    key: str | None = None,
    fact: Id | None = None,
) -> Published:
    push = Push(topic=topic, kind=kind, version=version, payload=payload, key=key)
    return Published(
        fact or new_id(), "x", Id(1), version, 123, b"", (push,), wire.msgpack((push,))
    )


async def test_a_message_says_all_that_a_hub_needs(
    script: PushScript, ear: Ear, topic: str
) -> None:
    await script.send([item(topic, "state", 3, {"id": Id(2**62)})])
    assert await ear.next() == ["state", 3, None, 0, 123, {"id": str(2**62)}]


async def test_of_a_state_only_what_is_newer_is_published(
    script: PushScript, ear: Ear, topic: str
) -> None:
    await script.send(
        [item(topic, "state", version, version) for version in (2, 1, 2, 5, 4, 3, 5, 6)]
    )
    assert [(await ear.next())[1] for _ in range(3)] == [2, 5, 6]
    await script.send(
        [item(topic, "state", 6, "again"), item(topic, "state", 10, "ten")]
    )  # not as text: "10" < "6"
    assert (await ear.next())[1] == 10
    await ear.nothing()


async def test_a_log_line_is_published_once_in_whatever_order(
    script: PushScript, ear: Ear, topic: str
) -> None:
    lines = {n: item(topic, "log", n, f"line {n}") for n in (5, 6, 7)}
    for n in (7, 5, 7, 6, 5, 6, 7):
        await script.send([lines[n]])
    assert [(await ear.next())[1] for _ in range(3)] == [7, 5, 6]
    await ear.nothing()


async def test_keyed_items_each_have_their_own_newest(
    script: PushScript, ear: Ear, topic: str
) -> None:
    await script.send(
        [
            item(topic, "keyed", v, None, key=k)
            for k, v in (("a", 2), ("b", 1), ("a", 1), ("a", 3), ("b", 1))
        ]
    )
    assert [(await ear.next())[1:3] for _ in range(3)] == [[2, "a"], [1, "b"], [3, "a"]]
    await ear.nothing()


async def test_topics_do_not_mix(script: PushScript, ear: Ear, topic: str) -> None:
    await script.send([item(f"{topic}0", "state", 9, "other"), item(topic, "state", 1, "mine")])
    assert (await ear.next())[5] == "mine"


async def test_what_is_remembered_is_forgotten_by_itself(
    process: Process, script: PushScript, topic: str
) -> None:
    line = item(topic, "log", 1, "x")
    await script.send([item(topic, "state", 1, "x"), line])
    for key in (keys.newest(topic), keys.log_entry(topic, line.fact_id)):
        assert 0 < await process.redis.ttl(key) <= 3600


async def test_a_redis_that_has_forgotten_its_scripts_is_taught_again(
    process: Process, script: PushScript, ear: Ear, topic: str
) -> None:
    await script.send([item(topic, "state", 1, "one")])
    await process.redis.script_flush()
    await script.send([item(topic, "state", 2, "two")])
    assert [(await ear.next())[1] for _ in range(2)] == [1, 2]


async def test_wake_ups_travel_along(process: Process, topic: str) -> None:
    async with process.redis.pubsub() as pubsub:
        await pubsub.subscribe(keys.wake("outbox", "orders"), keys.wake("inbox", "chat"))
        process.publisher.offer("orders", [item(topic, "state", 1, "x")])
        process.publisher.wake(keys.wake("inbox", "chat"))
        heard: set[str] = set()
        async with asyncio.timeout(5):
            while len(heard) < 2:
                message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=5)
                if message is not None:
                    heard.add(message["channel"].decode())
        assert heard == {"w:outbox:orders", "w:inbox:chat"}


async def test_keys_of_one_topic_share_a_slot() -> None:
    for name in (keys.newest("chat:1"), keys.log_entry("chat:1", 5), keys.channel("chat:1")):
        assert "{chat:1}" in name
    assert "{hold:7}" in keys.leases(7)
    assert "{hold:7}" in keys.channel("hold:7")
    assert keys.topic_of(keys.channel("order:1:buyer")) == "order:1:buyer"


@pytest.mark.slow
@pytest.mark.allow_blocking
@pytest.mark.parametrize("how", ["killed", "paused"])
async def test_offering_never_waits_and_never_fails_and_goes_on_afterwards(
    how: str, tmp_path_factory: pytest.TempPathFactory, topic: str
) -> None:
    servers = PrivateServers(tmp_path_factory.mktemp("redis"))
    await asyncio.to_thread(servers.redis.start)
    redis = connect(servers.redis.url)
    publisher = Publisher(redis)
    running = asyncio.create_task(publisher.run())
    try:
        publisher.offer("orders", [item(topic, "state", 1, "before")])
        async with asyncio.timeout(5):
            while await redis.hget(keys.newest(topic), "v") != b"1":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await asyncio.to_thread(servers.redis.kill if how == "killed" else servers.redis.pause)
        started = time.perf_counter()
        for n in range(12_000):  # more than the queue takes
            publisher.offer("orders", [item(topic, "state", 2 + n, "lost")])
        assert time.perf_counter() - started < 2
        await asyncio.sleep(1.5)
        assert not running.done()
        await asyncio.to_thread(servers.redis.start if how == "killed" else servers.redis.resume)
        async with asyncio.timeout(10):
            n = 100_000
            while await redis.hget(keys.newest(topic), "v") != str(n).encode():
                n += 1
                publisher.offer("orders", [item(topic, "state", n, "after")])
                await asyncio.sleep(0.1)
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await redis.aclose()
        await asyncio.to_thread(servers.redis.resume)
        await asyncio.to_thread(servers.redis.stop)
