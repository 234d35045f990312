"""A change comes in; everybody on this node who watches gets it. Encoded once per encoding, and nothing is awaited."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec
from prometheus_client import Counter, Histogram

from hub.mailbox import Item
from hub.protocol import CloseCode, Encoding, Push, encode, join, websocket_frame
from hub.topics import SESSION_PREFIX, Topic
from market.kernel.topics import Kind, Snapshot

if TYPE_CHECKING:
    from hub.connection import Connection
    from hub.outlet import Outlet

RELIEVE_S = 0.02
WIDE = 200
"""More members than this are written to in slices of as many, so that other topics' pushes need not wait for all of them."""

DELIVERIES = Counter(
    "sharehub_hub_deliveries_total", "Pushes given to clients' mailboxes.", ["kind"]
)
DELIVERIES_OF = {kind: DELIVERIES.labels(kind) for kind in ("state", "log", "keyed", "ephemeral")}
LAG_SECONDS = Histogram(
    "sharehub_hub_commit_to_write_seconds",
    "From just before a change's COMMIT to the last transport write of it here, slow clients aside.",
    ["width"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5),
)
LAG_NARROW, LAG_WIDE = LAG_SECONDS.labels("narrow"), LAG_SECONDS.labels("wide")
BYTES_OUT = Counter("sharehub_hub_bytes_out_total", "Bytes written to sockets.")
STALE = Counter("sharehub_hub_duplicates_total", "Pushes that had been delivered already.")

Message = tuple[Kind, int, str | None, int, int, msgspec.Raw]
"""As `infra.redis.publish.message` makes it: kind, version, key (or epoch), expires_ms, committed_us, payload."""

LEFT_OUT = msgspec.Raw(msgspec.msgpack.encode(None))

_decoder = msgspec.msgpack.Decoder(Message)


class Encoded:
    """One push, encoded at most once per encoding."""

    __slots__ = ("_items", "_push")

    def __init__(self, push: Push) -> None:
        self._push = push
        self._items: dict[Encoding, Item] = {}

    def item(self, encoding: Encoding) -> Item:
        item = self._items.get(encoding)
        if item is None:
            push = self._push
            if encoding == "json" and isinstance(push.payload, msgspec.Raw):
                push = msgspec.structs.replace(push, payload=msgspec.msgpack.decode(push.payload))
            frame = encode(push, encoding)
            slot = None if push.kind == "log" else (push.topic, push.key)
            item = Item(frame, slot, websocket_frame(join([frame], encoding), encoding))
            self._items[encoding] = item
        return item


