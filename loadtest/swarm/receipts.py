"""Who got what, and when the last one did: the windows of all generators laid together."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from loadtest.swarm.crowd import Window


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of all do not exceed; 0 for none."""
    ordered = sorted(values)
    if not ordered:
        return 0.0
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


class Receipts:
    """By (what, version): how many got it, when it was committed and when the last one got it.

    `what_of` names the thing that a topic is about: topics with the same name count together (the two parties of an order).
    Topics named None are left out.
    """

    def __init__(self, windows: Sequence[Window], what_of: Callable[[str], str | None]) -> None:
        self.counts: Counter[str] = Counter()
        self.receivers: dict[tuple[str, int], int] = {}
        self.committed_us: dict[tuple[str, int], int] = {}
        self.last_us: dict[tuple[str, int], int] = {}
        for window in windows:
            self.counts += window.counts
            self._add(window, [what_of(topic) for topic in window.topics])

    def _add(self, window: Window, names: list[str | None]) -> None:
        rows = zip(
            window.topic, window.version, window.committed_us, window.received_us, strict=True
        )
        for index, version, committed_us, received_us in rows:
            name = names[index]
            if name is None:
                continue
            one = (name, version)
            self.receivers[one] = self.receivers.get(one, 0) + 1
            if committed_us:
                self.committed_us[one] = committed_us
            if received_us > self.last_us.get(one, 0):
                self.last_us[one] = received_us

    def deliveries(self) -> int:
        return sum(self.receivers.values())

    def lags_by(self) -> dict[tuple[str, int], float]:
        """Milliseconds from commit to last recipient, of every change whose commit is known."""
        return {
            one: (self.last_us[one] - committed_us) / 1000
            for one, committed_us in self.committed_us.items()
        }
