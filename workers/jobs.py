"""The jobs by name. `relay` means all of relay.*; a process opens only what its jobs need."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from infra.config import WINGS
from infra.handlers import Handler
from infra.mysql.database import Database, open_database
from infra.process import Process
from infra.redis import keys
from infra.redis.client import connect
from infra.redis.publish import Publisher, PushScript
from market.wings import AT_WORK, open_wings
from workers import (
    comparables,
    content_checks,
    experiments,
    freeze_guard,
    inboxes,
    ledger_totals,
    letters,
    listing_states,
    old_notices,
    old_sessions,
    order_timers,
    rating_windows,
    reconciliation,
    reminders,
    settlement,
)
from workers import relay as relays
from workers.inboxes import Inbox
from workers.janitor import EVERY_S as JANITOR_EVERY_S
from workers.janitor import Janitor
from workers.loop import Job
from workers.relay import Relay
from workers.republisher import Republisher

CHORES: Mapping[str, Any] = {
    "comparables": comparables,
    "content_checks": content_checks,
    "experiments": experiments,
    "freeze_guard": freeze_guard,
    "ledger_totals": ledger_totals,
    "letters": letters,
    "listing_states": listing_states,
    "old_notices": old_notices,
    "old_sessions": old_sessions,
    "order_timers": order_timers,
    "rating_windows": rating_windows,
    "reconciliation": reconciliation,
    "reminders": reminders,
    "settlement": settlement,
}
"""Modules with WING, EVERY_S and run_once(wing, now_ms), but for the settlement, which has errands under way between rounds.
One with WAKE is woken on that channel."""

POLL_S = 0.5
"""How long a fact may wait when its wake-up got lost (Redis is away)."""

REDIS_S = 0.25
"""How long a relay waits for Redis to say what was published."""


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
    wings = await open_wings(process, sorted(needed), AT_WORK)
    jobs: list[Job] = []
    waking = _Waking(process.publisher)
    for name in chosen:
        kind, _, wing = name.partition(".")
        if kind == "inbox":
            consumer = Inbox(wing, wings[wing], handlers_of(wing), wings[wing].db)
            process.stack.push_async_callback(consumer.close)
            job = Job(name, consumer.run_once, POLL_S, inboxes.PACE_S, inboxes.BATCH)
            waking.here[wing] = (consumer, job)
        elif kind == "janitor":
            job = Job(name, Janitor(await process.database(wing)).run_once, JANITOR_EVERY_S)
        elif kind == "settlement":
            paying = settlement.Settlement(wings[settlement.WING])
            process.stack.push_async_callback(paying.close)
            job = Job(name, paying.run_once, settlement.EVERY_S)
        elif kind in CHORES:
            job = Job(
                name, partial(CHORES[kind].run_once, wings[CHORES[kind].WING]), CHORES[kind].EVERY_S
            )
        else:
            continue
        jobs.append(job)
    relaying = [name.partition(".")[2] for name in chosen if name.startswith("relay.")]
    if relaying:
        jobs += await _open_relays(process, relaying, waking)
    yield sorted(jobs, key=lambda job: chosen.index(job.name))


class _Waking:
    """Wakes the one who works on a wing's inbox: directly when it is in this process, through Redis otherwise."""

    def __init__(self, publisher: Publisher) -> None:
        self.here: dict[str, tuple[Inbox, Job]] = {}
        self._publisher = publisher

    def __call__(self, wing: str) -> None:
        if wing in self.here and self.here[wing][0].at_work:
            self.here[wing][1].wake.set()
        else:
            self._publisher.wake(keys.wake("inbox", wing))


async def _open_relays(process: Process, relaying: Iterable[str], wake: _Waking) -> list[Job]:
    config = process.config
    redis = connect(config.redis_url, timeout_s=REDIS_S)
    process.stack.push_async_callback(redis.aclose)
    republisher = Republisher(redis, PushScript(redis), process.publisher)

    async def database(wing: str) -> Database:
        opened = open_database(wing, config.relay_dsn(wing), process.ids, size=4)
        return await process.stack.enter_async_context(opened)

    servers: dict[tuple[object, ...], Database] = {}
    targets = {}
    for wing in WINGS:
        dsn = config.relay_dsn(wing)
        server = (dsn.host, dsn.port, dsn.unix_socket, dsn.user, dsn.password)
        if server not in servers:
            servers[server] = await database(wing)
        targets[wing] = servers[server]
    jobs = []
    for wing in relaying:
        relay = Relay(
            wing,
            await database(wing),
            targets,
            {w: config.dsn(w).schema for w in WINGS},
            {w: frozenset(handlers_of(w)) for w in WINGS},
            republisher,
            wake,
        )
        process.stack.push_async_callback(relay.close)
        jobs.append(Job(f"relay.{wing}", relay.run_once, POLL_S, relays.PACE_S, relays.BATCH))
    return jobs


def wake_channels(jobs: Iterable[Job]) -> dict[str, Job]:
    """Redis channel -> the job to wake."""
    channels = {}
    for job in jobs:
        kind, _, wing = job.name.partition(".")
        if kind in ("relay", "inbox"):
            channels[keys.wake("outbox" if kind == "relay" else "inbox", wing)] = job
        elif hasattr(CHORES.get(kind), "WAKE"):
            channels[CHORES[kind].WAKE] = job
    return channels
