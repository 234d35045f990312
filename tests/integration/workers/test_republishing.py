"""The safety net of publishing: what has not come to Redis is published by the relay, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from devkit.ports import free_port
from infra.mysql.outbox import Published
from infra.process import Process, now_ms
from infra.redis.client import connect
from infra.redis.publish import PushScript
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


@pytest.fixture
def script(process: Process) -> PushScript:
    return PushScript(process.redis)


async def test_only_what_has_not_been_published_is_published_by_the_relay(
    process: Process, script: PushScript
) -> None:
    entity = new_id()
    facts = [
        *(changed(entity, "log", version) for version in (6, 7)),
        *(changed(entity, "state", version) for version in (1, 2, 3)),
    ]
    await script.send([facts[1], facts[3]])
    offers = Offers()
    republisher = Republisher(process.redis, offers)
    await republisher.check("ratings", facts, NOW_MS)
    assert offers.offered == [
        facts[0],
        facts[4],
    ]  # lines are known one by one, states by the newest
    await script.send(offers.offered)
    await republisher.check("ratings", facts, NOW_MS)
    assert len(offers.offered) == 2


async def test_when_redis_does_not_say_everything_is_published(process: Process) -> None:
    fact = changed(new_id(), "state", 1)
    offers = Offers()
    nowhere = connect(f"redis://127.0.0.1:{free_port()}/0", timeout_s=0.25)
    republisher = Republisher(nowhere, offers)
    await republisher.check("ratings", [fact], NOW_MS)
    await republisher.check("ratings", [fact], NOW_MS + 1)  # not asked again so soon
    assert offers.offered == [fact, fact]
    await nowhere.aclose()
