"""Random orders through random commands, faults and deaths: at the end every promise about them and their money has been kept.

Parties, operators and strangers ask for what is legal and for what is not, over sockets and REST; the sandbox loses, delays,
doubles and reorders callbacks and fails a twentieth of all calls; time is moved in the database; every process, Redis and
MariaDB die by kill -9, at random moments and at the named points. What is legal is said by a model apart from the product's
own table. `--seed` tells the same stories again, as far as concurrency lets it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devkit import RUN
from devkit.run import stop_on_signals
from devkit.stack import Layout, Stack
from loadtest.machine import describe
from loadtest.soaks.orders_audit import Audit, history
from loadtest.soaks.orders_calm import become_calm, reconciled
from loadtest.soaks.orders_havoc import Havoc
from loadtest.soaks.orders_model import Broken, Order
from loadtest.soaks.orders_stories import Story
from loadtest.soaks.orders_town import Listing, Town, open_town

LAYOUT = Layout(hubs=2, workers=((), ()), sandbox_faults=0.05)
ENVIRONMENT = {
    "SHAREHUB_HUB_COMMANDS_PER_S": "1000000",
    "SHAREHUB_HUB_COMMAND_BURST": "1000000",
    "SHAREHUB_HUB_MAX_IN_FLIGHT": "256",
    "SHAREHUB_HUB_MAX_IN_FLIGHT_PER_WING": "512",
    "SHAREHUB_HUB_AUDIT_S": "60",
    "SHAREHUB_ACCESS_TOKEN_S": "86400",
    "SHAREHUB_UNPAID_ORDERS": "0",
}
ORDERS_OF_A_LISTING = 400
REPORT_EVERY_S = 10.0


@dataclass(slots=True, kw_only=True)
class Run:
    """What is to be done, and what has become of it."""

    seed: int
    orders: int
    at_once: int
    pause_s: float
    minutes: float
    buyers: int
    began_ms: int = field(default_factory=lambda: int(time.time() * 1000))
    lived: list[Order] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    faults: dict[str, int] = field(default_factory=dict)
    audited: dict[str, int] = field(default_factory=dict)
    took_s: dict[str, float] = field(default_factory=dict)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev soak orders", description=__doc__)
    add = parser.add_argument
    add("--orders", type=int, default=50_000, metavar="N", help="(default %(default)s)")
    add("--seed", type=int, metavar="N")
    add(
        "--minutes",
        type=float,
        default=60.0,
        metavar="M",
        help="begin no order after (default %(default)s)",
    )
    add(
        "--at-once",
        type=int,
        default=240,
        metavar="N",
        help="orders under way (default %(default)s)",
    )
    add(
        "--pause",
        type=float,
        default=6.0,
        metavar="S",
        help="between two deaths; 0: nobody dies (default %(default)s)",
    )
    add("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    seed = random.randrange(2**32) if options.seed is None else options.seed
    directory = RUN / "soak-orders"
    shutil.rmtree(directory, ignore_errors=True)
    task = Run(
        seed=seed, orders=options.orders, at_once=options.at_once, pause_s=options.pause,
        minutes=options.minutes, buyers=64,
    )  # fmt: skip
    say(f"seed {seed}")
    broken = None
    with stop_on_signals(), started(directory) as stack:
        try:
            asyncio.run(play(stack, task))
        except Broken as fault:
            broken = str(fault)
    report = summary(task) | {"broken": broken, "machine": describe()}
    show(report)
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=2, ensure_ascii=False))
    return int(broken is not None)


def started(directory: Path) -> Stack:
    return Stack(directory, layout=LAYOUT, extra_env=ENVIRONMENT, log_file_size="256M", say=say)


def say(line: str) -> None:
    print(f"== {line}", flush=True)


async def play(stack: Stack, task: Run) -> None:
    """Raise Broken, with all that is known of the order, at the first promise that is not kept."""
    dice = random.Random(task.seed)
    async with open_town(stack, dice) as town:
        task.counts = town.counts
        began_s = time.monotonic()
        await town.settle(task.buyers, max(12, task.orders // ORDERS_OF_A_LISTING))
        task.took_s["settling"] = time.monotonic() - began_s
        havoc = Havoc(stack, dice, task.pause_s)
        task.struck = havoc.struck
        telling = asyncio.create_task(_tell_all(town, task, havoc))
        raging = asyncio.create_task(havoc.rage(lambda: not telling.done()))
        reporting = asyncio.create_task(_report(town, task))
        try:
            await asyncio.gather(telling, raging)
            task.took_s["stories"] = time.monotonic() - began_s - task.took_s["settling"]
            await _check(town, task)
        except Broken as fault:
            raise Broken(await _context(stack, task, str(fault))) from fault
        finally:
            for other in (telling, raging, reporting):
                other.cancel()
            await asyncio.gather(telling, raging, reporting, return_exceptions=True)


async def _tell_all(town: Town, task: Run, havoc: Havoc) -> None:
    """So many orders, and more if need be until every kind of death has met some."""
    ends_s = time.monotonic() + task.minutes * 60

    def numbers() -> Iterator[int]:
        for number in itertools.count():
            if (number >= task.orders and havoc.has_had_enough) or time.monotonic() > ends_s:
                return
            yield number

    each = numbers()
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(task.at_once):
                group.create_task(_tell(town, task, each))
    except ExceptionGroup as faults:
        raise faults.exceptions[0] from faults


async def _tell(town: Town, task: Run, numbers: Iterator[int]) -> None:
    for number in numbers:
        story = Story(town, number, task.seed)
        try:
            await story.live()
        finally:
            if story.order is not None:
                task.lived.append(story.order)


async def _check(town: Town, task: Run) -> None:
    began_s = time.monotonic()
    task.faults = await town.faults()
    await become_calm(town.stack, say)
    await reconciled(town.stack, task.began_ms)
    task.took_s["calm"] = time.monotonic() - began_s
    task.listings = town.listings
    audit = Audit(town.stack, task.lived, task.listings)
    task.audited = await asyncio.to_thread(audit.run)
    task.took_s["audit"] = time.monotonic() - began_s - task.took_s["calm"]


async def _context(stack: Stack, task: Run, fault: str) -> str:
    """The fault, and of each order that it names all that is known."""
    lines = [fault, f"seed {task.seed}"]
    for order in (order for order in task.lived if order.id in fault):
        lines += [f"-- order {order.id}, story {order.number}:", *order.log, "-- told:"]
        lines += await asyncio.to_thread(history, stack, order.id)
    return "\n".join(lines)


async def _report(town: Town, task: Run) -> None:
    asked, began_s = 0, time.monotonic()
    while True:
        await asyncio.sleep(REPORT_EVERY_S)
        commands = town.counts["commands"]
        say(
            f"{time.monotonic() - began_s:.0f} s: {len(task.lived)} of {task.orders} orders lived, "
            f"{(commands - asked) / REPORT_EVERY_S:.0f} commands a second, {sum(task.struck.values())} deaths"
        )
        asked = commands


def summary(task: Run) -> dict[str, Any]:
    counts = task.counts
    refused = {
        k.removeprefix("refused "): n for k, n in sorted(counts.items()) if k.startswith("refused ")
    }
    codes: Counter[str] = Counter()
    for name, number in refused.items():
        codes[name.rpartition(": ")[2]] += number
    return {
        "orders": len(task.lived), "seed": task.seed, "commands": counts["commands"],
        "transitions": {k: n for k, n in sorted(counts.items()) if " by " in k and k not in refused},
        "last_known": dict(sorted(Counter(order.state for order in task.lived).items())),
        "refusals": dict(codes.most_common()), "refused": refused,
        "deaths": dict(sorted(task.struck.items())), "sandbox_faults": task.faults,
        "audited": task.audited, "took_s": {k: round(s, 1) for k, s in task.took_s.items()},
    }  # fmt: skip


def show(report: dict[str, Any]) -> None:
    for name, value in report.items():
        if name not in ("refused", "broken"):
            print(f"{name:16} {value}")
    print(report["broken"] or f"every promise kept, seed {report['seed']}")
