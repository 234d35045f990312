"""./dev demo: real orders walked from publishing to both ratings by two people, over sockets and REST.

Uses the product of a running ./dev run, else starts one of its own, whose sandbox fails 5 % of WeChat's calls.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import aiohttp

from devkit import RUN
from devkit.child import ChildError
from devkit.loop import Loop, Step, join
from devkit.run import running_addresses, stop_on_signals
from devkit.stack import Layout, Stack

FAULTS = 0.05


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__)
    parser.add_argument(
        "--loops", type=int, default=3, metavar="N", help="orders to walk (default 3)"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="also write steps and summary there"
    )
    parser.add_argument(
        "--hubs", type=int, default=2, metavar="N", help="hubs, if it starts its own (2)"
    )
    options = parser.parse_args(arguments)
    if options.loops < 1:
        parser.error("--loops is at least 1")
    addresses = running_addresses()
    if addresses is not None:
        print("== using the product of the running ./dev run", flush=True)
        return asyncio.run(play(addresses, options.loops, options.json))
    shutil.rmtree(RUN / "demo", ignore_errors=True)
    stack = Stack(
        RUN / "demo",
        layout=Layout(hubs=options.hubs, sandbox_faults=FAULTS),
        say=lambda line: print(f"== {line}", flush=True),
    )
    try:
        with stop_on_signals():
            stack.start()
            return asyncio.run(play(stack.addresses(), options.loops, options.json))
    except ChildError as error:
        print(f"./dev demo: {error}\n(logs: {stack.logs})", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        stack.stop()


async def play(addresses: dict[str, str], loops: int, file: Path | None) -> int:
    """0 when every step of every loop happened."""
    hubs = [url for name, url in sorted(addresses.items()) if name.startswith("hub-")]
    where: dict[str, Any] = {"api": addresses["api"], "hubs": hubs, "sandbox": addresses["sandbox"]}
    run = secrets.token_hex(4)
    steps: list[Step] = []
    async with aiohttp.ClientSession() as http:
        owner = await join(http, f"owner-{run}", **where, hub=0)
        buyer = await join(http, f"buyer-{run}", **where, hub=len(hubs) - 1)
        for number in range(1, loops + 1):
            loop = Loop(number, owner, buyer)
            whole = await loop.walk()
            steps += loop.steps
            show(loop, whole)
        await asyncio.gather(owner.socket.close(), buyer.socket.close())
    summary = summarise(steps)
    print(
        f"\n{summary['ok']} of {summary['steps']} steps; commit to receipt by both: p50 {summary['p50_ms']} ms, "
        f"p99 {summary['p99_ms']} ms; command to receipt p99 {summary['command_p99_ms']} ms"
    )
    if file is not None:
        file.write_text(
            json.dumps({"steps": [asdict(s) for s in steps], "summary": summary}, indent=2)
        )
    return 0 if summary["ok"] == summary["steps"] and len(steps) == loops * STEPS else 1


STEPS = 14
"""Steps of one whole loop: a loop that ends early is not a whole one."""


def show(loop: Loop, whole: bool) -> None:
    print(f"\nloop {loop.number}: {'done' if whole else 'STOPPED'}")
    for step in loop.steps:
        times = ""
        if step.commit_to_receipt_ms is not None:
            times = f"commit {step.commit_to_receipt_ms:7.1f} ms   command {step.command_to_receipt_ms:7.1f} ms"
        mark = "ok  " if step.ok else "FAIL"
        print(
            f"  {step.at_ms:8.0f} ms  {mark} {step.name:14} {times} {step.error}".rstrip(),
            flush=True,
        )


def summarise(steps: Sequence[Step]) -> dict[str, Any]:
    """Percentiles over the steps that push something, in ms."""
    commit = [s.commit_to_receipt_ms for s in steps if s.commit_to_receipt_ms is not None]
    command = [s.command_to_receipt_ms for s in steps if s.command_to_receipt_ms is not None]
    return {
        "steps": len(steps),
        "ok": sum(s.ok for s in steps),
        "p50_ms": percentile(commit, 50),
        "p99_ms": percentile(commit, 99),
        "command_p99_ms": percentile(command, 99),
    }


def percentile(values: Sequence[float], percent: int) -> float | None:
    """The nearest-rank percentile, None of nothing."""
    if not values:
        return None
    ranked = sorted(values)
    return round(ranked[max(0, -(-len(ranked) * percent // 100) - 1)], 2)
