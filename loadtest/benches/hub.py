"""The hub at N connections: commit to last recipient, CPU per frame and per resume, memory, healing; nothing lost, nothing stale.

Everything runs on this machine and shares its cores. Transitions enter through api processes, in an open loop, so that the hubs'
CPU is the hubs' alone. One run: idle, order traffic, order traffic with a wide topic, idle again, foreground storm, a Redis
restart, and the same order traffic with few connections.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from typing import Any

import aiohttp

from devkit.client import Person as Phone
from devkit.loop import CENTER, WHOLE_WEEK
from devkit.stack import Layout, Stack
from infra.config import WINGS, Config
from infra.tokens import Tokens
from loadtest.benches.hub_metrics import quantile_s, value, wide_last_writes
from loadtest.benches.hub_phase import Phase, committed, what_of
from loadtest.benches.hub_scene import (
    TOKENS_LAST_S,
    Deal,
    Person,
    Scene,
    Traffic,
    edits,
    plans,
)
from loadtest.benches.opening import parser_of, play, say
from loadtest.machine import Shares, Used, rss_kb
from loadtest.swarm import Receipts, Requests, ShareHub, Swarm, percentile

WARM_UP_S = 5.0
REST_CONNECTIONS = 128
"""Enough for an open loop: the rate times the slowest answer."""
STORM_S = 10.0
OUTAGE_S = 2.0
SETTLE_S = 60.0
FEW = 1000
FROM_ONE_ADDRESS = {"SHAREHUB_HUB_MAX_PER_ADDRESS": "1000000"}
"""All clients are on this machine."""
ROUNDS = 3
"""Of the orders of a few connections, which do not last for one long phase."""


def main(arguments: Sequence[str]) -> int:
    parser = parser_of("hub", __doc__)
    add = parser.add_argument
    add("--connections", type=int, default=10_000, help="even (default %(default)s)")
    add("--rate", type=float, default=300.0, help="transitions a second (default %(default)s)")
    add("--seconds", type=float, default=30.0, help="of each phase (default %(default)s)")
    add("--dial", type=float, default=500.0, help="new connections a second (default %(default)s)")
    add("--api", type=int, default=1, help="api processes (default %(default)s)")
    add("--workers", type=int, default=1, help="processes: 1, or 2 for relay and the rest")
    add("--generators", type=int, default=2, help="client processes (default %(default)s)")
    options = parser.parse_args(arguments)
    workers = ((),) if options.workers == 1 else (("relay",), ("inbox", "order_timers", "janitor"))
    layout = Layout(hubs=2, api=((),) * options.api, workers=workers, sandbox_faults=0.05)
    return play(
        "hub", lambda stack, options: Bench(stack, options).run(), options, layout,
        extra_env=FROM_ONE_ADDRESS, log_file_size="256M",
    )  # fmt: skip


class Bench:
    def __init__(self, stack: Stack, options: argparse.Namespace) -> None:
        self._stack = stack
        self._options = options
        self._tokens = Tokens(Config(stack.environment).token_keys, TOKENS_LAST_S)
        self._scene = Scene(stack.servers.mariadb, self._tokens)
        self._urls = tuple(hub.url for hub in stack.hubs)
        self._figures: dict[str, Any] = {
            "connections": options.connections, "lost": 0, "stale": 0,
        }  # fmt: skip

    async def run(self) -> dict[str, Any]:
        options = self._options
        apis = [p.url for name, p in self._stack.processes.items() if name.startswith("api")]
        self._requests = Requests(apis, connections=REST_CONNECTIONS)
        self._listing, self._listing_owner = await self._publish()
        began = time.monotonic()
        people = await asyncio.to_thread(self._scene.people, options.connections)
        deals = await asyncio.to_thread(self._scene.deals, people)
        took_s = time.monotonic() - began
        say(f"{len(people)} people and {len(deals)} orders: in the database in {took_s:.1f} s")
        try:
            async with Swarm(
                ShareHub, generators=options.generators, connections=options.connections
            ) as self._swarm:
                await self._many(people, deals)
            await self._restart_hubs()
            async with Swarm(ShareHub, generators=1) as self._swarm:
                await self._few()
        finally:
            await self._requests.stop()
        return self._figures

    # --- phases ---

    async def _many(self, people: list[Person], deals: list[Deal]) -> None:
        options = self._options
        traffic = Traffic(deals)
        await self._fill(people, deals)
        await self._play("warm-up", traffic, WARM_UP_S)
        plain = await self._play("order traffic", traffic, options.seconds)
        listing = f"listing:{self._listing}"
        await self._swarm.watch([listing], within_s=options.connections / 2000)
        await asyncio.sleep(options.connections / 2000 + 1)
        before = await asyncio.to_thread(wide_last_writes, self._stack.hubs)
        wide = await self._play("with a wide topic", traffic, options.seconds, wide=True)
        after = await asyncio.to_thread(wide_last_writes, self._stack.hubs)
        await self._swarm.unwatch([listing], within_s=options.connections / 2000)
        await self._settle()
        idle = await self._idle(options.seconds)
        self._judge_traffic(plain, wide, idle)
        last_write_s = quantile_s(before, after, 0.99)
        self._figures["wide_last_write_p99_ms"] = round(last_write_s * 1000, 1)
        await self._storm(traffic, idle)
        await self._heal(traffic)
        await self._compare()

    async def _fill(self, people: list[Person], deals: list[Deal]) -> None:
        """Connect everybody; memory per connection."""
        empty = sum(rss_kb(hub.pid) for hub in self._stack.hubs)
        shares = self._shares()
        began = time.monotonic()
        await self._swarm.dial(plans(people, deals, self._urls), per_s=self._options.dial)
        await self._swarm.all_live(timeout_s=len(people) / self._options.dial + 60)
        await asyncio.sleep(2)
        grown = sum(rss_kb(hub.pid) for hub in self._stack.hubs) - empty
        self._figures["rss_kb_per_connection"] = round(grown / len(people), 1)
        say(f"{len(people)} connected in {time.monotonic() - began:.1f} s; {shares.since().line()}")

    async def _play(
        self, name: str, traffic: Traffic, seconds: float, *, wide: bool = False
    ) -> Phase:
        """Transitions at the rate, and what came of them."""
        schedule = traffic.schedule(self._options.rate, seconds)
        if wide:
            truth = await asyncio.to_thread(self._scene.versions, self._listing)
            version = truth[f"listing:{self._listing}"]
            extra = edits(self._listing, self._listing_owner, version, seconds)
            schedule = sorted([*schedule, *extra], key=lambda at: at[0])
        shares = self._shares()
        await self._swarm.begin()
        began = time.monotonic()
        answers = await self._requests.run(schedule)
        asked_s = time.monotonic() - began
        await self._swarm.quiet(for_s=2, at_most_s=20)
        windows = await self._swarm.end()
        phase = Phase(shares.since(), asked_s, answers, Receipts(windows, what_of))
        self._figures["lost"] += phase.lost()
        say(f"{name}: {phase.line()}")
        return phase

    async def _idle(self, seconds: float) -> float:
        """Hub CPU in seconds per second while nothing happens but heartbeats and audits."""
        shares = self._shares()
        await asyncio.sleep(seconds)
        used = shares.since()
        share = self._hub_s(used) / used.wall_s
        say(f"idle: {used.line()}")
        return share

    def _judge_traffic(self, plain: Phase, wide: Phase, idle: float) -> None:
        lags = plain.lags_ms
        per_frame = self._us_per_frame(plain, idle)
        orders_with_wide = wide.frames - wide.wide_frames
        extra_s = (
            self._hub_s(wide.used) - idle * wide.used.wall_s - per_frame * orders_with_wide / 1e6
        )
        self._figures |= {
            "transitions_per_s": round(plain.per_s, 1),
            "push_p50_ms": round(percentile(lags, 0.5), 1),
            "push_p99_ms": round(percentile(lags, 0.99), 1),
            "push_p99_with_wide_ms": round(percentile(wide.lags_ms, 0.99), 1),
            "wide_last_recipient_p99_ms": round(percentile(wide.wide_lags_ms, 0.99), 1),
            "cpu_us_per_frame": round(per_frame, 1),
            "cpu_us_per_wide_frame": round(extra_s / max(1, wide.wide_frames) * 1e6, 1),
            "late_p99_ms": round(percentile(plain.answers.late_us, 0.99) / 1000, 1),
            "answer_p99_ms": round(percentile(plain.answers.took_us, 0.99) / 1000, 1),
        }

    def _us_per_frame(self, phase: Phase, idle: float) -> float:
        net_s = self._hub_s(phase.used) - idle * phase.used.wall_s
        return net_s / max(1, phase.frames) * 1e6

    async def _storm(self, traffic: Traffic, idle: float) -> None:
        """All drop, something happens meanwhile, all come back within ten seconds."""
        await self._swarm.drop()
        await self._play_unseen(traffic)
        await self._nobody_is_left()
        before = (await self._swarm.status()).counts
        shares = self._shares()
        await self._swarm.come_back(within_s=STORM_S)
        await self._swarm.all_live(timeout_s=120)
        used = shares.since()
        lives = (await self._swarm.lives()).values()
        current_s = (max(live for _, live in lives) - min(dialed for dialed, _ in lives)) / 1e6
        net_s = self._hub_s(used) - idle * used.wall_s
        trouble = (await self._swarm.status()).counts - before
        trouble.pop("ping", None)
        self._figures |= {
            "resume_cpu_ms": round(net_s / len(lives) * 1000, 2),
            "resume_all_current_s": round(current_s, 2),
            "resume_errors": sum(trouble.values()),
        }
        took = [(live - dialed) / 1000 for dialed, live in lives]
        say(
            f"storm: all current {current_s:.1f} s after the first came; resume p50 {percentile(took, 0.5):.0f} ms, "
            f"p99 {percentile(took, 0.99):.0f} ms; trouble {dict(trouble)}; {used.line()}"
        )

    async def _play_unseen(self, traffic: Traffic) -> set[tuple[str, int]]:
        answers = await self._requests.run(traffic.schedule(self._options.rate, OUTAGE_S))
        return committed(answers)

    async def _heal(self, traffic: Traffic) -> None:
        """Redis dies, transitions are committed, Redis returns: when has the last party what it missed?"""
        await self._settle()
        redis = self._stack.servers.redis
        await self._swarm.begin()
        await asyncio.to_thread(redis.kill)
        missed = await self._play_unseen(traffic)
        await asyncio.to_thread(redis.start)
        back_us = time.time_ns() // 1000
        await self._swarm.quiet(for_s=5, at_most_s=30)
        receipts = Receipts(await self._swarm.end(), what_of)
        unseen = [one for one in missed if receipts.receivers.get(one, 0) < 2]
        last_us = max((receipts.last_us.get(one, 0) for one in missed), default=back_us)
        self._figures["heal_s"] = round((last_us - back_us) / 1e6, 2)
        say(
            f"Redis was away for {len(missed)} transitions; both parties had them "
            f"{(last_us - back_us) / 1e6:.2f} s after its return, but for {len(unseen)}"
        )

    async def _few(self) -> None:
        """The same traffic with few connections: is the cost of a frame flat?"""
        few = min(FEW, self._options.connections)
        frames, net_s = 0, 0.0
        people = await asyncio.to_thread(self._scene.people, few)
        idle: float | None = None
        for number in range(ROUNDS):
            deals = await asyncio.to_thread(self._scene.deals, people)
            made = plans(people, deals, self._urls, first_id=number * few)
            await self._swarm.dial(made, per_s=self._options.dial)
            await self._swarm.all_live(timeout_s=60)
            if idle is None:
                idle = await self._idle(max(15.0, self._options.seconds / 2))
            phase = await self._play(f"{few} connections", Traffic(deals), self._options.seconds)
            frames += phase.frames
            net_s += self._hub_s(phase.used) - idle * phase.used.wall_s
            await self._swarm.remove()
            await asyncio.sleep(1)
        self._figures["cpu_us_per_frame_at_1000"] = round(net_s / max(1, frames) * 1e6, 1)

    # --- means ---

    def _shares(self) -> Shares:
        processes = self._stack.processes
        servers = self._stack.servers
        pids: dict[str, list[int]] = {hub.name: [hub.pid] for hub in self._stack.hubs}
        pids |= {
            kind: [p.pid for name, p in processes.items() if name.startswith(kind)]
            for kind in ("api", "workers")
        }
        pids |= {
            "mariadb": [servers.mariadb.pid], "redis": [servers.redis.pid], "clients": self._swarm.pids,
            "requests": [self._requests.pid],
        }  # fmt: skip
        return Shares(pids)

    def _hub_s(self, used: Used) -> float:
        return sum(used.cpu_s[hub.name] for hub in self._stack.hubs)

    async def _nobody_is_left(self) -> None:
        """The hubs have noticed that everybody has gone."""
        name = "sharehub_hub_connections"
        while True:
            hubs = self._stack.hubs
            if not sum([await asyncio.to_thread(value, hub, name) for hub in hubs]):
                return
            await asyncio.sleep(0.1)

    async def _publish(self) -> tuple[str, Person]:
        """The wide topic's listing, by somebody who logs in as people do."""
        async with aiohttp.ClientSession() as http:
            phone = Phone(
                http, api=self._stack.api_url, hubs=self._urls, sandbox=self._stack.sandbox_url,
                openid="bench-owner",
            )  # fmt: skip
            await phone.log_in()
            body = {
                "title": "山地自行车", "category": "bicycles", "lat": CENTER[0], "lng": CENTER[1],
                "plan": WHOLE_WEEK, "price_hour_fen": 500,
            }  # fmt: skip
            listing = await phone.publish(body)
            identity = self._tokens.verify(phone.token, int(time.time() * 1000))
            token = self._tokens.access(identity.actor, int(time.time() * 1000))
            return listing["listing_id"], Person(identity.actor.user_id, token)

    async def _settle(self) -> None:
        """Wait until the workers have nothing left to do, so that what is measured next is measured alone."""
        began = time.monotonic()
        left = await asyncio.to_thread(self._scene.facts_under_way, WINGS)
        first = left
        while left and time.monotonic() - began < SETTLE_S:
            await asyncio.sleep(0.5)
            left = await asyncio.to_thread(self._scene.facts_under_way, WINGS)
        if first:
            say(
                f"the workers had {first} facts to go: {time.monotonic() - began:.1f} s, {left} left"
            )

    async def _compare(self) -> None:
        """Every client's versions with MySQL's. What is under way may arrive, but not later than the audit."""
        await self._settle()
        began = time.monotonic()
        while True:
            truth = await asyncio.to_thread(self._scene.versions, self._listing)
            have = await self._swarm.versions()
            stale = sum(
                (version or 0) != truth.get(topic, 0)
                for topics in have.values()
                for topic, version in topics.items()
            )
            if not stale or time.monotonic() - began > 20:
                break
            await asyncio.sleep(1)
        self._figures["stale"] = stale
        topics = sum(map(len, have.values()))
        say(
            f"{topics} versions compared with MySQL: {stale} stale ({time.monotonic() - began:.1f} s)"
        )

    async def _restart_hubs(self) -> None:
        for hub in self._stack.hubs:
            await asyncio.to_thread(hub.stop)
            await asyncio.to_thread(hub.start)
