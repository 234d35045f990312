"""Death by kill -9 for everything in turn, and at the points where it hurts most, while `orders` goes on."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable

from devkit.child import Child
from devkit.stack import ServingProcess, Stack

KILLED = ("api", "hub", "workers", "redis", "mariadb")
CRASHES = ("before_commit", "after_commit", "after_inbox_insert")
DIES_WITHIN_S = 6.0
MANY_TIMES = {"api": 4, "hub": 8, "workers": 30}
AWAY_S = (0.05, 1.5)


class Havoc:
    """All kinds of death, shuffled, and again from the beginning when they have all been."""

    def __init__(self, stack: Stack, dice: random.Random, pause_s: float) -> None:
        self.struck: Counter[str] = Counter()
        self._stack = stack
        self._dice = dice
        self._pause_s = pause_s

    @property
    def has_had_enough(self) -> bool:
        """Every kind of death has been there, or none is to be: a pause of 0 spares everything."""
        return not self._pause_s or all(self.struck[kind] for kind in (*KILLED, *CRASHES))

    async def rage(self, goes_on: Callable[[], bool]) -> None:
        """Until told otherwise."""
        kinds = (*KILLED, *CRASHES)
        deck: list[str] = []
        while self._pause_s and goes_on():
            await asyncio.sleep(self._dice.uniform(0.5, 1.5) * self._pause_s)
            deck = deck or self._dice.sample(kinds, len(kinds))
            kind = deck.pop()
            await (self._crash(kind) if kind in CRASHES else self._kill(kind))
            self.struck[kind] += 1

    async def _kill(self, kind: str) -> None:
        servers = self._stack.servers
        victim: Child = {"redis": servers.redis, "mariadb": servers.mariadb}.get(kind) or self._one(
            kind
        )
        await asyncio.to_thread(victim.kill)
        await asyncio.sleep(self._dice.uniform(*AWAY_S))
        await asyncio.to_thread(victim.start)

    async def _crash(self, point: str) -> None:
        """Replace a process by one that dies at that point, after as many times there as chance has it."""
        kinds = ("workers",) if point == "after_inbox_insert" else ("api", "hub", "workers")
        victim = self._one(self._dice.choice(kinds))
        times = self._dice.randint(1, MANY_TIMES[victim.name.partition("-")[0]])
        await asyncio.to_thread(victim.kill)
        await asyncio.to_thread(victim.start_to_crash, f"{point}:{times}")
        began_s = time.monotonic()
        await asyncio.to_thread(victim.wait, DIES_WITHIN_S)
        if time.monotonic() - began_s >= DIES_WITHIN_S:
            self.struck[f"{point} not reached"] += 1
        await asyncio.to_thread(victim.start_to_crash, None)

    def _one(self, kind: str) -> ServingProcess:
        """A process of that kind."""
        names = [name for name in self._stack.processes if name.partition("-")[0] == kind]
        return self._stack[self._dice.choice(names)]
