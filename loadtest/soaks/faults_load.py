"""The load of `faults`: the people, orders and traffic of the hub benchmark, and how far every client is behind MySQL."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from devkit.stack import Stack
from infra.config import WINGS, Config
from infra.tokens import Tokens
from loadtest.benches.hub_phase import committed
from loadtest.benches.hub_scene import TOKENS_LAST_S, Scene, Traffic, plans
from loadtest.soaks.faults_injected import Fault
from loadtest.swarm import Answers, Receipts, Requests, Swarm, percentile

WARM_UP_S = 3.0
TAIL_S = 5.0
SETTLE_S = 120.0
CURRENT_S = 60.0
ALL_BACK_S = 60.0
EQUAL_S = 10.0
POLL_S = 0.5
ANY_LISTING = "0"
ORDINARY = ("ping", "pushes", "duplicates", "resumed", "strangers", "gaps", "bytes_in")
"""Counts that speak of no trouble."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """Of one fault."""

    fault: str
    fault_s: float
    """From its beginning to its end."""
    current_s: float | None
    """From its end until every client has all that was committed before its end. None: not within a minute."""
    done: int
    """Transitions answered with 200."""
    unavailable: int
    refused: int
    """Any other answer; most are of orders that an earlier step was refused to."""
    unanswered: int
    forgotten: int
    """Transitions answered with 200 that MySQL does not have."""
    away: int
    """Clients that are not connected once traffic has ended, and another minute has passed."""
    stale: int
    """Topics of clients that differ from MySQL then."""
    backwards: int
    """States that arrived after a newer one."""
    most_dials_per_s: int
    """The most clients that connected within one second, each counted at its last connection."""
    answer_p99_ms: float
    trouble: dict[str, int]
    """Closes, refusals and errors, by name."""

    @property
    def lost(self) -> int:
        return self.forgotten + self.stale


class Load:
    def __init__(
        self, stack: Stack, swarm: Swarm, requests: Requests, *, connections: int, rate: float,
        dial_per_s: float, say: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._stack = stack
        self._swarm = swarm
        self._requests = requests
        self._rate = rate
        self._dial_per_s = dial_per_s
        self._say = say
        tokens = Tokens(Config(stack.environment).token_keys, TOKENS_LAST_S)
        self._scene = Scene(stack.servers.mariadb, tokens)
        self._people = self._scene.people(connections)
        self._traffic = Traffic([])
        self._next_id = 0
        self._spent = False
        """Clients are not where they belong, or orders are not what the traffic takes them for."""

    async def play(self, fault: Fault) -> Outcome:
        """Traffic before, during and after the fault; at the end every client is compared with MySQL."""
        seconds = WARM_UP_S + fault.lasts_s + TAIL_S
        if self._spent or self._traffic.left < self._rate * seconds:
            await self._fill()
        before = (await self._swarm.status()).counts
        await self._swarm.begin()
        answering = asyncio.create_task(
            self._requests.run(self._traffic.schedule(self._rate, seconds))
        )
        await asyncio.sleep(WARM_UP_S)
        began_s, began_us = time.monotonic(), time.time_ns() // 1000
        over_s = await fault.inject(self._stack)
        over_us = time.time_ns() // 1000 - int((time.monotonic() - over_s) * 1e6)
        target, live_us = await self._caught_up()
        answers = await answering
        self._spent = fault.moves_clients or any(status != 200 for status in answers.status)
        await self._settle()
        away = await self._away()
        stale, truth = await self._stale()
        receipts = Receipts(await self._swarm.end(), lambda topic: topic)
        current_s = None
        if live_us is not None:
            last_us = (
                us for (topic, n), us in receipts.last_us.items() if n <= target.get(topic, 0)
            )
            current_s = max(0, max(last_us, default=0) - over_us, live_us - over_us) / 1e6
        trouble = (await self._swarm.status()).counts - before
        return Outcome(
            fault=fault.name, fault_s=over_s - began_s, current_s=current_s, away=away,
            stale=stale,
            forgotten=_forgotten(answers, truth), backwards=receipts.counts["backwards"],
            most_dials_per_s=most_within_a_second(
                us for us, _ in (await self._swarm.lives()).values() if us >= began_us
            ),
            answer_p99_ms=percentile(answers.took_us, 0.99) / 1000,
            trouble={name: n for name, n in sorted(trouble.items()) if name not in ORDINARY},
            **_by_status(answers),
        )  # fmt: skip

    async def _fill(self) -> None:
        """Everybody on the hub where they belong, with orders that have all their steps before them."""
        began_s = time.monotonic()
        await self._swarm.remove()
        deals = await asyncio.to_thread(self._scene.deals, self._people)
        self._traffic = Traffic(deals)
        urls = tuple(hub.url for hub in self._stack.hubs)
        made = plans(self._people, deals, urls, first_id=self._next_id)
        self._next_id += len(made)
        await self._swarm.dial(made, per_s=self._dial_per_s)
        await self._swarm.all_live(timeout_s=len(made) / self._dial_per_s + 60)
        self._say(f"{len(made)} connected in {time.monotonic() - began_s:.1f} s")

    async def _caught_up(self) -> tuple[dict[str, int], int | None]:
        """What MySQL has now, and once every client has it: UTC us at which the last connection was up to date. None: not
        within a minute. Reading all versions costs the clients CPU, so it is done seldom."""
        began_s = time.monotonic()
        target = await asyncio.to_thread(self._scene.versions, ANY_LISTING)
        while time.monotonic() - began_s < CURRENT_S:
            have = await self._swarm.versions()
            if all(
                (version or 0) >= target.get(topic, 0)
                for topics in have.values()
                for topic, version in topics.items()
            ):
                return target, max(live for _, live in (await self._swarm.lives()).values())
            await asyncio.sleep(POLL_S)
        return target, None

    async def _settle(self) -> None:
        """Wait until the workers have told all that there is to tell."""
        began_s = time.monotonic()
        while left := await asyncio.to_thread(self._scene.facts_under_way, WINGS):
            if time.monotonic() - began_s > SETTLE_S:
                raise TimeoutError(f"{left} facts are still under way after {SETTLE_S:g} s")
            await asyncio.sleep(0.5)

    async def _away(self) -> int:
        try:
            await self._swarm.all_live(timeout_s=ALL_BACK_S)
        except TimeoutError as error:
            self._say(str(error))
        status = await self._swarm.status()
        return status.clients - status.live

    async def _stale(self) -> tuple[int, dict[str, int]]:
        """How many topics of clients are not as in MySQL, nothing being under way; and what MySQL has."""
        truth = await asyncio.to_thread(self._scene.versions, ANY_LISTING)
        began_s = time.monotonic()
        while True:
            have = await self._swarm.versions()
            wrong = Counter(
                topic.partition(":")[0]
                for topics in have.values()
                for topic, version in topics.items()
                if (version or 0) != truth.get(topic, 0)
            )
            if not wrong or time.monotonic() - began_s > EQUAL_S:
                break
            await asyncio.sleep(0.25)
        if wrong:
            self._say(f"stale: {dict(wrong)}")
        return wrong.total(), truth


def _forgotten(answers: Answers, truth: dict[str, int]) -> int:
    return sum(truth.get(f"{what}:owner", 0) < version for what, version in committed(answers))


def most_within_a_second(times_us: Iterable[int]) -> int:
    ordered = sorted(times_us)
    first = most = 0
    for last, us in enumerate(ordered):
        while us - ordered[first] >= 1_000_000:
            first += 1
        most = max(most, last - first + 1)
    return most


def _by_status(answers: Answers) -> dict[str, int]:
    statuses = Counter(answers.status)
    done, unavailable, unanswered = statuses[200], statuses[503], statuses[0]
    return {
        "done": done, "unavailable": unavailable, "unanswered": unanswered,
        "refused": statuses.total() - done - unavailable - unanswered,
    }  # fmt: skip
