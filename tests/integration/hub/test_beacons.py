"""Presence and typing: seen by the two parties alone, and gone by themselves."""

from __future__ import annotations

import asyncio

import pytest

from devkit.servers import Redis
from hub import beacons
from infra.process import Process, now_ms
from market.kernel.actor import Actor
from tests.integration.conftest import new_id, someone
from tests.integration.hub.conftest import Client, Frame, Hub
from tests.integration.hub.test_hub import by_topic, refusals, talk_of

pytestmark = pytest.mark.allow_blocking


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beacons, "LINGER_MS", 300)
    monkeypatch.setattr(beacons, "TYPING_MS", 300)


def who(frame: Frame) -> set[str]:
    """Whose light a push or a topic state shows."""
    lights = frame["payload"] if frame["op"] == "push" else frame["state"]
    return {light["user_id"] for light in lights}


async def sees(client: Client, topic: str, *people: Actor) -> Frame:
    """The push that shows exactly them."""
    wanted = {str(int(person.user_id)) for person in people}
    return await client.until(
        lambda f: f["op"] == "push" and f["topic"] == topic and who(f) == wanted
    )


async def test_the_parties_see_each_other_come_and_go(hub: Hub, process: Process) -> None:
    talk = await talk_of(process)
    topic = f"presence:{talk.id}"
    buyer = await hub.connect(talk.buyer, (topic, None))
    alone = await sees(buyer, topic, talk.buyer)
    assert alone["kind"] == "ephemeral"
    assert alone["epoch"]
    assert alone["expires_ms"] > now_ms()
    owner = await hub.connect(talk.owner)
    answer = by_topic(await owner.ask("subscribe", topics=[[topic, None]]))[topic]
    assert {light["user_id"] for light in answer["state"]} == {str(int(talk.buyer.user_id))}
    both = await sees(buyer, topic, talk.buyer, talk.owner)
    await owner.ws.close()
    leaving = await buyer.push(topic)
    ends = {light["user_id"]: light["until_ms"] for light in leaving["payload"]}
    was = {light["user_id"]: light["until_ms"] for light in both["payload"]}
    gone = str(int(talk.owner.user_id))
    assert ends[gone] < was[gone]  # it ends by itself; nobody has to say so


async def test_a_second_device_keeps_the_light_on(hub: Hub, process: Process) -> None:
    talk = await talk_of(process)
    topic = f"presence:{talk.id}"
    phone, tablet = (
        await hub.connect(talk.buyer, (topic, None)),
        await hub.connect(talk.buyer, (topic, None)),
    )
    owner = await hub.connect(talk.owner, (topic, None))
    await sees(owner, topic, talk.buyer, talk.owner)
    await phone.ask("unsubscribe", topics=[topic])
    await tablet.ask("unsubscribe", topics=[topic])
    leaving = await owner.push(topic)
    assert len(leaving["payload"]) == 2
    assert hub.node.beacons.is_lit(topic, int(talk.owner.user_id))
    assert not hub.node.beacons.is_lit(topic, int(talk.buyer.user_id))


async def test_typing_is_said_and_vanishes(hub: Hub, process: Process) -> None:
    talk = await talk_of(process)
    topic = f"typing:{talk.id}"
    buyer, owner = (
        await hub.connect(talk.buyer, (topic, None)),
        await hub.connect(talk.owner, (topic, None)),
    )
    await buyer.send({"op": "signal", "topic": topic})
    first = await sees(owner, topic, talk.buyer)
    await buyer.send({"op": "signal", "topic": topic, "on": False})
    second = await sees(owner, topic)
    assert second["version"] > first["version"]
    await buyer.send({"op": "signal", "topic": topic})
    await sees(owner, topic, talk.buyer)
    async with asyncio.timeout(10):
        while True:  # nobody says that it has ended
            late = await hub.connect(talk.owner, (topic, None))
            if not by_topic(late.frames[-1])[topic]["state"]:
                break
            await late.ws.close()


async def test_nobody_else_sees_or_says_anything(hub: Hub, process: Process) -> None:
    talk = await talk_of(process)
    presence, typing = f"presence:{talk.id}", f"typing:{talk.id}"
    stranger = await hub.connect(someone(), (presence, None), (typing, None))
    assert refusals(stranger.frames[-1]) == {presence: "not_found", typing: "not_found"}
    owner = await hub.connect(talk.owner, (typing, None), (f"typing:{new_id()}", None))
    assert list(refusals(owner.frames[-1]).values()) == ["not_found"]
    for topic in (typing, presence, "typing:", "x" * 9999):
        await stranger.send({"op": "signal", "topic": topic})
        error = await stranger.until(lambda f: f["op"] == "error")
        assert error["error"]["code"] == "not_found"
    assert not any(f["op"] == "push" for f in owner.frames)


async def test_presence_comes_back_after_redis_lost_it(
    hub: Hub, process: Process, redis_server: Redis
) -> None:
    talk = await talk_of(process)
    topic = f"presence:{talk.id}"
    buyer = await hub.connect(talk.buyer, (topic, None))
    before = await sees(buyer, topic, talk.buyer)
    redis_server.command("FLUSHALL")
    hub.node.beacons.refresh()
    after = await sees(buyer, topic, talk.buyer)
    assert after["epoch"] != before["epoch"]
