"""What a client has of a topic, and whether what the server says of it keeps the protocol's promises (docs/protocol.md, section 4).

Stricter than a client has to be: a client may forgive an older state after a newer one, a test may not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from loadtest.users.trouble import Violation

KEPT_LINES = 100
"""Of a log, the newest lines; a load test runs for hours."""


class Gap(Exception):
    """Lines of a log are missing: ask for them."""


@dataclass(slots=True)
class Topic:
    """`version` of a log: the last number without a gap. `lines`: number -> payload."""

    name: str
    kind: str = ""
    version: int | None = None
    epoch: str | None = None
    state: Any = None
    lines: dict[int, Any] = field(default_factory=dict)
    pushed: int = 0
    """The newest version that was pushed over the present connection."""

    @property
    def prefix(self) -> str:
        """The kind of topic: reports that named each would be as long as the list of topics."""
        return self.name.partition(":")[0]

    @property
    def resumable(self) -> int | None:
        """The version to connect or subscribe with."""
        return None if self.kind == "ephemeral" else self.version

    def reconnected(self) -> None:
        self.pushed = 0

    def push(self, frame: Mapping[str, Any]) -> bool:
        """Whether it was news. Raise Gap or Violation."""
        kind, version = str(frame["kind"]), int(frame["version"])
        if kind == "state":
            return self._push_state(version, frame["payload"])
        if kind == "log":
            return self._push_line(version, frame["payload"])
        return self._push_ephemeral(version, frame["payload"], frame.get("epoch"))

    def answer(self, given: Mapping[str, Any], asked: int | None) -> None:
        """A topic state of `connected` or `subscribed`, when the version `asked` was named. Raise Violation."""
        self.kind = str(given["kind"])
        version = int(given["version"])
        if self.kind == "ephemeral":
            self.epoch, self.version, self.state = given.get("epoch"), version, given.get("state")
            return
        if asked is not None and version < asked:
            raise Violation(f"{self.prefix}: the server has {version}, this client had {asked}")
        if self.kind == "log":
            self._answer_log(version, given.get("entries") or (), bool(given.get("more")))
        else:
            self._answer_state(version, given.get("state"))

    def _push_state(self, version: int, payload: Any) -> bool:
        if version < self.pushed:
            raise Violation(f"{self.prefix}: {version} was pushed after {self.pushed}")
        self.pushed = version
        if self.version is not None and version <= self.version:
            return False
        self.kind, self.version, self.state = "state", version, payload
        return True

    def _push_line(self, version: int, payload: Any) -> bool:
        """A line that comes before the answer to the first `subscribe` is in that answer too."""
        if self.version is None or version <= self.version:
            return False
        if version > self.version + 1:
            raise Gap(f"{self.prefix}: {version} after {self.version}")
        self._append(version, payload)
        return True

    def _push_ephemeral(self, version: int, payload: Any, epoch: Any) -> bool:
        if epoch == self.epoch and self.version is not None and version <= self.version:
            return False
        self.kind, self.epoch, self.version, self.state = "ephemeral", epoch, version, payload
        return True

    def _answer_state(self, version: int, state: Any) -> None:
        if self.version is not None and version <= self.version:
            return
        if state is None:
            raise Violation(f"{self.prefix}: {version} is newer than {self.version}, but not given")
        self.version, self.state = version, state

    def _answer_log(self, version: int, entries: Any, more: bool) -> None:
        if self.version is None:
            self.version = int(entries[0]["version"]) - 1 if entries else version
        for entry in entries:
            number = int(entry["version"])
            if number > self.version + 1:
                raise Violation(f"{self.prefix}: the answer goes from {self.version} to {number}")
            if number == self.version + 1:
                self._append(number, entry["payload"])
        if version > self.version and not more:
            raise Violation(
                f"{self.prefix}: the answer ends at {self.version} and speaks of {version}"
            )

    def _append(self, number: int, payload: Any) -> None:
        self.kind, self.version = "log", number
        self.lines[number] = payload
        self.lines.pop(number - KEPT_LINES, None)
