"""Whether cost grows with work alone: orders a second with ever more clients, and with ever more orders in the past.

A closed loop: each client asks again when it has been answered. Past orders are copies of one that was made, written straight
into the table: five hundred of each listing, one after the other.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from typing import Any

from devkit.stack import Layout, Stack
from loadtest.benches.opening import ROOMY, parser_of, play, say
from loadtest.benches.order_load import Buyers, Demand, Outcome, milliseconds
from loadtest.benches.order_scene import Market
from loadtest.benches.orders import OWNERS, WITHOUT_LIMITS
from loadtest.swarm import percentile

CLIENTS = (1, 8, 64, 512)
FEW_PAST = 10_000
AT_ONCE = 8
"""Clients, while the past grows."""
FASTEST_PER_S = 3000


def main(arguments: Sequence[str]) -> int:
    parser = parser_of("growth", __doc__)
    add = parser.add_argument
    add("--seconds", type=float, default=8.0, help="of each step (default %(default)s)")
    add("--listings", type=int, default=10_000, help="(default %(default)s)")
    add("--past", type=int, default=5_000_000, help="orders in the past (default %(default)s)")
    return play(
        "growth", lambda stack, options: Bench(stack, options).run(), parser.parse_args(arguments), Layout(hubs=1),
        keep=False, extra_env=WITHOUT_LIMITS, **ROOMY,
    )  # fmt: skip


class Bench:
    def __init__(self, stack: Stack, options: argparse.Namespace) -> None:
        self._stack = stack
        self._options = options
        self._market = Market(stack)
        self._past = 0

    async def run(self) -> dict[str, Any]:
        options = self._options
        self._buyers = Buyers(1)
        figures: dict[str, Any] = {}
        try:
            await self._fill()
            await self._play("warm-up", AT_ONCE)
            for clients in CLIENTS:
                outcome = await self._play(f"{clients} clients", clients)
                took = milliseconds(outcome.took_us)
                figures[f"orders_per_s_at_{clients}"] = round(outcome.per_s, 1)
                figures[f"p50_ms_at_{clients}"] = round(percentile(took, 0.5), 2)
            few_ms = await self._with_past(FEW_PAST)
            many_ms = await self._with_past(options.past)
        finally:
            await self._buyers.stop()
        return figures | {
            f"p50_ms_with_{FEW_PAST}_past": round(few_ms, 2),
            f"p50_ms_with_{options.past}_past": round(many_ms, 2),
            "p50_ratio": round(many_ms / few_ms, 2),
        }

    async def _fill(self) -> None:
        model = await self._market.publish()
        await asyncio.to_thread(self._market.wait_for_facts, 30.0)
        people = await asyncio.to_thread(self._market.people, max(CLIENTS) + OWNERS)
        self._listings = await asyncio.to_thread(
            self._market.listings, model, people[:OWNERS], self._options.listings
        )
        self._demand = Demand(self._listings, 0.0, int(time.time() * 1000))
        await self._buyers.connect(
            self._stack["hub-1"].url, [person.token for person in people[OWNERS:]]
        )

    async def _play(self, name: str, clients: int) -> Outcome:
        seconds = self._options.seconds
        wishes = self._demand.wishes(int(seconds * FASTEST_PER_S))
        outcome = await self._buyers.repeat(wishes, clients, seconds)
        took = milliseconds(outcome.took_us)
        say(
            f"{name}: {outcome.per_s:.0f}/s; p50 {percentile(took, 0.5):.2f} p99 {percentile(took, 0.99):.1f} ms; "
            f"refused {dict(outcome.refused)}"
        )
        await asyncio.to_thread(self._market.wait_for_facts, 60.0)
        return outcome

    async def _with_past(self, orders: int) -> float:
        """Milliseconds, at the median, with so many orders in the past."""
        began = time.monotonic()
        await asyncio.to_thread(self._market.past, self._listings, self._past, orders)
        self._past = orders
        say(f"{orders} past orders: in the table after {time.monotonic() - began:.0f} s")
        await self._play("once more, warm", AT_ONCE)
        outcome = await self._play(f"with {orders} past orders", AT_ONCE)
        return percentile(milliseconds(outcome.took_us), 0.5)
