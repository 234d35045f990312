"""Searches a second among a million listings: how long they take, with and without a category, and how that grows with the listings.

Listings are made by a seeded generator (search_scene.py). Searches are asked for over REST in an open loop, by a process of its own,
five kilometres around places in the centres of the five largest cities. Filtered ones have a category and a period of three hours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import aiohttp

from devkit.client import Person as Phone
from devkit.loop import WHOLE_WEEK
from devkit.stack import Layout, Stack
from infra.config import Config
from infra.mysql.database import open_database
from infra.process import now_ms
from loadtest.benches.opening import ROOMY, parser_of, play, say
from loadtest.benches.orders import WITHOUT_LIMITS
from loadtest.benches.search_scene import Country, SearchMarket
from loadtest.machine import Shares
from loadtest.swarm import Answers, Requests, percentile, request
from market.kernel.geo import Point
from market.kernel.ids import IdMaker
from market.kernel.regions import REGIONS
from market.listings.search import comparables

FEW = 10_000
FILTERED_PER_S, OPEN_PER_S, LIGHT_PER_S = 50.0, 20.0, 10.0
WARM_UP_S = 5.0
LATE_MS = 250.0
STEP, LOWEST_PER_S = 1.25, 5.0
PUBLISHED = 20


def main(arguments: Sequence[str]) -> int:
    parser = parser_of("search", __doc__)
    add = parser.add_argument
    add("--listings", type=int, default=1_000_000, help="(default %(default)s)")
    add("--seconds", type=float, default=30.0, help="at each rate (default %(default)s)")
    add("--step", type=float, default=6.0, help="seconds of each step to the ceiling; 0: none")
    add("--seed", type=int, default=5, help="of the listings (default %(default)s)")
    return play(
        "search", lambda stack, options: Bench(stack, options).run(), parser.parse_args(arguments), Layout(hubs=1),
        keep=False, extra_env=WITHOUT_LIMITS, **ROOMY,
    )  # fmt: skip


class Bench:
    def __init__(self, stack: Stack, options: argparse.Namespace) -> None:
        self._stack = stack
        self._options = options
        self._market = SearchMarket(stack)
        self._country = Country(options.seed, now_ms())

    async def run(self) -> dict[str, Any]:
        options = self._options
        few = min(FEW, options.listings)
        self._requests = Requests([self._stack.api_url])
        try:
            self._model = await self._market.publish()
            self._token = (await asyncio.to_thread(self._market.people, 1))[0].token
            await self._fill(0, few)
            await self._play("warm-up", LIGHT_PER_S, WARM_UP_S)
            small = await self._play(f"among {few}", LIGHT_PER_S, options.seconds)
            await self._fill(few, options.listings)
            await self._play("warm-up", LIGHT_PER_S, WARM_UP_S)
            await self._play("warm-up, no category", LIGHT_PER_S, WARM_UP_S, filtered=False)
            large = await self._play(f"among {options.listings}", LIGHT_PER_S, options.seconds)
            filtered = await self._play("filtered", FILTERED_PER_S, options.seconds)
            unfiltered = await self._play(
                "no category", OPEN_PER_S, options.seconds, filtered=False
            )
            figures: dict[str, Any] = {
                "listings": options.listings,
                "listings_within_5_km": await asyncio.to_thread(
                    self._market.densest, [region.center for region in REGIONS[:5]]
                ),
                "searches_per_s": FILTERED_PER_S,
                "p50_ms": round(percentile(filtered, 0.5), 1),
                "p99_ms": round(percentile(filtered, 0.99), 1),
                "p50_no_category_ms": round(percentile(unfiltered, 0.5), 1),
                "p99_no_category_ms": round(percentile(unfiltered, 0.99), 1),
                "p50_ms_few_listings": round(percentile(small, 0.5), 2),
                "p50_ms_all_listings": round(percentile(large, 0.5), 2),
                "growth_p50": round(percentile(large, 0.5) / percentile(small, 0.5), 2),
            }
            if options.step:
                figures["ceiling_searches_per_s"] = await self._ceiling()
            figures["publish_to_searchable_ms"] = await self._publish()
        finally:
            await self._requests.stop()
        return figures

    async def _fill(self, have: int, count: int) -> None:
        if have >= count:
            return
        directory = self._stack.servers.mariadb.directory
        seconds = await asyncio.to_thread(
            self._market.fill, self._country, self._model, have, count, directory
        )
        began = time.monotonic()
        dsn = Config(self._stack.environment).dsn("listings")
        async with open_database("listings", dsn, IdMaker(lambda below: 0), size=1) as db:
            await comparables.refresh(db, now_ms())
        say(
            f"{count} listings: in the tables after {seconds:.0f} s, compared in {time.monotonic() - began:.1f} s"
        )

    async def _play(
        self, name: str, per_s: float, seconds: float, *, filtered: bool = True
    ) -> list[float]:
        """Milliseconds, from schedule to answer."""
        schedule = [
            (n / per_s, self._search(self._country.query(filtered=filtered)))
            for n in range(int(per_s * seconds))
        ]
        pids = {process.name: [process.pid] for process in self._stack.product}
        shares = Shares({**pids, "mariadb": [self._stack.servers.mariadb.pid], "asker": [self._requests.pid]})  # fmt: skip
        answers = await self._requests.run(schedule)
        refused = [status for status in answers.status if status != 200]
        assert not refused, f"{len(refused)} searches failed: {set(refused)}"
        took = [us / 1000 for us in answers.took_us]
        say(
            f"{name}: {per_s:.0f}/s; p50 {percentile(took, 0.5):.1f} p99 {percentile(took, 0.99):.1f} ms; sent late p99 "
            f"{percentile(answers.late_us, 0.99) / 1000:.1f} ms; hits {_hits(answers):.1f}; {shares.since().line()}"
        )
        return took

    async def _ceiling(self) -> float:
        """The most searches a second, filtered, whose answers come in time: up from the bar, or down if that is too much."""
        best, rate, up = 0.0, FILTERED_PER_S, True
        while rate > LOWEST_PER_S:
            took = await self._play(f"at {rate:.0f}", rate, self._options.step)
            if percentile(took, 0.99) > LATE_MS:
                if best:
                    break
                up = False
            else:
                best = rate
                if not up:
                    break
            rate = rate * STEP if up else rate / STEP
        return round(best, 1)

    async def _publish(self) -> float:
        """Milliseconds from the answer to a publication until a search finds it, the longest."""
        place = REGIONS[0].center
        longest_s = 0.0
        async with aiohttp.ClientSession() as http:
            phone = Phone(
                http, api=self._stack.api_url, hubs=[hub.url for hub in self._stack.hubs],
                sandbox=self._stack.sandbox_url, openid="bench-publisher",
            )  # fmt: skip
            await phone.log_in()
            for n in range(PUBLISHED):
                body = {
                    "title": f"新发布 {n}", "category": "books", "lat": place.lat, "lng": place.lng, "plan": WHOLE_WEEK,
                    "price_day_fen": 1,
                }  # fmt: skip
                listing = (await phone.rest("POST", "/v1/listings", body))["listing_id"]
                began = time.monotonic()
                while True:
                    if await self._finds(phone, place, listing):
                        break
                    await asyncio.sleep(0.005)
                longest_s = max(longest_s, time.monotonic() - began)
        return round(longest_s * 1000, 1)

    async def _finds(self, phone: Phone, place: Point, listing: str) -> bool:
        query = {
            "lat": place.lat, "lng": place.lng, "radius_m": 500, "category": "books", "max_price_day_fen": 1, "limit": 50,
        }  # fmt: skip
        hits = (await phone.rest("GET", "/v1/listings", query=query))["hits"]
        return any(hit["listing"]["listing_id"] == listing for hit in hits)

    def _search(self, query: dict[str, object]) -> bytes:
        path = f"/v1/listings?{urlencode(query)}"
        return request("GET", path, token=self._token, key="", body=b"")


def _hits(answers: Answers) -> float:
    """How many each search found, on average: an empty answer is a fast one."""
    return sum(len(json.loads(body)["hits"]) for body in answers.bodies) / max(
        1, len(answers.bodies)
    )