class Fanout:
    """What has been given out and is not written yet: narrow topics' pushes until the end of this turn of the loop, wide ones'
    slice by slice behind them."""

    def __init__(self, on_left_out: Callable[[Topic, int], None]) -> None:
        """`on_left_out(topic, committed_us)`: something newer has come without its state, which is to be read."""
        self._on_left_out = on_left_out
        self._dirty: list[Outlet] = []
        self._committed_us: list[int] = []
        self._wide: deque[tuple[Topic, Encoded, Iterator[Connection], int]] = deque()
        self._congested: set[Outlet] = set()
        self.bytes_out = 0
        """Written and not counted yet: a counter costs as much as the write."""

    def mark_dirty(self, connection: Outlet) -> None:
        """Its mailbox is flushed at the end of this turn of the loop, together with all others."""
        if not self._dirty:
            asyncio.get_running_loop().call_soon(self._flush)
        self._dirty.append(connection)

    def deliver_message(self, topic: Topic, raw: bytes) -> None:
        """What came over Redis."""
        kind, version, key, expires_ms, committed_us, payload = _decoder.decode(raw)
        if kind == "state" and payload == LEFT_OUT:
            if topic.is_watched and version > topic.version:
                self._on_left_out(topic, committed_us)
            return
        if kind == "ephemeral":
            push = Push(topic.name, kind, version, payload, committed_us, None, key, expires_ms)
        else:
            push = Push(topic.name, kind, version, payload, committed_us, key)
        self.deliver(topic, push)

    def deliver(self, topic: Topic, push: Push) -> None:
        key = push.epoch if push.kind == "ephemeral" else push.key
        if not topic.is_new(push.kind, push.version, key):
            STALE.inc()
            return
        if topic.name.startswith(SESSION_PREFIX):
            _obey(topic, push)
        encoded = Encoded(push)
        members = topic.members
        if len(members) > WIDE or any(before is topic for before, *_ in self._wide):
            if not self._wide:
                asyncio.get_running_loop().call_soon(self._write_slice)
            self._wide.append((topic, encoded, iter(tuple(members)), push.committed_us))
        elif members:
            for connection in members:
                connection.offer(encoded.item(connection.encoding))
            if push.committed_us:
                self._committed_us.append(push.committed_us)
        if topic.joining:
            for connection, meanwhile in topic.joining.items():
                meanwhile.append((push.version, push.key, encoded.item(connection.encoding)))
        DELIVERIES_OF[push.kind].inc(len(members))

    def catch_up(self, topic: Topic, snapshot: Snapshot, committed_us: int = 0) -> int:
        """Deliver what the truth has and this node's clients lack; how many pushes that took. `committed_us` is when that was
        committed, 0 if nobody knows."""
        count = 0
        for push in _missing(topic, snapshot):
            count += 1
            push.committed_us = committed_us
            self.deliver(topic, push)
        return count

    def _relieve(self) -> None:
        """Give congested clients more as their sockets drain."""
        for connection in list(self._congested):
            if connection.flush():
                self._congested.discard(connection)
        if self._congested:
            asyncio.get_running_loop().call_later(RELIEVE_S, self._relieve)

    def forget(self, connection: Outlet) -> None:
        self._congested.discard(connection)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for connection in dirty:
            if not connection.flush():
                if not self._congested:
                    asyncio.get_running_loop().call_later(RELIEVE_S, self._relieve)
                self._congested.add(connection)
        if self._committed_us:
            _observe(LAG_NARROW.observe, self._committed_us)
            self._committed_us = []
        BYTES_OUT.inc(self.bytes_out)
        self.bytes_out = 0

    def _write_slice(self) -> None:
        topic, encoded, recipients, committed_us = self._wide[0]
        members, left = topic.members, WIDE
        for connection in recipients:
            if connection in members:
                connection.write_now(encoded.item(connection.encoding))
            left -= 1
            if not left:
                break
        else:
            self._wide.popleft()
            if committed_us:
                _observe(LAG_WIDE.observe, (committed_us,))
        if self._wide:
            asyncio.get_running_loop().call_soon(self._write_slice)


def _observe(observe: Callable[[float], None], committed_us: Iterable[int]) -> None:
    now_s = time.time()
    for us in committed_us:
        observe(max(0.0, now_s - us / 1e6))


def _obey(topic: Topic, push: Push) -> None:
    """A revoked session closes its sockets, whoever else is told."""
    payload = push.payload
    if isinstance(payload, msgspec.Raw):
        payload = msgspec.msgpack.decode(payload)
    revoked = (
        payload["revoked"] if isinstance(payload, dict) else getattr(payload, "revoked", False)
    )
    if revoked:
        for connection in [*topic.members, *(topic.joining or ())]:
            connection.close_soon(CloseCode.SESSION_REVOKED, "session revoked")


def _missing(topic: Topic, snapshot: Snapshot) -> Iterable[Push]:
    name, kind = snapshot.topic, snapshot.kind
    if kind == "state":
        if snapshot.version > topic.version and snapshot.state is not None:
            yield Push(
                topic=name,
                kind=kind,
                version=snapshot.version,
                payload=snapshot.state,
                committed_us=0,
            )
    elif kind == "log":
        for entry in snapshot.entries:
            if not topic.has_entry(entry.version):
                yield Push(
                    topic=name,
                    kind=kind,
                    version=entry.version,
                    payload=entry.payload,
                    committed_us=0,
                )
    elif kind == "keyed":
        for entry in snapshot.entries:
            if entry.version > topic.version_of(entry.key):
                yield Push(
                    topic=name, kind=kind, version=entry.version, key=entry.key, payload=entry.payload,
                    committed_us=0,
                )  # fmt: skip
    elif (snapshot.epoch, snapshot.version) != (topic.epoch, topic.version):
        yield Push(
            topic=name, kind=kind, version=snapshot.version, payload=snapshot.state, committed_us=0,
            epoch=snapshot.epoch, expires_ms=snapshot.expires_ms,
        )  # fmt: skip
