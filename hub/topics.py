"""The topics that this node's clients watch, and how far each has been delivered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from market.kernel.topics import Kind

if TYPE_CHECKING:
    from hub.connection import Connection
    from hub.mailbox import Item

SESSION_PREFIX = "session:"


@dataclass(slots=True)
class Topic:
    """`version`: every member has been given everything up to here (a log: without gaps)."""

    name: str
    kind: Kind | None = None
    version: int = 0
    epoch: str | None = None
    ahead: set[int] = field(default_factory=set)
    """A log's numbers that came before their time."""
    key_versions: dict[str, int] = field(default_factory=dict)
    members: dict[Connection, None] = field(default_factory=dict)
    joining: dict[Connection, list[tuple[int, str | None, Item]]] = field(default_factory=dict)
    """Who is being let in, and what came meanwhile: (version, key, item)."""
    idle_since_s: float | None = None

    def is_new(self, kind: Kind, version: int, key: str | None) -> bool:
        """Note that this change is about to be delivered; False when it has been."""
        self.kind = kind
        if kind == "state":
            if version <= self.version:
                return False
            self.version = version
        elif kind == "log":
            if version <= self.version or version in self.ahead:
                return False
            self.ahead.add(version)
            while self.version + 1 in self.ahead:
                self.version += 1
                self.ahead.remove(self.version)
        elif kind == "keyed":
            if version <= self.key_versions.get(key or "", 0):
                return False
            self.key_versions[key or ""] = version
            self.version = max(self.version, version)
        else:
            if key == self.epoch and version <= self.version:
                return False
            self.epoch, self.version = key, version
        return True


class Topics:
    """name -> topic. Only what somebody on this node watches, and for a while after."""

    def __init__(self) -> None:
        self._topics: dict[str, Topic] = {}

    def __len__(self) -> int:
        return len(self._topics)

    def all(self) -> list[Topic]:
        return list(self._topics.values())

    def get(self, name: str) -> Topic | None:
        return self._topics.get(name)

    def begin_joining(self, connection: Connection, names: Iterable[str]) -> list[Topic]:
        topics = []
        for name in names:
            topic = self._topics.get(name)
            if topic is None:
                topic = self._topics[name] = Topic(name)
            topic.joining.setdefault(connection, [])
            topic.idle_since_s = None
            topics.append(topic)
        return topics

    def leave(self, connection: Connection, names: Iterable[str], now_s: float) -> None:
        for name in names:
            topic = self._topics.get(name)
            if topic is not None:
                topic.members.pop(connection, None)
                topic.joining.pop(connection, None)
                if not topic.members and not topic.joining:
                    topic.idle_since_s = now_s

    def drop_idle(self, now_s: float, grace_s: float) -> list[str]:
        """Forget topics that nobody has watched for `grace_s`; their names."""
        gone = [
            t.name
            for t in self._topics.values()
            if t.idle_since_s is not None and now_s - t.idle_since_s >= grace_s
        ]
        for name in gone:
            del self._topics[name]
        return gone
