"""What other wings tell: listings of their terms, payments of their money."""

from __future__ import annotations

from dataclasses import replace

import pytest

from market.kernel.availability import Plan
from market.kernel.errors import (
    MarketError,
    SlotTaken,
)  # fmt: skip
from market.kernel.geo import Point
from market.orders import views
from market.orders.commands import GetCalendar
from tests.integration.conftest import call, someone
from tests.integration.orders.conftest import Scene


async def test_payment_makes_it_ready(scene: Scene) -> None:
    order = await scene.create()
    calendar = await scene.calendar_version()
    await scene.pay(order)
    buyer, owner = await scene.see(order), await scene.see(order, scene.owner)
    assert (buyer.state, buyer.version) == ("ready", 2)
    assert buyer.address == "幸福路 1 号"
    assert buyer.code is not None
    assert owner.code is None
    assert await scene.calendar_version() == calendar
    assert [f.kind for f in await scene.facts(order.order_id)] == [
        "order.pending_payment",
        "order.ready",
    ]


async def test_nothing_was_paid_and_the_time_is_free_again(scene: Scene) -> None:
    order = await scene.order_in("expiring")
    with pytest.raises(SlotTaken):
        await scene.create(who=someone())
    await scene.closed(order)
    assert (await scene.see(order)).state == "expired"
    assert (await scene.create(who=someone())).state == "pending_payment"


async def test_money_that_came_at_the_last_moment_counts(scene: Scene) -> None:
    order = await scene.order_in("expiring")
    await scene.pay(order)
    await scene.closed(order)  # cannot be, and would harm nobody
    assert (await scene.see(order)).state == "ready"


@pytest.mark.parametrize("state", ["pending_payment", "ready", "in_use", "cancelled", "completed"])
async def test_who_waits_for_no_payment_does_not_mind_that_it_is_closed(
    scene: Scene, state: str
) -> None:
    order = await scene.order_in(state)
    await scene.closed(order)
    assert await scene.see(order) == order


@pytest.mark.parametrize("state", ["expired", "cancelled", "ready", "in_use", "completed"])
async def test_money_that_comes_too_late_moves_nothing(scene: Scene, state: str) -> None:
    order = await scene.order_in(state)
    await scene.pay(order)
    assert await scene.see(order) == order


async def test_too_little_money_moves_nothing(scene: Scene) -> None:
    order = await scene.create()
    await scene.pay(order, order.total_fen - 1)
    assert await scene.see(order) == order


async def test_an_older_picture_of_a_listing_is_ignored(scene: Scene) -> None:
    first = scene.data
    await scene.listing_changes(title="新电钻", price_hour_fen=3_000)
    newer = scene.data
    calendar = await scene.calendar_version()
    for stale in (first, newer, replace(newer, title="假")):
        await scene.hear_listing(stale)
    assert await scene.calendar_version() == calendar
    order = await scene.create()
    assert (order.title, order.rent_fen) == ("新电钻", 3_000)


async def test_the_calendars_watchers_hear_of_new_terms_only(scene: Scene) -> None:
    await scene.listing_changes(terms=False, title="另一个名字", address="别处")
    assert await scene.calendar_version() == 1
    plan = Plan(weekly=(((540, 1080),),) * 7)
    await scene.listing_changes(plan=plan)
    view = await views.calendar(
        scene.orders, call(scene.buyer), GetCalendar(listing_id=scene.listing)
    )
    assert (view.version, view.plan, view.terms_version) == (2, plan, 2)
    facts = await scene.facts(scene.listing)
    assert [(f.kind, f.version) for f in facts] == [
        ("calendar.changed", 1),
        ("calendar.changed", 2),
    ]
    assert [(p.topic, p.version) for p in facts[1].pushes] == [(f"calendar:{scene.listing}", 2)]


async def test_an_agreement_keeps_its_terms(scene: Scene) -> None:
    order = await scene.create()
    await scene.listing_changes(
        price_hour_fen=9_000, title="x", address="y", place=Point(0, 0), status="paused"
    )
    await scene.pay(order)
    seen = await scene.see(order)
    assert (seen.state, seen.rent_fen, seen.title, seen.address, seen.place) == (
        "ready", 1_000, "电钻", "幸福路 1 号", Point(31.230412, 121.473701),
    )  # fmt: skip


async def test_of_a_listing_heard_of_before_its_place_was_told_orders_have_none(
    scene: Scene,
) -> None:
    await scene.listing_changes(place=None)
    order = await scene.create()
    await scene.pay(order)
    seen = await scene.see(order)
    assert (seen.state, seen.address, seen.place) == ("ready", "幸福路 1 号", None)


async def test_money_for_an_order_nobody_knows_is_an_error_of_that_fact(scene: Scene) -> None:
    order = await scene.create()
    with pytest.raises(MarketError):
        await scene.pay(replace(order, order_id=type(order.order_id)(12345)))
