"""Idle connections, held for minutes: memory and CPU of each, the heartbeats they cost, and none dropped."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from devkit import RUN
from devkit.stack import Layout, Stack
from infra.config import Config
from infra.tokens import Tokens
from loadtest.benches.hub_scene import TOKENS_LAST_S, Scene, plans
from loadtest.machine import Shares, describe, rss_kb
from loadtest.swarm import ShareHub, Swarm
from loadtest.swarm.driver import per_process

FROM_ONE_ADDRESS = {
    "SHAREHUB_HUB_MAX_PER_ADDRESS": "1000000",
    "SHAREHUB_HUB_MAX_CONNECTIONS": "1000000",  # the limit of open files says how many a hub gets
}
REPORT_EVERY_S = 30.0


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev soak idle", description=__doc__)
    add = parser.add_argument
    add("--connections", type=int, default=50_000, help="even (default %(default)s)")
    add("--minutes", type=float, default=5.0, help="how long (default %(default)s)")
    add("--dial", type=float, default=500.0, help="new connections a second (default %(default)s)")
    add("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    hubs = max(2, -(-options.connections // per_process()))
    directory = RUN / "soak-idle"
    shutil.rmtree(directory, ignore_errors=True)
    with Stack(
        directory, layout=Layout(hubs=hubs), extra_env=FROM_ONE_ADDRESS, log_file_size="256M", say=say
    ) as stack:  # fmt: skip
        figures = asyncio.run(hold(stack, options))
    figures["machine"] = describe()
    for name, figure in figures.items():
        print(f"{name:28} {figure}")
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2))
    return 1 if figures["drops"] else 0


def say(line: str) -> None:
    print(f"== {line}", flush=True)


async def hold(stack: Stack, options: argparse.Namespace) -> dict[str, Any]:
    scene = Scene(
        stack.servers.mariadb, Tokens(Config(stack.environment).token_keys, TOKENS_LAST_S)
    )
    people = await asyncio.to_thread(scene.people, options.connections)
    deals = await asyncio.to_thread(scene.deals, people)
    say(f"{len(people)} people and {len(deals)} orders are in the database")
    empty_kb = sum(rss_kb(hub.pid) for hub in stack.hubs)
    async with Swarm(ShareHub, connections=options.connections) as swarm:
        urls = tuple(hub.url for hub in stack.hubs)
        began = time.monotonic()
        await swarm.dial(plans(people, deals, urls), per_s=options.dial)
        await swarm.all_live(timeout_s=options.connections / options.dial * 3 + 60)
        say(f"{len(people)} connected in {time.monotonic() - began:.0f} s")
        connecting = trouble(Counter((await swarm.status()).counts))
        before = (await swarm.status()).counts
        shares = Shares({
            **{hub.name: [hub.pid] for hub in stack.hubs}, "mariadb": [stack.servers.mariadb.pid],
            "redis": [stack.servers.redis.pid], "workers": [stack["workers"].pid], "clients": swarm.pids,
        })  # fmt: skip
        grown_kb = await _wait(stack, swarm, options.minutes * 60, empty_kb)
        used = shares.since()
        status = await swarm.status()
        during = status.counts - before
    hub_s = sum(used.cpu_s[hub.name] for hub in stack.hubs)
    pings = during["ping"]
    say(f"{used.line()}; trouble while connecting {connecting}, since then {trouble(during)}")
    return {
        "connections": len(people), "hubs": len(stack.hubs), "minutes": options.minutes,
        "rss_kb_per_connection": round(grown_kb / len(people), 1),
        "hub_cpu_percent": round(100 * hub_s / used.wall_s, 1),
        "hub_cpu_us_per_connection_s": round(hub_s / used.wall_s / len(people) * 1e6, 2),
        "heartbeats": pings, "heartbeats_per_s": round(pings / used.wall_s, 1),
        "drops": len(people) - status.live + sum(trouble(during).values()),
    }  # fmt: skip


async def _wait(stack: Stack, swarm: Swarm, seconds: float, empty_kb: int) -> int:
    """Growth of the hubs' memory since they were empty, KiB, at the end."""
    deadline = time.monotonic() + seconds
    while True:
        left = deadline - time.monotonic()
        await asyncio.sleep(max(0.0, min(REPORT_EVERY_S, left)))
        grown_kb = sum(rss_kb(hub.pid) for hub in stack.hubs) - empty_kb
        status = await swarm.status()
        say(
            f"{status.live} live, {grown_kb / status.clients:.1f} KiB each, {max(0.0, left - REPORT_EVERY_S):.0f} s to go"
        )
        if left <= REPORT_EVERY_S:
            return grown_kb


def trouble(counts: Counter[str]) -> dict[str, int]:
    """Everything that was counted but the heartbeats."""
    return {name: count for name, count in counts.items() if name != "ping"}
