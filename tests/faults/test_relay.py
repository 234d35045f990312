"""The relay is dead while a change is committed, and so is whoever should have published it: nobody knows, until the relay is back."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.fleet import Fleet
from tests.faults.quiet import open_quiet

pytestmark = pytest.mark.timeout(60)


async def test_killed_between_commit_and_carry(fleet: Fleet) -> None:
    quiet = await open_quiet(fleet)
    order_id = quiet.order_ids[1]
    topic = f"order:{order_id}:buyer"
    await fleet.kill("workers", "workers-2", "api-2")
    await fleet.arm("api", "after_commit")
    cancelling = asyncio.create_task(quiet.cancel(1))  # repeated until an api answers
    await fleet.died("api")
    sql = "SELECT version FROM orders.orders WHERE id = %s"
    assert await fleet.rows(sql, int(order_id)) == [(2,)]
    assert await fleet.rows("SELECT COUNT(*) FROM orders.outbox") == [(1,)]
    assert quiet.others.topics[topic].version == 1
    await fleet.start("workers")
    await quiet.assert_up_to_date()
    await asyncio.gather(*(fleet.start(name) for name in ("api", "api-2", "workers-2")))
    await cancelling
    assert await fleet.rows(sql, int(order_id)) == [(2,)]
    await quiet.assert_up_to_date()
