"""The jobs by name. `relay` means all of relay.*; a process opens only what its jobs need."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from infra.config import WINGS
from infra.handlers import Handler
from infra.mysql.database import Database, open_database
from infra.process import Process
from infra.redis import keys
from market.wings import open_wings
from workers import order_timers, rating_windows, settlement
from workers.inboxes import Inbox
from workers.janitor import EVERY_S as JANITOR_EVERY_S
from workers.janitor import Janitor
from workers.loop import Job
from workers.relay import Relay

CHORES: Mapping[str, Any] = {
    "order_timers": order_timers,
    "rating_windows": rating_windows,
    "settlement": settlement,
}
"""Modules with WING, EVERY_S and run_once(wing, now_ms)."""

POLL_S = 0.5
"""How long a fact may wait when its wake-up got lost (Redis is away)."""


def handlers_of(wing: str) -> Mapping[str, Handler[Any]]:
    handlers: Mapping[str, Handler[Any]] = importlib.import_module(
        f"market.{wing}.handlers"
    ).HANDLERS
    return handlers


def names() -> list[str]:
    inboxes = [f"inbox.{wing}" for wing in WINGS if handlers_of(wing)]
    return [*(f"relay.{w}" for w in WINGS), *inboxes, *CHORES, *(f"janitor.{w}" for w in WINGS)]


def choose(wanted: Iterable[str]) -> list[str]:
    """Full names for names and prefixes; all for none. Raise ValueError for an unknown one."""
    chosen: list[str] = []
    for name in wanted:
        matching = [job for job in names() if job == name or job.startswith(f"{name}.")]
        if not matching:
            raise ValueError(f"no such worker: {name}; there are {', '.join(names())}")
        chosen += matching
    return chosen or names()


@asynccontextmanager
async def open_jobs(process: Process, chosen: Iterable[str]) -> AsyncIterator[list[Job]]:
    chosen = list(chosen)
    needed = {name.partition(".")[2] for name in chosen if name.startswith("inbox.")}
    needed |= {CHORES[name].WING for name in chosen if name in CHORES}
    wings = await open_wings(process, sorted(needed))
    relaying = any(name.startswith("relay.") for name in chosen)
    relay_databases = (
        {wing: await _relay_database(process, wing) for wing in WINGS} if relaying else {}
    )
    yield [await _job(name, process, wings, relay_databases) for name in chosen]


async def _job(
    name: str, process: Process, wings: Mapping[str, Any], relay_databases: Mapping[str, Database]
) -> Job:
    kind, _, wing = name.partition(".")
    if kind == "relay":
        relay = Relay(
            wing,
            relay_databases,
            {w: process.config.dsn(w).schema for w in WINGS},
            {w: frozenset(handlers_of(w)) for w in WINGS},
            process.publisher,
        )
        process.stack.push_async_callback(relay.close)
        return Job(name, relay.run_once, POLL_S)
    if kind == "inbox":
        consumer = Inbox(wing, wings[wing], handlers_of(wing), wings[wing].db)
        process.stack.push_async_callback(consumer.close)
        return Job(name, consumer.run_once, POLL_S)
    if kind == "janitor":
        return Job(name, Janitor(await process.database(wing)).run_once, JANITOR_EVERY_S)
    chore = CHORES[name]

    async def run_once(now_ms: int) -> int:
        return int(await chore.run_once(wings[chore.WING], now_ms))

    return Job(name, run_once, chore.EVERY_S)


async def _relay_database(process: Process, wing: str) -> Database:
    return await process.stack.enter_async_context(
        open_database(wing, process.config.relay_dsn(wing), process.ids, size=4)
    )


def wake_channels(jobs: Iterable[Job]) -> dict[str, Job]:
    """Redis channel -> the job to wake."""
    channels = {}
    for job in jobs:
        kind, _, wing = job.name.partition(".")
        if kind in ("relay", "inbox"):
            channels[keys.wake("outbox" if kind == "relay" else "inbox", wing)] = job
    return channels
