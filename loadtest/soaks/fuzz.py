"""A million spoilt frames against the decoders and a running hub: nothing but documented refusals, and nobody else suffers.

First the decoders in this process, then a hub over real sockets. At its end the hub has to be the same process, without a
connection, a descriptor or an error in its log that should not be there, and a client that behaved has been served all the
while. `--seed` plays a run again, `--session` one of its connections.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import jwt

from devkit import RUN
from devkit.client import Person
from devkit.stack import Layout, ServingProcess, Stack
from infra.config import Config
from infra.tokens import Tokens
from loadtest.fuzz import decoder
from loadtest.fuzz.sessions import Author
from loadtest.fuzz.siege import Honest, Siege
from loadtest.machine import describe
from market.kernel.actor import Actor, Role
from market.kernel.ids import Id

ENVIRONMENT = {
    "SHAREHUB_HUB_COMMANDS_PER_S": "1000000",
    "SHAREHUB_HUB_COMMAND_BURST": "1000000",
    "SHAREHUB_HUB_CONNECT_DEADLINE_S": "5",
    "SHAREHUB_OPERATORS": "fuzz-operator",
}
USERS = 20
FRAMES = "sharehub_hub_frames_total"
GROWTH_MIB = 64
"""What a hub's memory may grow by from the end of the first tenth to the end: fragments and pools, and no heap of leavings."""
FOREIGN = re.compile(r"[\w.]+ (DEBUG|INFO|WARNING|ERROR|CRITICAL) ")
"""How a line of a library's begins; a traceback follows it."""
SETTLE_S = 30.0
POOLED = 50
"""Descriptors that a hub may open and keep: its pools' connections to the databases."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a process weighs."""

    rss_mib: float
    descriptors: int

    @classmethod
    def of(cls, pid: int) -> Body:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return cls(
            round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1), len(os.listdir(f"/proc/{pid}/fd"))
        )


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev soak fuzz", description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--seed", type=int, default=None, metavar="N")
    parser.add_argument("--session", type=int, metavar="N", help="only this connection of the seed")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(arguments)
    seed = Random().randrange(2**32) if options.seed is None else options.seed
    directory = RUN / "soak-fuzz"
    shutil.rmtree(directory, ignore_errors=True)
    with started(directory) as stack:
        figures = run(stack, seed, options.frames, options.session)
    figures["machine"] = describe()
    for name, value in figures.items():
        if name != "faults":
            print(f"{name:24} {value}")
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2))
    faults = figures["faults"]
    print(f"{len(faults)} faults, seed {seed}", *faults[:40], sep="\n")
    return 1 if faults else 0


def started(directory: Path) -> Stack:
    return Stack(directory, layout=Layout(hubs=1), extra_env=ENVIRONMENT, log_file_size="64M")


def run(stack: Stack, seed: int, frames: int, session: int | None = None) -> dict[str, Any]:
    """Both assaults; the figures, `faults` among them. The hub lives on, for whoever wants to look at it."""
    faults: list[str] = []
    began = time.monotonic()
    outcomes = decoder.assault(seed, frames, faults) if session is None else {}
    _progress(f"decoders: {frames} messages in {time.monotonic() - began:.0f} s")
    figures = asyncio.run(besiege(stack, seed, frames, session))
    figures["decoder"] = dict(outcomes)
    figures["faults"] = faults + figures["faults"]
    return figures


async def besiege(stack: Stack, seed: int, frames: int, session: int | None) -> dict[str, Any]:
    hub = stack["hub-1"]
    pid, log_from = hub.pid, hub.log_file.stat().st_size
    async with aiohttp.ClientSession() as http:
        people = [
            Person(http, api=stack.api_url, hubs=[hub.url], sandbox=stack.sandbox_url, openid=name)
            for name in ("fuzz-operator", "fuzz-honest")
        ]
        operator, honest = [await person.log_in() for person in people]
        ids = [operator.id, honest.id]
        siege = Siege(Author(seed, token_maker(stack, ids), _users(seed), ids), hub.port)
        tally = siege.tally
        good = await honest.connect()
        await good.watch(f"user:{honest.id}")

        async def publish() -> int:
            notice = {
                "user_ids": [honest.id],
                "category": "activity",
                "title": "在吗",
                "body": "在",
            }
            return int((await operator.rest("POST", "/v1/notices", notice))["told"][0]["seq"])

        served = Honest(good, f"user:{honest.id}", publish)
        serving = asyncio.create_task(served.live(tally.faults))
        began, before = time.monotonic(), Body.of(pid)
        heard = await asyncio.to_thread(_metric, hub, FRAMES)
        if session is not None:
            await siege.play(siege.author.write(session))
            early = before
        else:
            early = await _attack(siege, frames, hub, pid)
        seconds = time.monotonic() - began
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await good.close()
        left = await _settle(hub)
        after = Body.of(pid)
        heard = await asyncio.to_thread(_metric, hub, FRAMES) - heard
    _judge(tally.faults, hub, pid, early, before, after, left)
    tally.faults += log_faults(hub, log_from)
    return {
        "seed": seed, "frames": tally.frames, "frames_understood": heard, "connections": tally.connections, "seconds": round(seconds, 1),
        "ops": dict(tally.ops), "codes": dict(tally.codes), "closes": dict(tally.closes),
        "honest_rounds": served.rounds, "honest_worst_s": round(served.worst_s, 2),
        "rss_mib": [before.rss_mib, early.rss_mib, after.rss_mib], "descriptors": [before.descriptors, after.descriptors],
        "faults": tally.faults,
    }  # fmt: skip


