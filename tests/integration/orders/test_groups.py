"""Commands that share a transaction: each sees what those before it have done, and each gets an answer of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

import pymysql.err
import pytest
from prometheus_client import REGISTRY

from infra.mysql.database import Row, Tx
from infra.mysql.groups import Groups
from infra.process import Process
from infra.redis.leases import LeaseBook
from market.kernel.errors import (
    IllegalTransition,
    KeyReused,
    NotFound,
    SlotTaken,
    Unavailable,
    WrongCode,
)
from market.kernel.ids import Id
from market.kernel.period import HOUR_MS
from market.orders import actions, store
from market.orders.commands import CancelOrder, StartOrder
from market.orders.desk import Desk
from market.orders.rules.deciding import Create, Outcome, Wish
from market.orders.rules.order import OrderView
from market.orders.wing import Orders, open_wing
from tests.integration.conftest import call, new_id, someone
from tests.integration.orders.conftest import NOW_MS, START_MS, Scene


class NothingHeld(LeaseBook):
    """Answers at once, so that who asks in one turn of the loop is in one group."""

    def __init__(self) -> None:
        """Without Redis."""

    async def any(self, listing_id: Id) -> bool:
        return False


@pytest.fixture
async def scene(scene: Scene) -> Scene:
    scene.orders = replace(scene.orders, leases=NothingHeld())
    return scene


def grouped_by(scene: Scene, desk: Callable[[Sequence[Wish]], Desk], largest: int = 64) -> Orders:
    made = Groups(scene.orders.db, desk, OrderView, largest=largest, at_once=1, long_s=0.05)
    return replace(scene.orders, groups=made)


SPLIT = ("sharehub_groups_split_total", {"wing": "orders"})
GROUPS = ("sharehub_group_size_count", {"wing": "orders"})


def counted(metric: tuple[str, dict[str, str]]) -> float:
    return REGISTRY.get_sample_value(*metric) or 0.0


@contextmanager
def groups(expected: int, *, split: int = 0) -> Iterator[None]:
    """So many groups are made meanwhile, and so many of them are done one by one."""
    before = counted(GROUPS), counted(SPLIT)
    yield
    assert (counted(GROUPS) - before[0], counted(SPLIT) - before[1]) == (expected, split)


async def together(*asked: Any) -> list[Any]:
    return await asyncio.gather(*asked, return_exceptions=True)


async def cancel(scene: Scene, order: OrderView, who: Any, key: str | None = None) -> OrderView:
    return await actions.cancel(
        scene.orders, call(who, key, NOW_MS), CancelOrder(order_id=order.order_id)
    )


async def test_overlapping_orders_of_one_group_see_each_other(scene: Scene) -> None:
    with groups(1):
        results = await together(*(scene.create(hour, who=someone()) for hour in (0, 0, 1, 0, 2)))
    assert [type(r) for r in results] == [OrderView, SlotTaken, OrderView, SlotTaken, OrderView]
    assert len(await scene.busy()) == 3
    assert await scene.calendar_version() == 4


async def test_a_calendar_that_changed_many_times_is_told_of_once(scene: Scene) -> None:
    with groups(1):
        made = await together(*(scene.create(hour, who=someone()) for hour in range(4)))
    told = [
        push.version
        for order in made
        for fact in await scene.facts(order.order_id)
        for push in fact.pushes
        if push.topic == f"calendar:{scene.listing}"
    ]
    assert told == [5]


async def test_commands_on_one_order_see_each_other(scene: Scene) -> None:
    order = await scene.order_in("ready")
    start = StartOrder(order_id=order.order_id, code=await scene.code(order, scene.buyer))
    with groups(1):
        started, cancelled, again = await together(
            actions.start(scene.orders, call(scene.owner, at_ms=NOW_MS), start),
            cancel(scene, order, scene.buyer),
            actions.start(scene.orders, call(scene.owner, at_ms=NOW_MS), start),
        )
    assert (started.state, started.version) == ("in_use", 3)
    assert isinstance(cancelled, IllegalTransition)
    assert isinstance(again, IllegalTransition)
    assert [fact.version for fact in await scene.facts(order.order_id)] == [1, 2, 3]


async def test_time_freed_in_a_group_is_free_for_those_after(scene: Scene) -> None:
    order = await scene.create()
    with groups(1):
        early, cancelled, late = await together(
            scene.create(who=someone()),
            cancel(scene, order, scene.buyer),
            scene.create(who=someone()),
        )
    assert isinstance(early, SlotTaken)
    assert cancelled.state == "cancelled"
    assert late.state == "pending_payment"
    assert await scene.calendar_version() == 4


async def test_the_refused_are_refused_alone(scene: Scene) -> None:
    nowhere = replace(await scene.create(7), order_id=new_id())
    with groups(1):
        results = await together(
            scene.create(0, who=someone()),
            scene.create(1, who=scene.owner),
            cancel(scene, nowhere, scene.buyer),
            scene.create(2, who=someone()),
        )
    assert [isinstance(r, OrderView) for r in results] == [True, False, False, True]
    assert isinstance(results[2], NotFound)


async def test_wrong_codes_are_counted_beside_what_is_accepted(scene: Scene) -> None:
    order = await scene.order_in("ready")
    code = await scene.code(order, scene.buyer)
    wrong = StartOrder(order_id=order.order_id, code=f"{(int(code) + 1) % 10**6:06}")
    with groups(1):
        *refused, created = await together(
            *(
                actions.start(scene.orders, call(scene.owner, at_ms=NOW_MS), wrong)
                for _ in range(5)
            ),
            scene.create(3, who=someone()),
        )
    assert [type(r) for r in refused] == [WrongCode] * 5
    assert created.state == "pending_payment"
    assert await scene.code(order, scene.buyer) != code


# --- keys ---------------------------------------------------------------------------------------------------------------


async def test_one_key_twice_in_a_group(scene: Scene) -> None:
    with groups(1):
        first, again, other = await together(
            scene.create(0, key="k"), scene.create(0, key="k"), scene.create(1, key="k")
        )
    assert first == again
    assert isinstance(other, KeyReused)
    assert len(await scene.busy()) == 1


async def test_a_used_key_beside_fresh_ones(scene: Scene) -> None:
    """What has been done is answered as it was: when it would be refused now, without disturbing anybody."""
    first = await scene.create(0, key="k")
    with groups(1):
        fresh, again = await together(scene.create(1, who=someone()), scene.create(0, key="k"))
    assert again == first
    assert fresh.state == "pending_payment"


async def test_a_used_key_for_something_else_sends_the_group_one_by_one(scene: Scene) -> None:
    await scene.create(0, key="k")
    with groups(1, split=1):
        fresh, reused = await together(scene.create(1, who=someone()), scene.create(2, key="k"))
    assert fresh.state == "pending_payment"
    assert isinstance(reused, KeyReused)
    assert len(await scene.busy()) == 2


@pytest.fixture
async def elsewhere(process: Process) -> Orders:
    """As another process has it: groups of its own."""
    return replace(await open_wing(process), leases=NothingHeld())


async def test_one_key_in_two_processes(scene: Scene, elsewhere: Orders) -> None:
    for hour in range(8):
        answers = await together(
            *(
                actions.create(orders, call(scene.buyer, f"k{hour}", NOW_MS), scene.wish(hour))
                for orders in (scene.orders, elsewhere) * 3
            )
        )
        assert answers == [answers[0]] * 6
    assert len(await scene.busy()) == 8


# --- what the database refuses -------------------------------------------------------------------------------------------


@asynccontextmanager
async def held(scene: Scene, release: asyncio.Event) -> AsyncIterator[None]:
    """Somebody else has the listing's row until `release`."""
    locked = asyncio.Event()

    async def body(tx: Tx) -> None:
        locks = store.Locks(NOW_MS)
        locks.listing(scene.listing)
        await tx.together(*locks.statements())
        locked.set()
        await release.wait()

    task = asyncio.ensure_future(scene.orders.db.act(NOW_MS, body, type(None)))
    await locked.wait()
    yield
    release.set()
    await task


