"""The safety net of publishing: what has not come to Redis is published by the relay, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from devkit.ports import free_port
from infra.mysql.outbox import Published
from infra.process import Process, now_ms
from infra.redis.client import connect
from infra.redis.publish import PushScript, message
from market.kernel.facts import NoticeAdded
from market.kernel.ids import Id
from market.kernel.topics import Kind, Push
from tests.integration.conftest import new_id
from workers.republisher import Republisher

KIND = NoticeAdded.KIND
NOW_MS = now_ms()


@dataclass(slots=True)
class Offers:
    """In the publisher's place: what it was given."""

    offered: list[Published] = field(default_factory=list)

    def offer(self, wing: str, published: Sequence[Published]) -> None:
        self.offered.extend(published)


def changed(entity: Id, kind: Kind, version: int) -> Published:
    push = Push(topic=f"{kind}:{entity}", kind=kind, version=version, payload=version)
    return Published(new_id(), KIND, entity, version, NOW_MS, b"", (push,), b"", seq=version)


async def test_what_has_not_been_published_is_when_the_relay_goes_on_and_nothing_else(
    process: Process, script: PushScript
) -> None:
    entity = new_id()
    facts = [
        *(changed(entity, "log", version) for version in (6, 7)),
        *(changed(entity, "state", version) for version in (1, 2, 3)),
    ]
    heard: list[bytes] = []
    async with process.redis.pubsub() as listening:
        await listening.psubscribe(f"*{entity}*")
        await script.send([facts[1], facts[3]])
        offers = Offers()
        republisher = Republisher(process.redis, script, offers)
        for _ in range(2):
            await republisher.check("ratings", facts, NOW_MS)
        await process.redis.publish(f"end:{entity}", b"end")
        async for said in listening.listen():
            if said["data"] == b"end":
                break
            if said["type"] == "pmessage":
                heard.append(said["data"])
    # Lines are known one by one, states by the newest.
    published = [facts[1], facts[3], facts[0], facts[4]]
    assert heard == [message(fact.pushes[0], fact.committed_us) for fact in published]
    assert offers.offered == []  # nothing is left to a process that may die


async def test_when_redis_does_not_say_everything_is_published(script: PushScript) -> None:
    fact = changed(new_id(), "state", 1)
    offers = Offers()
    nowhere = connect(f"redis://127.0.0.1:{free_port()}/0", timeout_s=0.25)
    republisher = Republisher(nowhere, script, offers)
    await republisher.check("ratings", [fact], NOW_MS)
    await republisher.check("ratings", [fact], NOW_MS + 1)  # not asked again so soon
    assert offers.offered == [fact, fact]
    await nowhere.aclose()
