"""Orders a second: durable, grouped and ungrouped, with all wings' facts consumed meanwhile; none lost, none overlapping.

Everything runs on this machine and shares its cores. Orders are asked for over the hub's sockets in an open loop, by processes
of their own, for quarters of an hour of 10,000 listings whose popularity follows Zipf's law. One run: the rate that is
asked for, then ever more until the answers come late (the ceiling), then the same with a hub whose groups have one command.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from typing import Any

from devkit.stack import Layout, Stack
from loadtest.benches.hub_metrics import Buckets, histogram, quantile_s
from loadtest.benches.opening import ROOMY, parser_of, play, say
from loadtest.benches.order_load import Buyers, Demand, Outcome, milliseconds
from loadtest.benches.order_scene import Market
from loadtest.machine import Shares
from loadtest.swarm import percentile

LATE_MS = 250.0
"""At the 99th percentile, of the time from schedule to answer."""
WARM_UP_S = 3.0
SOCKETS = 400
OWNERS = 500
DRAIN_S = 10.0
STEP = 1.15
LOWEST_PER_S = 20.0
LAG = "sharehub_fact_lag_seconds"
WITHOUT_LIMITS = {
    "SHAREHUB_HUB_MAX_PER_ADDRESS": "1000000", "SHAREHUB_HUB_COMMANDS_PER_S": "100000",
    "SHAREHUB_HUB_COMMAND_BURST": "100000", "SHAREHUB_HUB_MAX_IN_FLIGHT": "1000",
    "SHAREHUB_HUB_MAX_IN_FLIGHT_PER_WING": "1000", "SHAREHUB_UNPAID_ORDERS": "0",
}  # fmt: skip
"""All buyers are on this machine, and few people order for many."""
UNGROUPED = {
    "SHAREHUB_GROUP_SIZE": "1", "SHAREHUB_GROUPS_AT_ONCE": "6", "SHAREHUB_GROUP_LONG_MS": "0",
}  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    parser = parser_of("orders", __doc__)
    add = parser.add_argument
    add("--rate", type=float, default=1010.0, help="orders a second (default %(default)s)")
    add("--seconds", type=float, default=60.0, help="at that rate (default %(default)s)")
    add("--listings", type=int, default=10_000, help="(default %(default)s)")
    add("--skew", type=float, default=0.8, help="Zipf's exponent (default %(default)s)")
    add("--step", type=float, default=8.0, help="seconds of each step to the ceiling; 0: none")
    add("--generators", type=int, default=1, help="processes that ask (default %(default)s)")
    return play(
        "orders", lambda stack, options: Bench(stack, options).run(), parser.parse_args(arguments),
        Layout(hubs=2, sandbox_faults=0.05), extra_env=WITHOUT_LIMITS, env_of={"hub-2": UNGROUPED}, **ROOMY,
    )  # fmt: skip


class Bench:
    def __init__(self, stack: Stack, options: argparse.Namespace) -> None:
        self._stack = stack
        self._options = options
        self._market = Market(stack)
        self._figures: dict[str, Any] = {}
        self._acknowledged: set[int] = set()
        self._uncertain = 0

    async def run(self) -> dict[str, Any]:
        options = self._options
        assert await asyncio.to_thread(self._market.durable), "commits are not flushed"
        self._buyers = Buyers(options.generators)
        try:
            await self._fill()
            await self._play("warm-up", options.rate / 4, WARM_UP_S)
            await self._at_the_rate()
            if options.step:
                self._figures["ceiling_orders_per_s"] = await self._ceiling("grouped", options.rate)
                await self._settle()
                await self._buyers.connect(self._stack["hub-2"].url, self._tokens)
                await self._play("warm-up, ungrouped", 100, WARM_UP_S)
                self._figures["ungrouped_orders_per_s"] = await self._ceiling("ungrouped", 200)
                await self._settle()
            await asyncio.to_thread(self._compare)
        finally:
            await self._buyers.stop()
        return self._figures

    async def _fill(self) -> None:
        options = self._options
        model = await self._market.publish()
        await self._settle()
        people = await asyncio.to_thread(self._market.people, SOCKETS + OWNERS)
        owners = people[SOCKETS:]
        listings = await asyncio.to_thread(self._market.listings, model, owners, options.listings)
        self._demand = Demand(listings, options.skew, int(time.time() * 1000))
        self._tokens = [person.token for person in people[:SOCKETS]]
        await self._buyers.connect(self._stack["hub-1"].url, self._tokens)
        say(f"{len(listings)} listings, {SOCKETS} sockets")

    async def _play(self, name: str, per_s: float, seconds: float) -> Outcome:
        shares = self._shares()
        outcome = await self._buyers.run(self._demand.wishes(int(per_s * seconds)), per_s)
        used = shares.since()
        self._acknowledged.update(outcome.accepted)
        self._uncertain += outcome.unanswered
        took = milliseconds(outcome.took_us)
        say(
            f"{name}: {outcome.per_s:.0f}/s of {per_s:.0f}; p50 {percentile(took, 0.5):.1f} p99 {percentile(took, 0.99):.1f} ms; "
            f"sent late p99 {percentile(outcome.late_us, 0.99) / 1000:.1f} ms; refused {dict(outcome.refused)}, "
            f"unanswered {outcome.unanswered}; {used.line()}"
        )
        return outcome

    async def _at_the_rate(self) -> None:
        options = self._options
        shares, before = self._shares(), await asyncio.to_thread(self._lags)
        outcome = await self._play("orders", options.rate, options.seconds)
        left, waited_s = await asyncio.to_thread(self._market.wait_for_facts, DRAIN_S)
        used, after = shares.since(), await asyncio.to_thread(self._lags)
        took = milliseconds(outcome.took_us)
        done = max(1, len(outcome.accepted))
        self._figures |= {
            "orders_per_s": round(outcome.per_s, 1),
            "p50_ms": round(percentile(took, 0.5), 1),
            "p99_ms": round(percentile(took, 0.99), 1),
            "fact_lag_p50_ms": round(quantile_s(before, after, 0.5) * 1000),
            "fact_lag_p99_ms": round(quantile_s(before, after, 0.99) * 1000),
            "facts_pending_end": left,
            "facts_drained_s": round(waited_s, 1),
            "cpu_us_per_order": {n: round(s / done * 1e6) for n, s in used.cpu_s.items()},
            "most_popular_listing_orders": self._demand.most,
        }
        say(
            f"facts: {left} left after {waited_s:.1f} s; us of CPU per order: {self._figures['cpu_us_per_order']}"
        )

    async def _ceiling(self, name: str, first: float) -> float:
        """The most that was accepted a second with the answers in time: up from `first`, or down if that is too much."""
        best, rate, up = 0.0, first, True
        while rate > LOWEST_PER_S:
            outcome = await self._play(f"{name} at {rate:.0f}", rate, self._options.step)
            late_ms = percentile(milliseconds(outcome.took_us), 0.99)
            if late_ms > LATE_MS or outcome.unanswered or outcome.per_s < 0.9 * rate:
                if best:
                    break
                up = False
            else:
                best = outcome.per_s
                if not up:
                    break
            rate = rate * STEP if up else rate / STEP
            await self._settle()
        return round(best, 1)

    async def _settle(self) -> None:
        """Until the workers have nothing left to do."""
        left, waited_s = await asyncio.to_thread(self._market.wait_for_facts, 120.0)
        if waited_s > 1:
            say(f"the workers took {waited_s:.1f} s to finish; {left} left")

    def _compare(self) -> None:
        """What was acknowledged is there, and nothing else is (but for what was never answered)."""
        there = self._market.orders()
        missing = len(self._acknowledged - there)
        extra = len(there - self._acknowledged)
        self._figures |= {
            "overlaps": self._market.overlaps(),
            "lost": missing + max(0, extra - self._uncertain),
            "orders": len(there),
        }

    def _shares(self) -> Shares:
        servers = self._stack.servers
        pids = {name: [process.pid] for name, process in self._stack.processes.items()}
        pids |= {"mariadb": [servers.mariadb.pid], "redis": [servers.redis.pid]}
        return Shares({**pids, "buyers": self._buyers.pids})

    def _lags(self) -> Buckets:
        workers = [p for name, p in self._stack.processes.items() if name.startswith("workers")]
        return histogram(workers, LAG)