async def test_a_lock_that_stays_sends_the_group_one_by_one(scene: Scene) -> None:
    release = asyncio.Event()
    sittings = 0

    class Impatient(Desk):
        """The group waits for a second; those who are left alone for longer, and by then the lock is released."""

        def __init__(self, wishes: Sequence[Wish]) -> None:
            nonlocal sittings
            super().__init__(wishes)
            sittings += 1
            if sittings > 1:
                release.set()
            patience = f"SET SESSION innodb_lock_wait_timeout = {1 if sittings == 1 else 50}"
            self.locks = [(patience,), *self.locks]

        async def load(self, rows: Sequence[Sequence[Row]], tx: Tx) -> None:
            await super().load(rows[1:], tx)

    scene.orders = grouped_by(scene, Impatient)
    with groups(1, split=1):
        async with held(scene, release):
            made = await asyncio.gather(*(scene.create(hour, who=someone()) for hour in range(3)))
    assert [order.state for order in made] == ["pending_payment"] * 3


async def test_a_deadlock_sends_the_group_one_by_one(scene: Scene) -> None:
    deadlocks = iter([pymysql.err.OperationalError(1213, "Deadlock found when trying to get lock")])

    class Deadlocked(Desk):
        def write(self, tx: Tx) -> None:
            super().write(tx)
            for deadlock in deadlocks:
                raise deadlock

    scene.orders = grouped_by(scene, Deadlocked)
    with groups(1, split=1):
        results = await together(*(scene.create(hour, who=someone()) for hour in (0, 0, 1)))
    assert [type(r) for r in results] == [OrderView, SlotTaken, OrderView]
    assert await scene.calendar_version() == 3


