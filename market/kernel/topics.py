"""What is pushed, and to whom: topics, snapshots, and who may read them.

A topic is `kind:ID` or `kind:ID:ROLE`. Its owner is one wing, its order one counter.
- *state*: the whole state with the entity's version; a client applies what is newer.
- *log*: entries numbered without gaps; a client that sees a gap asks.
- *keyed*: many small states under one name, each with its own version (a map's cells).
- *ephemeral*: a whole small value with epoch, counter and expiry.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from market.kernel.actor import Actor
from market.kernel.ids import Id

Kind = Literal["state", "log", "keyed", "ephemeral"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One change for one topic. `version` is the state's version or the log entry's number; `key` is for keyed topics.

    A state may be left out (a `payload` of None) where it is large and changes often: the hubs whose clients watch it read it.
    """

    topic: str
    kind: Kind
    version: int
    payload: Any
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """Who may join a topic: everybody who is logged in, or the users named; operators where said."""

    everyone: bool = False
    users: frozenset[int] = frozenset()
    operators: bool = False

    def admit(self, actor: Actor) -> bool:
        if actor.role == "anonymous":
            return False
        return (
            self.everyone or actor.user_id in self.users or (self.operators and actor.is_operator)
        )


EVERYONE = Readers(everyone=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """A topic and the version its asker has (None: nothing)."""

    topic: str
    have: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a log topic, or one item of a keyed one (then with its key)."""

    version: int
    payload: Any
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The present of a topic, as of one read from the primary.

    state: `version`, and `state` unless the asker has it. log: `version` is the last number, `entries` what the asker
    misses, oldest first; `more` when the answer was cut and must be asked again. keyed: all items as `entries`.
    ephemeral: `version` is the counter, `epoch` and `expires_ms` beside it.
    """

    topic: str
    kind: Kind
    version: int
    readers: Readers
    state: Any = None
    entries: tuple[Entry, ...] = field(default=())
    more: bool = False
    epoch: str | None = None
    expires_ms: int | None = None


def topic_id(topic: str, prefix: str) -> Id | None:
    """The id in `prefix:ID`, or None when it is not such a name."""
    head, _, tail = topic.partition(":")
    if head != prefix:
        return None
    try:
        return Id.parse(tail)
    except ValueError:
        return None
