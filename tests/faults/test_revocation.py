"""Somebody logs out everywhere while Redis is away: within two seconds of its return their sockets are closed, on all hubs."""

from __future__ import annotations

import asyncio
import time

import pytest

from devkit.client import JSON, MSGPACK
from tests.faults.fleet import Fleet, eventually
from tests.faults.quiet import WITHIN_S

pytestmark = pytest.mark.timeout(60)

REVOKED = 4503


@pytest.mark.parametrize("fault", ["killed", "stopped"])
async def test_logging_out_everywhere_during_an_outage(fleet: Fleet, fault: str) -> None:
    redis = fleet.stack.servers.redis
    phone, stranger = await fleet.people(2)
    tablet = await fleet.person(openid=phone.openid)
    leaving = [
        await fleet.socket(device, hub, encoding)
        for device in (phone, tablet)
        for hub, encoding in ((0, JSON), (1, MSGPACK))
    ]
    staying = await fleet.socket(stranger, 0)

    await asyncio.to_thread(redis.kill if fault == "killed" else redis.pause)
    await phone.rest("POST", "/v1/logout", {"everywhere": True})
    if fault == "stopped":
        await asyncio.sleep(4.5)  # the hubs give up on their connection
    await asyncio.to_thread(redis.start if fault == "killed" else redis.resume)
    returned_s = time.monotonic()

    async def open_still() -> str | None:
        return next((str(s.closes) for s in leaving if s.closes != [REVOKED]), None)

    await eventually("sockets of revoked sessions are closed", open_still, WITHIN_S)
    print(f"{fault}: closed after {time.monotonic() - returned_s:.2f} s")
    assert staying.closes == []
