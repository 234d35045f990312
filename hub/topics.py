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

Meanwhile = list[tuple[int, str | None, "Item"]]
"""(version, key, item) of what came while somebody was being let in."""


@dataclass(slots=True)
class Topic:
    """`version`: every member has been given everything up to here (a log: without gaps).

    There are four for each connection, so what is empty is None.
    """

    name: str
    kind: Kind | None = None
    version: int = 0
    epoch: str | None = None
    ahead: set[int] | None = None
    """A log's numbers that came before their time."""
    key_versions: dict[str, int] | None = None
    members: dict[Connection, None] = field(default_factory=dict)
    joining: dict[Connection, Meanwhile] | None = None
    idle_since_s: float | None = None

    @property
    def is_watched(self) -> bool:
        return bool(self.members or self.joining)

    def is_new(self, kind: Kind, version: int, key: str | None) -> bool:
        """Note that this change is about to be delivered; False when it has been."""
        self.kind = kind
        if kind == "state":
            if version <= self.version:
                return False
            self.version = version
        elif kind == "log":
            return self._is_new_entry(version)
        elif kind == "keyed":
            if version <= self.version_of(key):
                return False
            self.note_key(key, version)
            self.version = max(self.version, version)
        else:
            if key == self.epoch and version <= self.version:
                return False
            self.epoch, self.version = key, version
        return True

    def has_entry(self, number: int) -> bool:
        return number <= self.version or (self.ahead is not None and number in self.ahead)

    def version_of(self, key: str | None) -> int:
        return self.key_versions.get(key or "", 0) if self.key_versions else 0

    def note_key(self, key: str | None, version: int) -> None:
        if self.key_versions is None:
            self.key_versions = {}
        self.key_versions[key or ""] = version

    def begins_at(self, version: int) -> None:
        """The first member has everything up to this version."""
        self.version = version
        if self.ahead is not None:
            self.ahead = {number for number in self.ahead if number > version}
            self._close_ranks()

    def stop_joining(self, connection: Connection) -> Meanwhile:
        meanwhile: Meanwhile = []
        if self.joining is not None:
            meanwhile = self.joining.pop(connection, meanwhile)
            self.joining = self.joining or None
        return meanwhile

    def _is_new_entry(self, number: int) -> bool:
        if self.has_entry(number):
            return False
        if number != self.version + 1:
            self.ahead = self.ahead or set()
            self.ahead.add(number)
            return True
        self.version = number
        self._close_ranks()
        return True

    def _close_ranks(self) -> None:
        while self.ahead and self.version + 1 in self.ahead:
            self.version += 1
            self.ahead.remove(self.version)
        self.ahead = self.ahead or None


class Topics:
    """name -> topic. Only what somebody on this node watches, and for a while after."""

    def __init__(self) -> None:
        self._topics: dict[str, Topic] = {}
        self._idle: dict[str, Topic] = {}

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
            if topic.joining is None:
                topic.joining = {}
            topic.joining.setdefault(connection, [])
            if topic.idle_since_s is not None:
                topic.idle_since_s = None
                del self._idle[name]
            topics.append(topic)
        return topics

    def leave(self, connection: Connection, names: Iterable[str], now_s: float) -> None:
        for name in names:
            topic = self._topics.get(name)
            if topic is None:
                continue
            topic.members.pop(connection, None)
            topic.stop_joining(connection)
            if not topic.is_watched and topic.idle_since_s is None:
                topic.idle_since_s = now_s
                self._idle[name] = topic

    def drop_idle(self, now_s: float, grace_s: float) -> list[str]:
        """Forget topics that nobody has watched for `grace_s`; their names."""
        gone = []
        for name, topic in self._idle.items():  # the longest idle first
            if topic.idle_since_s is not None and now_s - topic.idle_since_s < grace_s:
                break
            gone.append(name)
        for name in gone:
            del self._idle[name], self._topics[name]
        return gone
