"""Letting a client into topics: register, await Redis' acknowledgement, then read the truth, then add what came meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hub.limits import REFUSED
from hub.mailbox import Item
from hub.protocol import Have, Refusal, TopicEntry, TopicState
from hub.sources import owner_of
from hub.topics import SESSION_PREFIX, Topic
from market.kernel.actor import Actor
from market.kernel.errors import NotFound, TooManyTopics, Unavailable, UnknownTopic
from market.kernel.topics import Snapshot, Want

if TYPE_CHECKING:
    from hub.connection import Connection
    from hub.node import Node


class Joined:
    """What to answer, and what came meanwhile, to be sent after the answer."""

    def __init__(self) -> None:
        self.topics: list[TopicState] = []
        self.refused: list[Refusal] = []
        self.meanwhile: list[Item] = []


async def join(
    node: Node,
    connection: Connection,
    actor: Actor,
    haves: Sequence[Have],
    *,
    own_session: str | None = None,
) -> Joined:
    """`own_session` is joined too, always read in full, and kept even if it cannot be read now: it is how we hear of a
    logout, before this connection or during it."""
    joined = Joined()
    asked = dict(haves)
    wanted = asked.copy()
    for name in list(wanted):
        if owner_of(name) is None or len(name) > 128:
            joined.refused.append(Refusal(name, UnknownTopic.code))
            del wanted[name]
    room = node.settings.max_topics - len(connection.topics - {connection.own_session})
    for name in [name for name in wanted if name not in connection.topics][max(room, 0) :]:
        joined.refused.append(Refusal(name, TooManyTopics.code))
        REFUSED.labels("topics").inc()
        del wanted[name]
    if own_session is not None:
        wanted[own_session] = None  # whatever version the client says it has

    before = set(connection.topics)
    topics = node.topics.begin_joining(connection, wanted)
    try:
        await node.feed.listen(wanted)
        wants = [Want(topic=name, have=have) for name, have in wanted.items()]
        found, away = await node.sources.read(wants)
    except BaseException:
        node.topics.leave(
            connection, [n for n in wanted if n not in connection.topics], node.now_s()
        )
        raise
    for topic in topics:
        meanwhile = topic.stop_joining(connection)
        snapshot = found.get(topic.name)
        if snapshot is not None and snapshot.readers.admit(actor):
            _let_in(connection, topic, snapshot)
            if topic.name != own_session or own_session in asked:
                joined.topics.append(_state(snapshot, wanted[topic.name]))
            joined.meanwhile += [
                item for version, key, item in meanwhile if _newer(snapshot, version, key)
            ]
            continue
        if topic.name == own_session and topic.name in away:
            topic.members[connection] = None
            connection.topics.add(topic.name)
            continue
        if topic.name in away:  # who watches it already goes on watching: pushes outlive MySQL
            joined.refused.append(Refusal(topic.name, Unavailable.code))
            if topic.name in connection.topics:
                continue
        elif topic.name in asked:
            joined.refused.append(Refusal(topic.name, NotFound.code))
        connection.topics.discard(topic.name)
        node.topics.leave(connection, [topic.name], node.now_s())
    node.beacons.enter(actor.user_id, connection.topics - before)
    return joined


def revoked(snapshot_state: object) -> bool:
    return bool(getattr(snapshot_state, "revoked", False))


def _let_in(connection: Connection, topic: Topic, snapshot: Snapshot) -> None:
    if not topic.members:  # otherwise `version` speaks for the others too, who may lack something
        topic.kind = snapshot.kind
        same_count = topic.epoch == snapshot.epoch
        topic.begins_at(max(topic.version, snapshot.version) if same_count else snapshot.version)
        topic.epoch = snapshot.epoch
        if snapshot.kind == "keyed":
            for entry in snapshot.entries:
                topic.note_key(entry.key, max(topic.version_of(entry.key), entry.version))
    topic.members[connection] = None
    connection.topics.add(topic.name)
    if topic.name.startswith(SESSION_PREFIX) and revoked(snapshot.state):
        connection.session_revoked = True


def _newer(snapshot: Snapshot, version: int, key: str | None) -> bool:
    if snapshot.kind == "keyed":
        return all(entry.version < version for entry in snapshot.entries if entry.key == key)
    return version > snapshot.version or snapshot.kind == "ephemeral"


def _state(snapshot: Snapshot, have: int | None) -> TopicState:
    state = TopicState(
        topic=snapshot.topic, kind=snapshot.kind, version=snapshot.version, more=snapshot.more
    )
    if snapshot.kind in ("log", "keyed"):
        state.entries = [TopicEntry(e.version, e.payload, e.key) for e in snapshot.entries]
    else:
        state.state = snapshot.state
    if snapshot.kind == "ephemeral":
        state.epoch, state.expires_ms = snapshot.epoch, snapshot.expires_ms
    return state
