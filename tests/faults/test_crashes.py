"""SIGKILL at the named points of infra/failpoints.py, under load: before COMMIT, after it, after the inbox and before the outbox."""

from __future__ import annotations

import random

import pytest

from tests.faults.fleet import Fleet
from tests.faults.load import under_load

pytestmark = pytest.mark.timeout(90)


@pytest.mark.parametrize("point", ["before_commit", "after_commit"])
@pytest.mark.parametrize("names", [("api", "api-2"), ("hub-1", "hub-2")])
async def test_servers_crash(
    fleet: Fleet, dice: random.Random, names: tuple[str, ...], point: str
) -> None:
    """Each in turn while it is alone, so that all commands of that kind come to it; it has not answered what it had just
    committed."""
    async with under_load(fleet, dice) as load:
        for dying, other in (names, names[::-1]):
            await fleet.arm(dying, f"{point}:{dice.randint(1, 8)}")
            await fleet.kill(other)
            await fleet.died(dying)
            await fleet.start(other)
        await fleet.start(dying)
        await load.steps(40)


@pytest.mark.parametrize("point", ["before_commit", "after_commit", "after_inbox_insert"])
async def test_workers_crash(fleet: Fleet, dice: random.Random, point: str) -> None:
    """Alone, so that nobody takes over: what was half done is done when it comes back, and done once."""
    async with under_load(fleet, dice) as load:
        await fleet.kill("workers-2")
        for _ in range(2):
            await fleet.arm("workers", f"{point}:{dice.randint(1, 8)}")
            await fleet.died("workers")
        await fleet.start("workers")
        await load.steps(40)
        await fleet.start("workers-2")


async def test_both_workers_crash_in_turn(fleet: Fleet, dice: random.Random) -> None:
    """Each time the other one has taken over, and finds facts that are in an inbox already."""
    async with under_load(fleet, dice) as load:
        for name in ("workers", "workers-2"):
            await fleet.arm(name, f"after_inbox_insert:{dice.randint(1, 4)}")
        for name in ("workers", "workers-2"):
            await fleet.died(name)
            await fleet.start(name)
        await load.steps(40)
