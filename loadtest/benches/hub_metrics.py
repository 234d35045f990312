"""What processes say of themselves on /metrics, over a stretch of time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from prometheus_client.parser import text_string_to_metric_families

from devkit.stack import ServingProcess

LAST_WRITE = "sharehub_hub_commit_to_write_seconds"
Buckets = Counter[float]
"""Upper bound (s) -> observations at most that large."""


def wide_last_writes(hubs: Sequence[ServingProcess]) -> Buckets:
    """The histogram of the time from a wide change's commit to the last of its writes, of all hubs together."""
    return histogram(hubs, LAST_WRITE, width="wide")


def histogram(processes: Sequence[ServingProcess], name: str, **labels: str) -> Buckets:
    """Of all processes together, and of all labels but those that are given."""
    whole: Buckets = Counter()
    for process in processes:
        text = process.get("/metrics")[1].decode()
        for family in text_string_to_metric_families(text):
            if family.name == name:
                for sample in family.samples:
                    if sample.name.endswith("_bucket") and labels.items() <= sample.labels.items():
                        whole[float(sample.labels["le"])] += int(sample.value)
    return whole


def quantile_s(before: Buckets, after: Buckets, share: float) -> float:
    """Of the observations between the two. Inside a bucket in proportion; 0 for none."""
    grown = {bound: after[bound] - before[bound] for bound in sorted(after)}
    rank = max(grown.values(), default=0) * share
    below, reached = 0.0, 0
    for bound, upto in grown.items():
        if upto >= rank and upto > reached:
            top = bound if bound != float("inf") else below
            return below + (top - below) * (rank - reached) / (upto - reached)
        below, reached = bound, upto
    return 0.0


def value(hub: ServingProcess, name: str) -> float:
    """A gauge, or the sum of a counter over its labels."""
    text = hub.get("/metrics")[1].decode()
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    )
