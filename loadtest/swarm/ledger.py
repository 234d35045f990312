"""What a generator's clients have received: counts, and while recording one row per delivery, in compact arrays."""

from __future__ import annotations

from array import array


class Ledger:
    def __init__(self) -> None:
        self.recording = False
        self.pushes = 0
        """Deliveries of any kind."""
        self.duplicates = 0
        self.backwards = 0
        """A state that is older than one that came before it."""
        self.gaps = 0
        """A log line before its predecessor."""
        self.resumed = 0
        """States and log lines that came with an answer and not by a push."""
        self.strangers = 0
        """Pushes of topics that the client did not ask for (its own session, or just left)."""
        self.bytes_in = 0
        self._names: dict[str, int] = {}
        self.forget()

    def forget(self) -> None:
        self._topic, self._version = array("i"), array("q")
        self._committed_us, self._received_us = array("q"), array("q")

    def index_of(self, topic: str) -> int:
        return self._names.setdefault(topic, len(self._names))

    def received(self, index: int, version: int, committed_us: int, now_us: int) -> None:
        if self.recording:
            self._topic.append(index)
            self._version.append(version)
            self._committed_us.append(committed_us)
            self._received_us.append(now_us)

    def counts(self) -> dict[str, int]:
        names = (
            "pushes", "duplicates", "backwards", "gaps", "resumed", "strangers", "bytes_in",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def rows(self) -> tuple[list[str], array[int], array[int], array[int], array[int]]:
        """Names of topics by index, then one array per column."""
        return (
            list(self._names),
            self._topic,
            self._version,
            self._committed_us,
            self._received_us,
        )
