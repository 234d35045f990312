"""All hubs are restarted one after another while people do business: everybody is told to move, and nothing is lost."""

from __future__ import annotations

import asyncio
import random

import pytest

from devkit.client import Socket
from tests.faults.fleet import Fleet
from tests.faults.load import under_load

pytestmark = pytest.mark.timeout(120)

WATCHERS = 10
GOING_AWAY = 4000
DRAINED_S = 30.0


def assert_told_to_move(socket: Socket) -> None:
    """Each connection ended by a `bye` that says when to come back, and a resumable close. None: nobody listened there yet."""
    closes = [code for code in socket.closes if code is not None]
    byes = [frame for frame in socket.frames if frame["op"] == "bye"]
    assert set(closes) == {GOING_AWAY}
    assert [bye["code"] for bye in byes] == closes
    assert all(bye["retry_after_ms"] > 0 for bye in byes)


async def test_rolling_drain(fleet: Fleet, dice: random.Random) -> None:
    person = await fleet.person()
    watchers = [await fleet.socket(person, number % 2) for number in range(WATCHERS)]
    await asyncio.gather(*(watcher.watch(f"user:{person.id}") for watcher in watchers))
    async with under_load(fleet, dice) as load:
        for hub in fleet.stack.hubs:
            await asyncio.to_thread(hub.ask_to_stop)
            await load.steps(10)
            await asyncio.to_thread(hub.wait, DRAINED_S)
            assert hub.returncode == 0, hub.log_tail()
            await fleet.start(hub.name)
            await load.steps(10)
        sockets = [socket for pair in load.pairs for socket in (pair.ones, pair.others)]
    for socket in sockets + watchers:
        assert_told_to_move(socket)
    assert all(watcher.live.is_set() for watcher in watchers)
