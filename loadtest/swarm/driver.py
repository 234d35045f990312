"""The driver's side: N generator processes as one swarm."""

from __future__ import annotations

import asyncio
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from types import TracebackType
from typing import Any

from loadtest.swarm.crowd import Crowd, Plan, Status, Window
from loadtest.swarm.dialect import Dialect
from loadtest.swarm.remote import Remote

SPARE_FILES = 500
PER_SOURCE = 25_000
"""Connections from one address to one destination: what its ports allow."""
POLL_S = 0.1


def per_process() -> int:
    """Clients that a process's file limit allows."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_FILES


class Swarm:
    """`make_dialect` is called in each generator; it must be importable there (a class, or a functools.partial of one)."""

    def __init__(
        self, make_dialect: Callable[[], Dialect], *, generators: int = 2, connections: int = 0
    ) -> None:
        count = max(generators, -(-connections // per_process()))
        self._generators = [Remote(partial(Crowd, make_dialect)) for _ in range(count)]
        self._destinations: Counter[str] = Counter()

    async def __aenter__(self) -> Swarm:
        await self._all("status")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.gather(*(generator.stop() for generator in self._generators))

    @property
    def pids(self) -> list[int]:
        return [generator.pid for generator in self._generators]

    # --- connecting ---

    async def dial(self, plans: Sequence[Plan], *, per_s: float) -> None:
        """Make these clients and connect them at that rate; returns at once. Client n lives in process n modulo their number."""
        placed = [self._sourced(plan) for plan in plans]
        count = len(self._generators)
        await asyncio.gather(
            *(
                one.call("add", [p for p in placed if p.id % count == n], per_s / count)
                for n, one in enumerate(self._generators)
            )
        )

    def _sourced(self, plan: Plan) -> Plan:
        """From another address of this machine where one has not enough ports."""
        url = plan.urls[plan.first_url % len(plan.urls)]
        address = 1 + self._destinations[url] // PER_SOURCE
        self._destinations[url] += 1
        if address == 1:
            return plan
        return Plan(
            id=plan.id, urls=plan.urls, topics=plan.topics, token=plan.token, first_url=plan.first_url,
            source=f"127.0.0.{address}",
        )  # fmt: skip

    async def all_live(self, *, timeout_s: float, count: int | None = None) -> float:
        """Wait until all clients (or `count` of them) are connected and up to date; seconds waited. TimeoutError says what failed."""
        began = time.monotonic()
        while True:
            status = await self.status()
            if status.live >= (status.clients if count is None else count):
                return time.monotonic() - began
            if time.monotonic() - began > timeout_s:
                raise TimeoutError(
                    f"{status.live} of {status.clients} clients are live: {dict(status.counts)}"
                )
            await asyncio.sleep(POLL_S)

    async def drop(self, ids: Iterable[int] | None = None) -> None:
        """Break these connections (all) without a goodbye. They stay away."""
        await self._all("drop", _listed(ids))

    async def come_back(self, ids: Iterable[int] | None = None, *, within_s: float) -> None:
        """Connect who was dropped, over so many seconds; returns at once."""
        await self._all("come_back", _listed(ids), within_s)

    async def remove(self, ids: Iterable[int] | None = None) -> None:
        """Break these connections (all), and forget the clients."""
        await self._all("remove", _listed(ids))

    async def renew(self, tokens: dict[int, str]) -> None:
        """New tokens by client. Who was told that the old one had expired comes back."""
        await self._all("renew", tokens)

    # --- topics ---

    async def watch(
        self, topics: Sequence[str], ids: Iterable[int] | None = None, *, within_s: float = 0.0
    ) -> None:
        """Subscribe these clients (all) to more topics, over so many seconds; returns at once."""
        await self._all("watch", list(topics), _listed(ids), within_s)

    async def unwatch(
        self, topics: Sequence[str], ids: Iterable[int] | None = None, *, within_s: float = 0.0
    ) -> None:
        await self._all("unwatch", list(topics), _listed(ids), within_s)

    # --- what happened ---

    async def status(self) -> Status:
        """Of all generators together."""
        whole = Status()
        for status in await self._all("status"):
            whole.live += status.live
            whole.clients += status.clients
            whole.ended += status.ended
            whole.pushes += status.pushes
            whole.counts += status.counts
        return whole

    async def begin(self) -> None:
        """Record deliveries from now on."""
        await self._all("begin")

    async def end(self) -> list[Window]:
        """What was recorded, one window per generator; see `Receipts`."""
        return await self._all("end")

    async def quiet(self, *, for_s: float, at_most_s: float) -> None:
        """Wait until no push has come for so long: nothing is under way any more."""
        deadline = time.monotonic() + at_most_s
        before = -1
        while (pushes := (await self.status()).pushes) != before and time.monotonic() < deadline:
            before = pushes
            await asyncio.sleep(for_s)

    async def versions(self) -> dict[int, dict[str, int | None]]:
        """By client and topic: the version the client has."""
        merged: dict[int, dict[str, int | None]] = {}
        for versions in await self._all("versions"):
            merged |= versions
        return merged

    async def lives(self) -> dict[int, tuple[int, int]]:
        """By client: UTC us of its last dialing, and of being up to date after it (0: not yet)."""
        merged: dict[int, tuple[int, int]] = {}
        for lives in await self._all("lives"):
            merged |= lives
        return merged

    async def _all(self, name: str, *arguments: Any) -> list[Any]:
        return await asyncio.gather(*(one.call(name, *arguments) for one in self._generators))


def _listed(ids: Iterable[int] | None) -> list[int] | None:
    return None if ids is None else list(ids)
