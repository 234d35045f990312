"""A change comes in; everybody on this node who watches gets it. Encoded once per encoding, and nothing is awaited."""

from __future__ import annotations

import time
from collections.abc import Iterable

import msgspec
from prometheus_client import Counter, Histogram

from hub.mailbox import Item
from hub.protocol import CloseCode, Encoding, Push, encode, join, websocket_frame
from hub.topics import SESSION_PREFIX, Topic
from market.kernel.topics import Kind, Snapshot

DELIVERIES = Counter(
    "sharehub_hub_deliveries_total", "Pushes given to clients' mailboxes.", ["kind"]
)
LAG_SECONDS = Histogram(
    "sharehub_hub_commit_to_write_seconds",
    "From just before a change's COMMIT to its frames being in all mailboxes here.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5),
)
STALE = Counter("sharehub_hub_duplicates_total", "Pushes that had been delivered already.")

Message = tuple[Kind, int, str | None, int, int, msgspec.Raw]
"""As `infra.redis.publish.message` makes it: kind, version, key (or epoch), expires_ms, committed_us, payload."""

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


def deliver_message(topic: Topic, raw: bytes) -> None:
    """What came over Redis."""
    kind, version, key, expires_ms, committed_us, payload = _decoder.decode(raw)
    ephemeral = kind == "ephemeral"
    deliver(
        topic,
        Push(
            topic=topic.name, kind=kind, version=version, payload=payload, committed_us=committed_us,
            key=None if ephemeral else key, epoch=key if ephemeral else None,
            expires_ms=expires_ms if ephemeral else None,
        ),
    )  # fmt: skip
    LAG_SECONDS.observe(max(0.0, time.time() - committed_us / 1e6))


def deliver(topic: Topic, push: Push) -> None:
    key = push.epoch if push.kind == "ephemeral" else push.key
    if not topic.is_new(push.kind, push.version, key):
        STALE.inc()
        return
    if topic.name.startswith(SESSION_PREFIX):
        _obey(topic, push)
    encoded = Encoded(push)
    for connection in topic.members:
        connection.offer(encoded.item(connection.encoding))
    for connection, meanwhile in topic.joining.items():
        meanwhile.append((push.version, push.key, encoded.item(connection.encoding)))
    DELIVERIES.labels(push.kind).inc(len(topic.members))


def _obey(topic: Topic, push: Push) -> None:
    """A revoked session closes its sockets, whoever else is told."""
    payload = push.payload
    if isinstance(payload, msgspec.Raw):
        payload = msgspec.msgpack.decode(payload)
    revoked = (
        payload["revoked"] if isinstance(payload, dict) else getattr(payload, "revoked", False)
    )
    if revoked:
        for connection in [*topic.members, *topic.joining]:
            connection.close_soon(CloseCode.SESSION_REVOKED, "session revoked")


def catch_up(topic: Topic, snapshot: Snapshot) -> int:
    """Deliver what the truth has and this node's clients lack; how many pushes that took."""
    count = 0
    for push in _missing(topic, snapshot):
        count += 1
        deliver(topic, push)
    return count


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
            if entry.version > topic.version and entry.version not in topic.ahead:
                yield Push(
                    topic=name,
                    kind=kind,
                    version=entry.version,
                    payload=entry.payload,
                    committed_us=0,
                )
    elif kind == "keyed":
        for entry in snapshot.entries:
            if entry.version > topic.key_versions.get(entry.key or "", 0):
                yield Push(
                    topic=name, kind=kind, version=entry.version, key=entry.key, payload=entry.payload,
                    committed_us=0,
                )  # fmt: skip
    elif (snapshot.epoch, snapshot.version) != (topic.epoch, topic.version):
        yield Push(
            topic=name, kind=kind, version=snapshot.version, payload=snapshot.state, committed_us=0,
            epoch=snapshot.epoch, expires_ms=snapshot.expires_ms,
        )  # fmt: skip