async def test_one_that_breaks_hurts_itself_alone(scene: Scene) -> None:
    class Broken(Desk):
        def decide(self, wish: Wish, tx: Tx) -> Outcome:
            if isinstance(wish, Create) and wish.period.start_ms == START_MS + HOUR_MS:
                raise ZeroDivisionError
            return super().decide(wish, tx)

    scene.orders = grouped_by(scene, Broken)
    with groups(1, split=1):
        results = await together(*(scene.create(hour, who=someone()) for hour in range(3)))
    assert [type(r) for r in results] == [OrderView, ZeroDivisionError, OrderView]


async def test_a_group_is_as_large_as_allowed(scene: Scene) -> None:
    scene.orders = grouped_by(scene, Desk, largest=2)
    with groups(3):
        await together(*(scene.create(hour, who=someone()) for hour in range(5)))
    assert len(await scene.busy()) == 5


async def test_nobody_waits_for_company(scene: Scene) -> None:
    for hour in range(3):
        with groups(1):
            await scene.create(hour)


async def test_who_has_waited_for_too_long_is_sent_away(scene: Scene) -> None:
    made = Groups(
        scene.orders.db, Desk, OrderView, largest=64, at_once=1, long_s=0.05, patience_s=-1
    )
    scene.orders = replace(scene.orders, groups=made)
    results = await together(*(scene.create(hour, who=someone()) for hour in range(2)))
    assert [type(r) for r in results] == [Unavailable, Unavailable]
    assert await scene.busy() == []


async def test_a_row_that_somebody_else_has_holds_up_other_listings_for_a_moment_only(
    scene: Scene,
) -> None:
    begun = asyncio.Event()

    def desk(wishes: Sequence[Wish]) -> Desk:
        begun.set()
        return Desk(wishes)

    made = Groups(scene.orders.db, desk, OrderView, largest=64, at_once=2, long_s=0.01)
    scene.orders = replace(scene.orders, groups=made)
    order = await scene.order_in("ready", hour=5)
    start = StartOrder(order_id=order.order_id, code=await scene.code(order, scene.buyer))
    release = asyncio.Event()
    async with held(scene, release):
        begun.clear()
        waiting = asyncio.create_task(scene.create(0, who=someone()))
        await begun.wait()
        started = await actions.start(scene.orders, call(scene.owner, at_ms=NOW_MS), start)
        assert (started.state, waiting.done()) == ("in_use", False)
        release.set()
        assert isinstance(await waiting, OrderView)


async def test_who_goes_away_does_not_disturb_the_others(scene: Scene) -> None:
    async def gone() -> None:
        async with asyncio.timeout(0):
            await scene.create(0, who=someone())

    results = await together(gone(), scene.create(1, who=someone()))
    assert isinstance(results[0], TimeoutError)
    assert isinstance(results[1], OrderView)


async def test_what_is_remembered_of_a_calendar_does_not_hide_what_others_have_booked(
    scene: Scene, elsewhere: Orders
) -> None:
    here = scene.orders
    for hour in range(0, 6, 2):
        scene.orders = here
        await scene.create(hour)
        scene.orders = elsewhere
        with pytest.raises(SlotTaken):
            await scene.create(hour, who=someone())
        await scene.create(hour + 1)
        scene.orders = here
        with pytest.raises(SlotTaken):
            await scene.create(hour + 1, who=someone())
    assert len(await scene.busy()) == 6