async def _attack(siege: Siege, frames: int, hub: ServingProcess, pid: int) -> Body:
    """How the hub was after the first tenth."""
    early: Body | None = None
    told = 0
    for tenth in range(1, 11):
        await siege.attack(frames * tenth // 10, lambda: hub.alive)
        if not hub.alive:
            raise SystemExit(f"the hub died with {hub.returncode}\n{hub.log_tail(40)}")
        body = Body.of(pid)
        early = early or body
        tally = siege.tally
        for fault in tally.faults[told:]:
            _progress(f"fault: {fault}")
        told = len(tally.faults)
        _progress(
            f"{tally.frames} frames on {tally.connections} connections, {len(tally.faults)} faults, {body.rss_mib} MiB"
        )
    assert early is not None
    return early


async def _settle(hub: ServingProcess) -> int:
    """Wait until the hub has let go of everybody; how many it has not."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        left = await asyncio.to_thread(_metric, hub, "sharehub_hub_connections")
        if not left or time.monotonic() > deadline:
            return left
        await asyncio.sleep(0.2)


def _metric(hub: ServingProcess, name: str) -> int:
    """The sum over all labels."""
    lines = hub.get("/metrics", timeout_s=10)[1].decode().splitlines()
    wanted = re.compile(rf"{name}(\{{.*\}})? ")
    return sum(int(float(line.split()[-1])) for line in lines if wanted.match(line))


def _judge(
    faults: list[str], hub: ServingProcess, pid: int, early: Body, before: Body, after: Body, left: int
) -> None:  # fmt: skip
    if not hub.alive or hub.pid != pid:
        faults.append("the hub is another process")
    if left:
        faults.append(f"{left} connections are left, {SETTLE_S:.0f} s after the last client")
    if after.rss_mib - early.rss_mib > GROWTH_MIB:
        faults.append(f"memory grew from {early.rss_mib} to {after.rss_mib} MiB")
    if after.descriptors > before.descriptors + POOLED:
        faults.append(f"{before.descriptors} descriptors became {after.descriptors}")


def log_faults(hub: ServingProcess, log_from: int) -> list[str]:
    """Errors, exceptions, and whatever is no line of ours and not known to be harmless."""
    found: list[str] = []
    foreign: list[str] = []
    with hub.log_file.open("rb") as log:
        log.seek(log_from)
        for raw in log:
            try:
                line = json.loads(raw)
                if line["level"] in ("error", "critical") or "exception" in line:
                    found.append(raw.decode(errors="replace").strip())
            except (ValueError, KeyError, TypeError):
                text = raw.decode(errors="replace")
                if FOREIGN.match(text) or not foreign:
                    foreign.append(text)
                else:
                    foreign[-1] += text
    found += [block for block in foreign if block.strip()]
    return [f"hub's log: {entry[:1500]}" for entry in found]


def _users(seed: int) -> list[str]:
    dice = Random(f"users {seed}")
    return [str(dice.randrange(2**61, 2**62)) for _ in range(USERS)]


def token_maker(stack: Stack, ids: Sequence[str]) -> Callable[[str, str], str]:
    """`(user, what is wrong with it) -> token`, signed with the stack's own key where nothing is wrong."""
    keys = Config({"SHAREHUB_TOKEN_KEYS": stack.secrets.token_keys}).token_keys
    tokens, forged = Tokens(keys), Tokens(((keys[0][0], b"x" * 32),))

    def make(user: str, wrong: str) -> str:
        now_ms = int(time.time() * 1000)
        role: Role = "operator" if wrong == "operator" else "user"
        who = Id.parse(ids[0] if wrong == "foreign" else user)
        actor = Actor(user_id=who, role=role, session_id=Id(int(who) ^ 1))
        match wrong:
            case "expired":
                return tokens.access(actor, now_ms - 10**7)
            case "forged":
                return forged.access(actor, now_ms)
            case "garbage":
                return jwt.encode({"sub": user}, keys[0][1], headers={"kid": keys[0][0]})
            case _:
                return tokens.access(actor, now_ms)

    return make


def _progress(line: str) -> None:
    print(f"== {line}", file=sys.stderr, flush=True)
