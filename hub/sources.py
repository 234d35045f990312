"""Where a topic's truth is read: the views of the wing that owns it.

Whoever asks within one turn of the loop, or while a wing's readers are busy, is read together with the others: a thousand clients
that come back at once cost a few statements. A read may be joined only before it has begun.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

import structlog
from prometheus_client import Counter

from hub import beacons
from infra.mysql import versions
from market.chat import views as chat
from market.kernel.errors import MarketError
from market.kernel.topics import Snapshot, Want
from market.listings import views as listings
from market.notices import views as notices
from market.orders import views as orders
from market.users import views as users

log = structlog.get_logger("sources")

BATCH = 250
READERS = 2
"""Reads at once for one wing: one more than one, so that a slow one does not hold up the next."""
HEADS = 300
"""Rows are decoded in one go, some 10 us each, and meanwhile nobody is served."""
TIMEOUT_S = 5.0

T = TypeVar("T")

READS = Counter("sharehub_hub_reads_total", "Topics read from MySQL, by how.", ["how"])
READ_ALONE, READ_SHARED = READS.labels("read"), READS.labels("shared")

Snapshots = Callable[[Any, Sequence[Want], int], Awaitable[list[Snapshot]]]


@dataclass(frozen=True, slots=True)
class Owner:
    wing: str
    snapshot: Snapshots
    versions: str | None
    """The statement to compare by; None: always read in full."""


OWNERS: dict[str, Owner] = {
    prefix: Owner(wing, views.snapshot, views.VERSIONS.get(prefix))
    for wing, views in (
        ("users", users), ("listings", listings), ("orders", orders), ("chat", chat), ("notices", notices),
        ("beacons", beacons),
    )
    for prefix in views.TOPICS
}  # fmt: skip
"""topic prefix -> where to ask."""


class Missing(Enum):
    TOPIC = "there is no such topic"
    DATABASE = "it cannot be read now"


Answer = Snapshot | Missing


@dataclass(slots=True)
class _Reader:
    """One wing's queue. A layer holds each topic once, so two askers with different versions wait in different layers."""

    owner: Owner
    layers: list[dict[str, tuple[Want, asyncio.Future[Answer]]]] = field(default_factory=list)
    reading: int = 0
    scheduled: bool = False


class Sources:
    def __init__(self, wings: Mapping[str, Any], now_ms: Callable[[], int]) -> None:
        self._wings = wings
        self._now_ms = now_ms
        self._readers = {owner.wing: _Reader(owner) for owner in OWNERS.values()}
        self._tasks: set[asyncio.Task[None]] = set()

    async def read(self, wants: Iterable[Want]) -> tuple[dict[str, Snapshot], set[str]]:
        """(snapshots by topic, topics that could not be read now). A topic in neither does not exist."""
        asked = [
            (want.topic, self._ask(owner, want))
            for want in wants
            if (owner := OWNERS.get(want.topic.partition(":")[0])) is not None
        ]
        if asked:
            await asyncio.wait([future for _, future in asked])
        found: dict[str, Snapshot] = {}
        away: set[str] = set()
        for topic, future in asked:
            answer = future.result()
            if answer is Missing.DATABASE:
                away.add(topic)
            elif answer is not Missing.TOPIC:
                found[topic] = answer
        return found, away

    async def compare(
        self, have: Mapping[str, int], *, in_haste: bool
    ) -> tuple[set[str], set[str]]:
        """Of topics and the versions we have: (those that MySQL has newer or that have none to compare, those that could not be
        read now). Unless in haste, sums are compared first: versions only rise, so equal sums are equal versions."""
        groups: dict[str, list[str]] = {}
        for topic in have:
            groups.setdefault(topic.partition(":")[0], []).append(topic)
        newer: set[str] = set()
        away: set[str] = set()

        async def one_kind(owner: Owner, names: list[str]) -> None:
            if owner.versions is None:
                newer.update(names)
                return
            db, sql = self._wings[owner.wing].db, owner.versions
            for start in range(0, len(names), HEADS):
                batch = names[start : start + HEADS]
                ours = sum(have[topic] for topic in batch)
                if not in_haste and ours == await _guarded(
                    versions.total(db, sql, batch), owner.wing, len(batch)
                ):
                    continue
                heads = await _guarded(versions.heads(db, sql, batch), owner.wing, len(batch))
                if heads is None:
                    away.update(batch)
                else:
                    newer.update(topic for topic in batch if heads[topic] > have[topic])

        await asyncio.gather(*(one_kind(OWNERS[prefix], g) for prefix, g in groups.items()))
        return newer, away

    def _ask(self, owner: Owner, want: Want) -> asyncio.Future[Answer]:
        reader = self._readers[owner.wing]
        for layer in reader.layers:
            there = layer.get(want.topic)
            if there is None:
                if len(layer) < BATCH:
                    break
            elif there[0].have == want.have:
                READ_SHARED.inc()
                return there[1]
        else:
            layer = {}
            reader.layers.append(layer)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        layer[want.topic] = (want, future)
        READ_ALONE.inc()
        if not reader.scheduled and reader.reading < READERS:
            reader.scheduled = True
            asyncio.get_running_loop().call_soon(self._begin, reader)
        return future

    def _begin(self, reader: _Reader) -> None:
        reader.scheduled = False
        while reader.layers and reader.reading < READERS:
            reader.reading += 1
            task = asyncio.get_running_loop().create_task(
                self._read_layer(reader, reader.layers.pop(0))
            )
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _read_layer(
        self, reader: _Reader, layer: dict[str, tuple[Want, asyncio.Future[Answer]]]
    ) -> None:
        owner = reader.owner
        try:
            wants = [want for want, _ in layer.values()]
            snapshots = await _guarded(
                owner.snapshot(self._wings[owner.wing], wants, self._now_ms()),
                owner.wing,
                len(wants),
            )
            if snapshots is not None:
                by_topic = {snapshot.topic: snapshot for snapshot in snapshots}
                for topic, (_, future) in layer.items():
                    future.set_result(by_topic.get(topic, Missing.TOPIC))
        finally:
            for _, future in layer.values():
                if not future.done():
                    future.set_result(Missing.DATABASE)
            reader.reading -= 1
            self._begin(reader)


async def _guarded(reading: Awaitable[T], wing: str, topics: int) -> T | None:
    """None when it fails, whyever."""
    try:
        return await asyncio.wait_for(reading, TIMEOUT_S)
    except (MarketError, TimeoutError) as error:
        log.warning("cannot read topics", wing=wing, topics=topics, error=str(error))
    except Exception:
        log.exception("cannot read topics", wing=wing, topics=topics)
    return None


def owner_of(topic: str) -> str | None:
    owner = OWNERS.get(topic.partition(":")[0])
    return owner.wing if owner else None
