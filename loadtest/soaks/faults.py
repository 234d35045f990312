"""Every fault of tests/faults at full load: how soon all clients are current again; nothing lost.

Order transitions enter through api processes all the time, in an open loop; what is refused meanwhile is counted and not repeated.
The hubs' audit is switched off: what is healed is healed because a hub knows that it missed something. The clients share
the machine's cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from devkit import RUN
from devkit.run import stop_on_signals
from devkit.stack import Layout, Stack
from loadtest.machine import describe
from loadtest.soaks.faults_injected import FAULTS, RELAY, Fault
from loadtest.soaks.faults_load import Load, Outcome
from loadtest.swarm import Requests, ShareHub, Swarm

NEVER_S = 3600.0
REDIS_RETURNS_S = 2.0
"""The promise: all current so soon after Redis' return."""
COLUMNS = (
    ("fault", "fault"), ("fault_s", "lasted s"), ("current_s", "current s"), ("done", "done"),
    ("unavailable", "unavailable"), ("refused", "refused"), ("unanswered", "unanswered"), ("lost", "lost"), ("away", "away"),
    ("backwards", "backwards"), ("most_dials_per_s", "dials/s"), ("answer_p99_ms", "answer p99 ms"), ("trouble", "trouble"),
)  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    names = [fault.name for fault in FAULTS]
    parser = argparse.ArgumentParser(prog="./dev soak faults", description=__doc__)
    add = parser.add_argument
    add("--connections", type=int, default=10_000, help="even (default %(default)s)")
    add("--rate", type=float, default=300.0, help="transitions a second (default %(default)s)")
    add("--dial", type=float, default=500.0, help="new connections a second (default %(default)s)")
    add("--api", type=int, default=1, help="api processes (default %(default)s)")
    add("--generators", type=int, default=2, help="client processes (default %(default)s)")
    add("--fault", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    add("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    directory = RUN / "soak-faults"
    shutil.rmtree(directory, ignore_errors=True)
    layout = Layout(
        hubs=2, api=((),) * options.api, workers=(("relay",), ("inbox", "order_timers", "janitor")),
        sandbox_faults=0.05,
    )  # fmt: skip
    environment = {
        "SHAREHUB_HUB_AUDIT_S": str(NEVER_S),
        "SHAREHUB_HUB_MAX_PER_ADDRESS": str(options.connections),
    }
    stack = Stack(directory, layout=layout, extra_env=environment, log_file_size="256M", say=say)
    with stop_on_signals(), stack:
        chosen = [fault for fault in FAULTS if fault.name in options.fault]
        outcomes = asyncio.run(play(stack, chosen, options))
    show(outcomes)
    report = {
        "connections": options.connections, "rate": options.rate, "machine": describe(),
        "faults": [{**asdict(outcome), "lost": outcome.lost} for outcome in outcomes],
    }  # fmt: skip
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=2))
    return int(not all(is_good(outcome) for outcome in outcomes))


def say(line: str) -> None:
    print(f"== {line}", flush=True)


async def play(stack: Stack, faults: Sequence[Fault], options: argparse.Namespace) -> list[Outcome]:
    assert RELAY in stack.processes
    requests = Requests([p.url for name, p in stack.processes.items() if name.startswith("api")])
    outcomes = []
    try:
        async with Swarm(
            ShareHub, generators=options.generators, connections=options.connections
        ) as swarm:
            load = await asyncio.to_thread(
                Load, stack, swarm, requests, connections=options.connections, rate=options.rate,
                dial_per_s=options.dial, say=say,
            )  # fmt: skip
            for fault in faults:
                outcome = await load.play(fault)
                say(", ".join(f"{title} {text(outcome, name)}" for name, title in COLUMNS))
                outcomes.append(outcome)
    finally:
        await requests.stop()
    return outcomes


def is_good(outcome: Outcome) -> bool:
    """Nothing lost, nothing out of order, and current in time: the time that is promised is that after Redis' return."""
    if outcome.current_s is None:
        return False
    in_time = outcome.current_s <= REDIS_RETURNS_S or not outcome.fault.startswith("redis")
    return in_time and outcome.lost == outcome.away == outcome.backwards == 0


def text(outcome: Outcome, name: str) -> str:
    value: Any = getattr(outcome, name)
    if name == "trouble":
        return ", ".join(f"{what}: {count}" for what, count in value.items()) or "-"
    if value is None:
        return "never"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def show(outcomes: Sequence[Outcome]) -> None:
    rows = [[title for _, title in COLUMNS]]
    rows += [[text(outcome, name) for name, _ in COLUMNS] for outcome in outcomes]
    widths = [max(len(row[n]) for row in rows) for n in range(len(COLUMNS))]
    for row in rows:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
