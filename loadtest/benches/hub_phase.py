"""What came of one stretch of traffic."""

from __future__ import annotations

from collections import Counter

import msgspec

from loadtest.benches.hub_scene import Moved, Refused
from loadtest.machine import Used
from loadtest.swarm import Answers, Receipts, percentile


def what_of(topic: str) -> str | None:
    """Both parties' topics are one order; inboxes are only counted."""
    if topic.startswith("order:"):
        return topic.rpartition(":")[0]
    return topic if topic.startswith("listing:") else None


def committed(answers: Answers) -> set[tuple[str, int]]:
    """The transitions that were done: (order, version). An edit of the listing is none."""
    done = set()
    for status, body in zip(answers.status, answers.bodies, strict=True):
        if status == 200 and b'"order_id"' in body:
            moved = msgspec.json.decode(body, type=Moved)
            done.add((f"order:{moved.order_id}", moved.version))
    return done


def refused(answers: Answers) -> Counter[str]:
    """Refusals by code; `lost` for requests without an answer."""
    codes: Counter[str] = Counter()
    for status, body in zip(answers.status, answers.bodies, strict=True):
        if status == 0:
            codes["lost"] += 1
        elif status >= 400:
            codes[msgspec.json.decode(body, type=Refused).error.code] += 1
    return codes


class Phase:
    """One stretch of traffic. `asked_s`: from the first request to the last answer."""

    def __init__(self, used: Used, asked_s: float, answers: Answers, receipts: Receipts) -> None:
        self.used = used
        self.asked_s = asked_s
        self.answers = answers
        self.committed = committed(answers)
        self.frames = receipts.counts["pushes"]
        self._receipts = receipts
        lags = receipts.lags_by()
        self.lags_ms = [lag for (what, _), lag in lags.items() if what.startswith("order:")]
        self.wide_lags_ms = [lag for (what, _), lag in lags.items() if what.startswith("listing:")]
        self.wide_frames = sum(
            count for (what, _), count in receipts.receivers.items() if what.startswith("listing:")
        )

    @property
    def per_s(self) -> float:
        return len(self.committed) / self.asked_s

    def lost(self) -> int:
        """Deliveries that did not come, and states that came in the wrong order."""
        missing = sum(2 - min(2, self._receipts.receivers.get(one, 0)) for one in self.committed)
        return missing + self._receipts.counts["backwards"]

    def line(self) -> str:
        answers, counts = self.answers, self._receipts.counts
        refusals = refused(answers)
        return (
            f"{len(self.committed)} transitions, {self.per_s:.0f}/s, refused {dict(refusals)}; lost {self.lost()}; "
            f"to the last recipient p50 {percentile(self.lags_ms, 0.5):.1f} p99 {percentile(self.lags_ms, 0.99):.1f} "
            f"max {max(self.lags_ms, default=0):.0f} ms; sent late p99 {percentile(answers.late_us, 0.99) / 1000:.1f}, "
            f"answered p99 {percentile(answers.took_us, 0.99) / 1000:.1f} ms; {self.frames} frames, "
            f"{self.wide_frames} wide (p99 {percentile(self.wide_lags_ms, 0.99):.0f} ms); "
            f"counts {dict(counts)}\n   {self.used.line()}"
            f"\n   us of CPU per transition: {self._per_transition()}"
        )

    def _per_transition(self) -> str:
        done = max(1, len(self.committed))
        costs = {name: used / done * 1e6 for name, used in self.used.cpu_s.items()}
        return ", ".join(f"{name} {cost:.0f}" for name, cost in costs.items())
