"""The same fan-out on our hubs, on python-socketio and on Node's socket.io: server CPU per frame, memory, latency.

Each has two server processes on one Redis, the same clients, the same order as payload, and an emitter of its own kind in
a process of its own; each peer is set up as its documentation recommends for production. Clients are in a room of two and
in one wide room. Rooms of two are pushed to at --rate, the wide room once a second: each alone, then both together.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from loadtest.machine import describe
from loadtest.peers.install import InstallError
from loadtest.peers.measure import Load, measure
from loadtest.peers.ours import Ours
from loadtest.peers.rivals import NodeSocketIo, PythonSocketIo
from loadtest.peers.side import Say, Side

SIDES: dict[str, Callable[[Say], Side]] = {
    "ours": Ours,
    "python_socketio": partial(PythonSocketIo, "python_socketio", "aiohttp"),
    "socketio_node": partial(NodeSocketIo, "socketio_node", "sharded", "ioredis"),
}
OTHER_SET_UPS: dict[str, Callable[[Say], Side]] = {
    "python_socketio_uvicorn": partial(PythonSocketIo, "python_socketio_uvicorn", "uvicorn"),
    "socketio_node_classic": partial(NodeSocketIo, "socketio_node_classic", "classic", "ioredis"),
    "socketio_node_redis": partial(NodeSocketIo, "socketio_node_redis", "sharded", "redis"),
    "socketio_node_classic_redis": partial(
        NodeSocketIo, "socketio_node_classic_redis", "classic", "redis"
    ),
}
"""Documented as well: --all measures them too, so that one sees whether any is cheaper than the one above."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev bench peers", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--connections", type=int, default=2_000, metavar="N", help="2000")
    parser.add_argument("--rate", type=int, default=1_000, metavar="R", help="pushes/s, 1000")
    parser.add_argument("--seconds", type=int, default=15, metavar="S", help="a phase, 15")
    parser.add_argument("--all", action="store_true", help="the peers' other set-ups too")
    parser.add_argument("--only", action="append", metavar="SIDE", help="one or more of these")
    options = parser.parse_args(arguments)
    sides = {**SIDES, **OTHER_SET_UPS} if options.all or options.only else SIDES
    load = Load(connections=options.connections, rate=options.rate, seconds=options.seconds)
    try:
        made = {name: make(_say) for name, make in sides.items() if name in (options.only or sides)}
    except InstallError as error:
        print(f"bench peers: {error}", file=sys.stderr)
        return 1
    figures: dict[str, Any] = {name: _measured(side, load) for name, side in made.items()}
    if "ours" in figures:
        figures["times_ours"] = _times_ours(figures)
    figures["load"] = {"connections": load.connections, "rate": load.rate, "seconds": load.seconds}
    figures["machine"] = describe()
    _show(figures)
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2))
    return 0


def _measured(side: Side, load: Load) -> dict[str, Any]:
    _say(f"{side.name}: {side.about}")
    try:
        side.start(load.connections)
        return asyncio.run(measure(side, load))
    finally:
        side.stop()


def _times_ours(figures: dict[str, Any]) -> dict[str, dict[str, float]]:
    """How many times our cost each peer's is."""
    ours = figures["ours"]
    return {
        name: {
            "cpu": round(theirs["cpu_us_per_frame"] / ours["cpu_us_per_frame"], 2),
            "cpu_pairs": round(theirs["pairs"]["cpu_us_per_frame"] / ours["pairs"]["cpu_us_per_frame"], 2),
            "cpu_wide": round(theirs["wide"]["cpu_us_per_frame"] / ours["wide"]["cpu_us_per_frame"], 2),
            "rss": round(theirs["rss_kb_per_connection"] / ours["rss_kb_per_connection"], 2),
        }
        for name, theirs in figures.items()
        if name != "ours"
    }  # fmt: skip


def _show(figures: dict[str, Any]) -> None:
    for name, value in figures.items():
        if not isinstance(value, dict):
            print(f"{name:28} {value}")
            continue
        print(name)
        for key, one in value.items():
            print(f"    {key:24} {one}")


def _say(line: str) -> None:
    print(f"== {line}", flush=True)
