"""Holding and ordering on a real database and a real Redis: nothing is ever booked twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from infra.mysql.database import Tx
from infra.process import Process
from infra.redis import keys
from infra.redis.client import connect
from infra.redis.leases import LeaseBook
from market.kernel.actor import ANONYMOUS
from market.kernel.availability import Plan
from market.kernel.errors import (
    BadInput,
    Forbidden,
    Held,
    KeyReused,
    MarketError,
    NotBookable,
    NotFound,
    NotYet,
    SlotTaken,
    StaleQuote,
    TooManyUnpaid,
    Unauthenticated,
)  # fmt: skip
from market.kernel.ids import gene_of
from market.kernel.period import DAY_MS, HOUR_MS, MINUTE_MS, Period
from market.kernel.topics import Want
from market.orders import actions, store, views
from market.orders.commands import GetCalendar, GetQuote, Hold, ListOrders, ReleaseHold
from market.orders.rules.booking import LEASE_MS
from market.orders.rules.life import Seat
from market.orders.rules.order import OrderView
from tests.integration.conftest import call, new_id, someone
from tests.integration.orders.conftest import NOW_MS, START_MS, Scene

HOUR = Period(START_MS, START_MS + HOUR_MS)


async def hold(
    scene: Scene, who: Any = None, period: Period = HOUR, lease_id: str | None = None
) -> actions.HoldView:
    command = Hold(
        listing_id=scene.listing, start_ms=period.start_ms, end_ms=period.end_ms, lease_id=lease_id
    )
    return await actions.hold(scene.orders, call(who or scene.buyer, at_ms=NOW_MS), command)


# --- ordering -----------------------------------------------------------------------------------------------------------


async def test_an_order_says_what_was_agreed_and_tells_everybody(scene: Scene) -> None:
    order = await scene.create()
    assert (order.state, order.version, order.role) == ("pending_payment", 1, "buyer")
    assert (order.rent_fen, order.deposit_fen, order.total_fen) == (1_000, 20_000, 21_000)
    assert (order.owner_id, order.buyer_id) == (scene.owner.user_id, scene.buyer.user_id)
    assert gene_of(order.order_id) == gene_of(scene.listing)
    assert await scene.busy() == [HOUR]
    assert await scene.calendar_version() == 2
    (fact,) = await scene.facts(order.order_id)
    assert (fact.kind, fact.version) == ("order.pending_payment", 1)
    assert [(p.topic, p.version) for p in fact.pushes] == [
        (f"order:{order.order_id}:buyer", 1), (f"order:{order.order_id}:owner", 1), (f"calendar:{scene.listing}", 2),
    ]  # fmt: skip
    (calendar,) = await views.snapshot(
        scene.orders, [Want(topic=fact.pushes[2].topic)], now_ms=NOW_MS
    )
    assert (calendar.version, calendar.state.busy) == (2, ((HOUR.start_ms, HOUR.end_ms),))


async def test_many_who_want_the_same_hour_and_one_gets_it(scene: Scene) -> None:
    results = await asyncio.gather(
        *(scene.create(who=someone()) for _ in range(10)), return_exceptions=True
    )
    assert sum(isinstance(r, OrderView) for r in results) == 1
    assert sum(isinstance(r, SlotTaken) for r in results) == 9
    assert await scene.busy() == [HOUR]
    assert await scene.calendar_version() == 2


async def test_neighbouring_hours_do_not_disturb_each_other(scene: Scene) -> None:
    orders = await asyncio.gather(*(scene.create(hour, who=someone()) for hour in range(6)))
    assert len({order.order_id for order in orders}) == 6
    assert await scene.calendar_version() == 7
    assert sorted(p.start_ms for p in await scene.busy()) == [
        START_MS + n * HOUR_MS for n in range(6)
    ]


@pytest.mark.parametrize(("hour", "hours"), [(0, 1), (-1, 2), (0, 3), (1, 1), (-1, 5), (2, 3)])
async def test_every_overlap_is_refused(scene: Scene, hour: int, hours: int) -> None:
    await scene.create(0, end_ms=START_MS + 3 * HOUR_MS)
    with pytest.raises(SlotTaken):
        await scene.create(
            who=someone(),
            start_ms=START_MS + hour * HOUR_MS,
            end_ms=START_MS + (hour + hours) * HOUR_MS,
        )


async def test_the_same_order_sent_twice_is_one(scene: Scene) -> None:
    first = await scene.create(key="k")
    assert await scene.create(key="k") == first
    with pytest.raises(KeyReused):
        await scene.create(1, key="k")
    assert len(await scene.facts(first.order_id)) == 1


async def test_the_same_order_sent_at_once_is_one(scene: Scene) -> None:
    orders = await asyncio.gather(*(scene.create(key="k") for _ in range(6)))
    assert len({order.order_id for order in orders}) == 1
    assert await scene.calendar_version() == 2


async def refused(scene: Scene, error: type[MarketError], **changes: Any) -> MarketError:
    before = await scene.calendar_version()
    who = changes.pop("who", None)
    with pytest.raises(error) as caught:
        await scene.create(who=who, **changes)
    assert await scene.calendar_version() == before
    assert await scene.busy() == []
    return caught.value


async def test_ones_own_listing_is_refused(scene: Scene) -> None:
    await refused(scene, Forbidden, who=scene.owner)


async def test_terms_that_changed_are_shown_first(scene: Scene) -> None:
    old = scene.data.terms_version
    await scene.listing_changes(price_hour_fen=2_000)
    error = await refused(scene, StaleQuote, terms_version=old)
    assert error.data["terms_version"] == old + 1
    assert (await scene.create()).rent_fen == 2_000


async def test_terms_that_are_still_on_their_way_may_be_tried_again(scene: Scene) -> None:
    assert (await refused(scene, NotYet, terms_version=2)).retryable


async def test_a_listing_that_is_still_on_its_way_may_be_tried_again(scene: Scene) -> None:
    with pytest.raises(NotYet):
        await scene.create(listing_id=new_id())


@pytest.mark.parametrize("status", ["paused", "draft", "removed"])
async def test_what_is_not_live_is_not_booked(scene: Scene, status: str) -> None:
    await scene.listing_changes(status=status)
    await refused(scene, NotBookable)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"start_ms": NOW_MS - HOUR_MS}, BadInput),
        ({"start_ms": START_MS + 100 * DAY_MS, "end_ms": START_MS + 100 * DAY_MS + HOUR_MS}, NotBookable),
        ({"end_ms": START_MS + 61 * DAY_MS}, NotBookable),
        ({"end_ms": START_MS + 60_000}, NotBookable),
        ({"end_ms": START_MS}, BadInput),
        ({"end_ms": START_MS - 1}, BadInput),
        ({"end_ms": 2**53 - 1}, NotBookable),
    ],
)  # fmt: skip
async def test_periods_out_of_reason(
    scene: Scene, changes: dict[str, int], error: type[MarketError]
) -> None:
    await refused(scene, error, **changes)


async def test_a_late_start_does_not_reach_into_what_has_just_ended(scene: Scene) -> None:
    await scene.create()
    now_ms = HOUR.end_ms + 5 * MINUTE_MS
    late = Period(HOUR.end_ms - MINUTE_MS, HOUR.end_ms + HOUR_MS)
    other = call(someone(), at_ms=now_ms)
    with pytest.raises(SlotTaken):
        await actions.hold(
            scene.orders, other,
            Hold(listing_id=scene.listing, start_ms=late.start_ms, end_ms=late.end_ms),
        )  # fmt: skip
    wish = scene.wish(start_ms=late.start_ms, end_ms=late.end_ms)
    with pytest.raises(SlotTaken):
        await actions.create(scene.orders, other, wish)
    await actions.create(scene.orders, other, scene.wish(start_ms=HOUR.end_ms, end_ms=late.end_ms))


async def test_outside_the_plan(scene: Scene) -> None:
    await scene.listing_changes(plan=Plan(weekly=((),) * 7))
    await refused(scene, NotBookable)


# --- holds --------------------------------------------------------------------------------------------------------------


async def test_a_hold_is_respected_until_it_ends(scene: Scene) -> None:
    held = await hold(scene)
    assert held.until_ms == NOW_MS + LEASE_MS
    other = someone()
    with pytest.raises(Held) as caught:
        await scene.create(who=other)
    assert caught.value.data["until_ms"] == held.until_ms
    with pytest.raises(Held):
        await hold(scene, other)
    await hold(scene, other, Period(HOUR.end_ms, HOUR.end_ms + HOUR_MS))
    late = call(other, at_ms=held.until_ms)
    assert (await actions.create(scene.orders, late, scene.wish())).state == "pending_payment"


async def test_the_holder_orders_and_the_hold_ends(scene: Scene) -> None:
    held = await hold(scene)
    await scene.create(lease_id=held.lease_id)
    async with asyncio.timeout(5):
        while (await scene.orders.leases.read(scene.listing, NOW_MS)).leases:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_renewing_and_giving_back(scene: Scene) -> None:
    first = await hold(scene)
    again = await hold(scene, lease_id=first.lease_id)
    assert (again.lease_id, again.epoch) == (first.lease_id, first.epoch)
    assert again.counter > first.counter
    other = someone()
    release = ReleaseHold(listing_id=scene.listing, lease_id=first.lease_id)
    await actions.release_hold(scene.orders, call(other, at_ms=NOW_MS), release)
    with pytest.raises(Held):
        await hold(scene, other)
    for _ in range(2):
        assert (
            await actions.release_hold(scene.orders, call(scene.buyer, at_ms=NOW_MS), release)
        ).ok
    await hold(scene, other)


async def test_what_cannot_be_booked_cannot_be_held(scene: Scene) -> None:
    await scene.create()
    with pytest.raises(SlotTaken):
        await hold(scene, someone())
    with pytest.raises(Forbidden):
        await hold(scene, scene.owner, Period(HOUR.end_ms, HOUR.end_ms + HOUR_MS))
    await scene.listing_changes(status="paused")
    with pytest.raises(NotBookable):
        await hold(scene, someone(), Period(HOUR.end_ms, HOUR.end_ms + HOUR_MS))


@pytest.mark.allow_blocking  # reads its script
async def test_without_redis_the_row_lock_alone_decides(scene: Scene) -> None:
    redis = connect("redis://127.0.0.1:1/0")
    scene.orders = replace(scene.orders, leases=LeaseBook(redis))
    results = await asyncio.gather(
        *(scene.create(who=someone()) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(r, OrderView) for r in results) == 1
    assert sum(isinstance(r, SlotTaken) for r in results) == 3
    (snapshot,) = await views.snapshot(scene.orders, [Want(topic=f"hold:{scene.listing}")], NOW_MS)
    assert snapshot.state == []
    await redis.aclose()


# --- reading ------------------------------------------------------------------------------------------------------------


async def test_a_quote_line_by_line(scene: Scene) -> None:
    query = GetQuote(listing_id=scene.listing, start_ms=START_MS, end_ms=START_MS + 25 * HOUR_MS)
    quote = await views.quote(scene.orders, call(ANONYMOUS), query)
    assert (quote.rent_fen, quote.total_fen, quote.terms_version) == (9_000, 29_000, 1)
    assert [(x.code, x.quantity, x.unit_fen) for x in quote.lines] == [
        ("rent_day", 1, 8_000), ("rent_hour", 1, 1_000), ("deposit", 1, 20_000),
    ]  # fmt: skip


async def test_what_nobody_has_heard_of_is_not_found(scene: Scene) -> None:
    with pytest.raises(NotFound):
        await views.quote(
            scene.orders, call(ANONYMOUS), GetQuote(listing_id=new_id(), start_ms=1, end_ms=2)
        )
    with pytest.raises(NotFound):
        await views.calendar(scene.orders, call(ANONYMOUS), GetCalendar(listing_id=new_id()))


async def test_ones_own_orders_page_by_page(scene: Scene) -> None:
    made = [await scene.create(hour) for hour in range(3)]
    await scene.create(5, who=someone())
    roles: tuple[Seat, ...] = ("buyer", "owner")
    for role in roles:
        who = scene.buyer if role == "buyer" else scene.owner
        seen: list[int] = []
        before = None
        while True:
            page = await views.mine(
                scene.orders, call(who), ListOrders(role=role, before=before, limit=2)
            )
            seen += [order.order_id for order in page.orders]
            before = page.next_before
            if before is None:
                break
        assert seen == sorted(seen, reverse=True)
        assert len(seen) == (3 if role == "buyer" else 4)
        assert {order.order_id for order in made} <= set(seen)
    assert (await views.mine(scene.orders, call(someone()), ListOrders())).orders == ()


async def test_snapshots_of_what_exists_and_who_may_join(scene: Scene, process: Process) -> None:
    order = await scene.create()
    await hold(scene, someone(), Period(HOUR.end_ms, HOUR.end_ms + HOUR_MS))
    buyers, owners = f"order:{order.order_id}:buyer", f"order:{order.order_id}:owner"
    calendar, holds = f"calendar:{scene.listing}", f"hold:{scene.listing}"
    wants = [Want(topic=t) for t in (buyers, owners, calendar, holds)]
    strange = [
        f"order:{new_id()}:buyer", f"order:{order.order_id}:operator", f"order:{order.order_id}", "order:x:buyer",
        f"calendar:{new_id()}", "calendar:", "calendar:007", "hold:x", "order::buyer",
    ]  # fmt: skip
    found = {
        s.topic: s
        for s in await views.snapshot(
            scene.orders, [*wants, *(Want(topic=t) for t in strange)], NOW_MS
        )
    }
    assert found.keys() == {buyers, owners, calendar, holds}
    assert (found[buyers].version, found[buyers].state.role) == (1, "buyer")
    assert found[owners].state.role == "owner"
    assert found[calendar].version == 2
    assert [lease.start_ms for lease in found[holds].state] == [HOUR.end_ms]
    stranger = someone()
    admitted = {
        t: [s.readers.admit(who) for who in (scene.buyer, scene.owner, stranger)]
        for t, s in found.items()
    }
    assert admitted == {
        buyers: [True, False, False], owners: [False, True, False], calendar: [True] * 3, holds: [True] * 3,
    }  # fmt: skip
    again = await views.snapshot(
        scene.orders, [Want(topic=buyers, have=1), Want(topic=calendar, have=2)], NOW_MS
    )
    assert [s.state for s in again] == [None, None]
    assert await process.redis.exists(keys.leases(scene.listing))


async def test_strangers_and_the_anonymous(scene: Scene) -> None:
    order = await scene.create()
    with pytest.raises(NotFound):
        await scene.see(order, someone())
    with pytest.raises(Unauthenticated):
        await views.get.perform(
            scene.orders, ANONYMOUS, NOW_MS, None, {"order_id": str(int(order.order_id))}
        )
    assert (await scene.see(order, someone("operator"))).role == "operator"


async def test_a_move_that_frees_time_locks_the_calendar_and_then_the_order(scene: Scene) -> None:
    """Looking up the order's listing locks nothing: the other way round, it and an order being made would wait for each other."""
    order = await scene.create()
    db = scene.orders.db

    async def holds_the_order(tx: Tx) -> None:
        locks = store.Locks(NOW_MS)
        locks.order(order.order_id, frees=False)
        await tx.together(*locks.statements())
        await db.act(NOW_MS, takes_the_calendar, type(None))

    async def takes_the_calendar(tx: Tx) -> None:
        locks = store.Locks(NOW_MS)
        locks.order(order.order_id, frees=True)
        lock, *_ = locks.statements()
        _, rows = await tx.together(("SET SESSION innodb_lock_wait_timeout = 1",), lock)
        assert rows[0][0] == order.listing_id

    await db.act(NOW_MS, holds_the_order, type(None))


async def test_nobody_takes_up_everything_without_paying(scene: Scene) -> None:
    scene.orders = replace(scene.orders, most_unpaid=2)
    first = await scene.create(0)
    await scene.create(1)
    for _ in range(2):
        with pytest.raises(TooManyUnpaid) as refused:
            await scene.create(2)
        assert refused.value.data == {"limit": 2}
    await scene.create(2, who=someone())
    await scene.pay(first)
    third = await scene.create(3)
    with pytest.raises(TooManyUnpaid):
        await scene.create(4)
    await scene.perform("orders.cancel", scene.buyer, third)
    await scene.create(3)


async def test_those_of_one_group_count_too(scene: Scene) -> None:
    scene.orders = replace(scene.orders, most_unpaid=3)
    answers = await asyncio.gather(
        *(scene.create(hour) for hour in range(6)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, TooManyUnpaid)]
    made = [answer for answer in answers if isinstance(answer, OrderView)]
    assert len(made) >= 3
    assert len(made) + len(refused) == 6
