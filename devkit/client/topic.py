"""What a client has of a topic, and how a push changes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class Gap(Exception):
    """Lines of a log are missing."""


@dataclass(slots=True)
class Topic:
    """What this client has of a topic. `log`: number -> payload; `keyed`: key -> (version, payload)."""

    name: str
    kind: str | None = None
    version: int | None = None
    epoch: str | None = None
    state: Any = None
    log: dict[int, Any] = field(default_factory=dict)
    keyed: dict[str, tuple[int, Any]] = field(default_factory=dict)
    refused: str | None = None

    def apply(
        self, kind: str, version: int, payload: Any, key: str | None, epoch: str | None
    ) -> bool:
        """False for what is not news. Raise Gap when log lines are missing."""
        self.kind = kind
        if kind == "state":
            if self.version is not None and version <= self.version:
                return False
            self.version, self.state = version, payload
        elif kind == "log":
            if version in self.log or (self.version is not None and version <= self.version):
                return False
            if self.version is not None and version != self.version + 1:
                raise Gap(self.name)
            self.log[version], self.version = payload, version
        elif kind == "keyed":
            if key in self.keyed and self.keyed[key][0] >= version:
                return False
            self.keyed[str(key)] = (version, payload)
            self.version = max(self.version or 0, version)
        else:
            if epoch == self.epoch and self.version is not None and version <= self.version:
                return False
            self.epoch, self.version, self.state = epoch, version, payload
        return True
