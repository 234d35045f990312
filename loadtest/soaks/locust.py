"""Virtual users over the real protocol: every scenario, headless, against a product of its own; fails when anything failed."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devkit import ROOT, RUN
from devkit.child import Child, ChildError
from devkit.run import stop_on_signals
from devkit.stack import Layout, Stack
from loadtest.machine import cpu_s, describe

SCENARIOS = {
    "idle": "Idle",
    "orders": "OrderTraffic",
    "hot-listing": "HotListing",
    "storm": "ForegroundStorm",
    "chat": "Chat",
}
SHOWN = 30
"""Kinds of failure on the screen; the file has all."""
LOCUSTFILE = "loadtest/users/locustfile.py"
FAULTS = 0.05
SETTLE_S = 400.0
"""More than locust itself allows its users for settling in."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev soak locust", description=__doc__)
    parser.add_argument(
        "--scenario", nargs="+", choices=SCENARIOS, default=list(SCENARIOS), metavar="NAME",
        help=f"of {', '.join(SCENARIOS)} (default: all)",
    )  # fmt: skip
    parser.add_argument("--users", type=int, default=2000, metavar="N")
    parser.add_argument(
        "--seconds", type=float, default=120.0, metavar="S",
        help="of each scenario, from the moment when all users have settled in",
    )  # fmt: skip
    parser.add_argument("--spawn-rate", type=float, default=40.0, metavar="R", help="users/s")
    parser.add_argument(
        "--processes", type=int, default=1, metavar="N",
        help="of locust; one is enough for 2,000 users, and cannot lose sight of the other",
    )  # fmt: skip
    parser.add_argument("--pace", type=float, default=1.0, help="thinking times are multiplied by")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    directory = RUN / "soak-locust"
    shutil.rmtree(directory, ignore_errors=True)
    stack = Stack(
        directory, layout=Layout(hubs=2, sandbox_faults=FAULTS), log_file_size="64M",
        say=lambda line: print(f"== {line}", flush=True),
    )  # fmt: skip
    report: dict[str, Any] = {"machine": describe()}
    try:
        with stop_on_signals(), stack:
            for scenario in options.scenario:
                report[scenario] = play(stack, [SCENARIOS[scenario]], options, directory / scenario)
                show(scenario, report[scenario])
    except ChildError as error:
        print(f"./dev soak locust: {error}\n(logs: {stack.logs})", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=2, ensure_ascii=False))
    return 0 if all(passed(report[scenario]) for scenario in options.scenario) else 1


def play(
    stack: Stack, classes: Sequence[str], options: argparse.Namespace, directory: Path
) -> dict[str, Any]:
    """One locust run of these user classes: its figures, its exit code, and the CPU seconds used."""
    directory.mkdir(parents=True, exist_ok=True)
    figures = directory / "figures.json"
    argv = [
        sys.executable, "-m", "locust", "-f", LOCUSTFILE, "--headless", "--only-summary",
        "--host", stack.api_url, "--hubs", ",".join(stack.hub_urls), "--sandbox", stack.sandbox_url,
        "--users", str(options.users), "--spawn-rate", str(options.spawn_rate),
        "--steady", str(options.seconds), "--pace", str(options.pace),
        "--figures", str(figures), *classes,
    ]  # fmt: skip
    if options.processes > 1:
        argv += ["--processes", str(options.processes)]
    before, began = _cpu_s(stack), time.monotonic()
    with (directory / "locust.log").open("wb") as log:
        process = subprocess.Popen(
            argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            code = process.wait(SETTLE_S + options.seconds)
        except subprocess.TimeoutExpired:
            code = -1
        finally:
            process.terminate()
            process.wait(20)
    report: dict[str, Any] = {"exit_code": code, "wall_s": round(time.monotonic() - began, 1)}
    after = _cpu_s(stack)
    report["cpu_s"] = {name: round(after[name] - before[name], 1) for name in after}
    if figures.exists():
        report |= json.loads(figures.read_text())
        report["cpu_s"]["locust"] = report.pop("own_cpu_s")
    else:
        log_tail = (directory / "locust.log").read_text(errors="replace")[-3000:]
        report["failures"] = [{"name": "locust", "error": log_tail, "count": 1}]
    report["ended"] = [child.name for child in stack.ended()]
    return report


def _cpu_s(stack: Stack) -> dict[str, float]:
    children: dict[str, Child] = {
        **stack.processes,
        "mariadb": stack.servers.mariadb,
        "redis": stack.servers.redis,
    }
    return {name: cpu_s(child.pid) for name, child in children.items() if child.alive}


def passed(report: dict[str, Any]) -> bool:
    return not (report["exit_code"] or report["failures"] or report["ended"])


def show(scenario: str, report: dict[str, Any]) -> None:
    word = "ok" if passed(report) else "FAILED"
    print(
        f"\n{scenario}: {word}; settled in after {report.get('settled_after_s')} s, {report['wall_s']} s in all, "
        f"CPU seconds {report['cpu_s']}"
    )
    print(f"  {'':34} {'count':>8} {'failed':>7} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>9}")
    for name, one in sorted(report.get("events", {}).items()):
        print(
            f"  {name:34} {one['count']:8} {one['failures']:7} {one['p50_ms']:8.0f} {one['p99_ms']:8.0f} "
            f"{one['max_ms']:9.1f}"
        )
    for failure in sorted(report["failures"], key=lambda one: -one["count"])[:SHOWN]:
        print(f"  {failure['count']} x {failure['name']}: {failure['error']}")
    for name in report["ended"]:
        print(f"  {name} has ended by itself")
    sys.stdout.flush()
