"""What every emitter emits and when: an open loop at the times of a plan. Standard library only, for the peers' environments.

A plan is a JSON object: `redis` (URL), `rooms` (names of the small topics, in turn), `rate` (pushes to them per second, 0: none),
`wide` (name of the topic that everybody watches, or null; once a second), `seconds`, `payload`, `version` (of the first push).
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

Plan = dict[str, Any]
Emit = Callable[[dict[str, Any]], Awaitable[None]]
"""Takes a push: topic, kind, version, payload, committed_us (UTC us, just before it is emitted)."""

AT_ONCE = 32
"""Pushes on their way to Redis at the same time, when several are due."""


def plan_from_arguments() -> Plan:
    parser = argparse.ArgumentParser()
    parser.add_argument("plan", type=Path)
    plan: Plan = json.loads(parser.parse_args().plan.read_text())
    return plan


def schedule(plan: Plan) -> Iterator[tuple[float, str]]:
    """(seconds after the start, topic), in order of time. The wide topic's turn is between two full seconds."""
    rooms, rate, seconds = plan["rooms"], plan["rate"], plan["seconds"]
    small = ((n / rate, rooms[n % len(rooms)]) for n in range(int(rate * seconds)))
    wide = ((n + 0.5, plan["wide"]) for n in range(int(seconds) if plan["wide"] else 0))
    return heapq.merge(small, wide)


def last_versions(plan: Plan) -> dict[str, int]:
    """The version of each topic's last push."""
    return {topic: plan["version"] + n for n, (_, topic) in enumerate(schedule(plan))}


async def run(plan: Plan, emit: Emit) -> None:
    """Emit all of the plan, then print a report: pushes, how many a second, and how late they were (ms).

    What is due goes out together, so that one slow round trip to Redis does not hold up what comes after it.
    """
    late_ms: list[float] = []
    due: list[Awaitable[None]] = []
    began_s = time.monotonic()
    for number, (at_s, topic) in enumerate(schedule(plan)):
        early_s = began_s + at_s - time.monotonic()
        if due and (early_s > 0 or len(due) == AT_ONCE):
            await asyncio.gather(*due)
            due.clear()
            early_s = began_s + at_s - time.monotonic()
        if early_s > 0:
            await asyncio.sleep(early_s)
        late_ms.append((time.monotonic() - began_s - at_s) * 1000)
        due.append(
            emit(
                {
                    "topic": topic,
                    "kind": "state",
                    "version": plan["version"] + number,
                    "payload": plan["payload"],
                    "committed_us": time.time_ns() // 1000,
                }
            )
        )
    await asyncio.gather(*due)
    per_s = len(late_ms) / (time.monotonic() - began_s)
    late_ms.sort()
    late_p99_ms = late_ms[len(late_ms) * 99 // 100]
    print(json.dumps({"pushes": len(late_ms), "per_s": per_s, "late_p99_ms": late_p99_ms}))
