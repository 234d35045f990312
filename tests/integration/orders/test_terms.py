"""Seats, buffers, notice, credit and what a quote says, against a real database."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from market.kernel.actor import ANONYMOUS, Actor
from market.kernel.errors import BadInput, Held, MarketError, NotBookable, NotFound, SlotTaken
from market.kernel.facts import CreditChanged
from market.kernel.ids import gene_of
from market.kernel.period import DAY_MS, HOUR_MS, MINUTE_MS
from market.kernel.topics import Want
from market.orders import actions, views
from market.orders.commands import GetCalendar, GetFree, GetQuote, Hold
from market.orders.rules.booking import CalendarView
from market.orders.rules.order import OrderView
from market.orders.views import QuoteView
from tests.integration.conftest import call, new_id, someone
from tests.integration.orders.conftest import NOW_MS, START_MS, Scene


async def calendar(scene: Scene) -> CalendarView:
    query = GetCalendar(listing_id=scene.listing)
    return await views.calendar(scene.orders, call(scene.buyer, at_ms=NOW_MS), query)


async def quote(scene: Scene, who: Actor = ANONYMOUS, hours: int = 1, seats: int = 1) -> QuoteView:
    query = GetQuote(
        listing_id=scene.listing, start_ms=START_MS, end_ms=START_MS + hours * HOUR_MS, seats=seats
    )
    return await views.quote(scene.orders, call(who, at_ms=NOW_MS), query)


async def hear_credit(scene: Scene, who: Actor, version: int, stars: int, ratings: int) -> None:
    data = CreditChanged(
        user_id=who.user_id, version=version, credit_centistars=stars, ratings=ratings
    )
    await scene.hear(CreditChanged.KIND, who.user_id, version, data)


# --- seats ------------------------------------------------------------------------------------------------------------


async def test_of_many_who_want_seats_at_once_as_many_get_them_as_there_are(scene: Scene) -> None:
    await scene.listing_changes(capacity=5)
    results = await asyncio.gather(
        *(scene.create(who=someone(), seats=2) for _ in range(6)), return_exceptions=True
    )
    assert sum(isinstance(r, OrderView) for r in results) == 2
    assert sum(isinstance(r, SlotTaken) for r in results) == 4
    view = await calendar(scene)
    assert (view.busy, view.left) == ((), ((START_MS, START_MS + HOUR_MS, 1),))
    last = await scene.create(who=someone())
    assert (last.seats, last.rent_fen) == (1, 1_000)
    assert (await calendar(scene)).busy == ((START_MS, START_MS + HOUR_MS),)


async def test_seats_that_overlap_in_part_count_where_they_do(scene: Scene) -> None:
    await scene.listing_changes(capacity=2)
    await scene.create(0, who=someone(), end_ms=START_MS + 2 * HOUR_MS)
    await scene.create(1, who=someone(), end_ms=START_MS + 3 * HOUR_MS)
    with pytest.raises(SlotTaken) as refused:
        await scene.create(0, who=someone(), end_ms=START_MS + 3 * HOUR_MS)
    assert refused.value.data["start_ms"] == START_MS + HOUR_MS
    await scene.create(2, who=someone())
    await scene.create(0, who=someone())


async def test_seats_that_are_given_back_are_free(scene: Scene) -> None:
    await scene.listing_changes(capacity=3)
    order = await scene.create(seats=3)
    assert order.rent_fen == 3_000
    with pytest.raises(SlotTaken):
        await scene.create(who=someone())
    await scene.perform("orders.cancel", scene.buyer, order)
    assert (await scene.create(who=someone(), seats=3)).seats == 3


@pytest.mark.parametrize("seats", [2, 100])
async def test_more_seats_than_there_are(scene: Scene, seats: int) -> None:
    with pytest.raises(NotBookable):
        await scene.create(seats=seats)
    with pytest.raises(NotBookable):
        await quote(scene, seats=seats)


@pytest.mark.parametrize("seats", [0, -1, 101, 1.5, "1", None])
async def test_numbers_of_seats_that_are_none(scene: Scene, seats: object) -> None:
    body = {
        "listing_id": str(int(scene.listing)), "start_ms": START_MS, "end_ms": START_MS + HOUR_MS,
        "terms_version": 1, "seats": seats,
    }  # fmt: skip
    with pytest.raises(BadInput):
        await actions.create.perform(scene.orders, scene.buyer, NOW_MS, "k", body)
    assert await scene.busy() == []


async def test_a_hold_keeps_nobody_away_where_there_are_several_seats(scene: Scene) -> None:
    await scene.listing_changes(capacity=2)
    wish = Hold(listing_id=scene.listing, start_ms=START_MS, end_ms=START_MS + HOUR_MS)
    for who in (scene.buyer, someone()):
        await actions.hold(scene.orders, call(who, at_ms=NOW_MS), wish)
    (shown,) = await views.snapshot(scene.orders, [Want(topic=f"hold:{scene.listing}")], NOW_MS)
    assert len(shown.state) == 2
    await scene.create(who=someone(), seats=2)
    await scene.listing_changes(capacity=1)
    with pytest.raises(MarketError) as refused:
        await scene.create(1, who=someone(), start_ms=START_MS)
    assert isinstance(refused.value, Held | SlotTaken)


# --- when -------------------------------------------------------------------------------------------------------------


async def test_a_buffer_lies_between_uses_and_stays_with_the_order(scene: Scene) -> None:
    await scene.listing_changes(buffer_minutes=30)
    await scene.create(2)
    until_ms = START_MS + 3 * HOUR_MS + 30 * MINUTE_MS
    assert [p.end_ms for p in await scene.busy()] == [until_ms]
    for start_ms, end_ms in (
        (until_ms - MINUTE_MS, until_ms + HOUR_MS),  # too early after it
        (START_MS, START_MS + 2 * HOUR_MS - 29 * MINUTE_MS),  # too late before it
    ):
        with pytest.raises(SlotTaken):
            await scene.create(who=someone(), start_ms=start_ms, end_ms=end_ms)
    await scene.create(
        who=someone(), start_ms=START_MS, end_ms=START_MS + 2 * HOUR_MS - 30 * MINUTE_MS
    )
    await scene.listing_changes(buffer_minutes=0)
    with pytest.raises(SlotTaken):
        await scene.create(who=someone(), start_ms=until_ms - MINUTE_MS, end_ms=until_ms + HOUR_MS)
    await scene.create(who=someone(), start_ms=until_ms, end_ms=until_ms + HOUR_MS)


@pytest.mark.parametrize(
    "changes",
    [
        {"notice_minutes": 180},
        {"shortest_minutes": 61},
        {"longest_minutes": 59},
        {"horizon_days": 0},
    ],
)
async def test_terms_that_do_not_offer_it(scene: Scene, changes: dict[str, Any]) -> None:
    await scene.listing_changes(**changes)
    with pytest.raises(NotBookable) as refused:
        await scene.create()
    (name,) = changes
    assert refused.value.data[name] == changes[name]


async def test_free_is_what_can_be_booked(scene: Scene) -> None:
    await scene.listing_changes(capacity=2, buffer_minutes=60, notice_minutes=0)
    await scene.create(4, seats=1)

    async def free(seats: int) -> list[tuple[int, int]]:
        query = GetFree(
            listing_id=scene.listing, start_ms=START_MS, end_ms=START_MS + DAY_MS, seats=seats
        )
        return [*(await views.free(scene.orders, call(ANONYMOUS, at_ms=NOW_MS), query)).free]

    assert await free(1) == [(START_MS, START_MS + DAY_MS)]
    assert await free(2) == [
        (START_MS, START_MS + 3 * HOUR_MS), (START_MS + 6 * HOUR_MS, START_MS + DAY_MS),
    ]  # fmt: skip
    first, second = await free(2)
    await scene.create(who=someone(), seats=2, start_ms=first[0], end_ms=first[1])
    await scene.create(who=someone(), seats=2, start_ms=second[0], end_ms=second[1])
    assert await free(3) == []
    nowhere = GetFree(listing_id=new_id(), start_ms=1, end_ms=2)
    with pytest.raises(NotFound):
        await views.free(scene.orders, call(ANONYMOUS), nowhere)


# --- what it costs ----------------------------------------------------------------------------------------------------


async def test_the_order_costs_what_the_quote_said(scene: Scene) -> None:
    await scene.listing_changes(
        price_week_fen=30_000, surcharge_bp=(1_000,) * 7, minimum_fen=3_000, capacity=3, policy="moderate",
        booking="instant",
    )  # fmt: skip
    for hours, seats in ((1, 1), (25, 2), (24 * 8, 3)):
        shown = await quote(scene, hours=hours, seats=seats)
        order = await scene.create(
            who=someone(), seats=seats, start_ms=START_MS, end_ms=START_MS + hours * HOUR_MS
        )
        assert (order.lines, order.total_fen) == (shown.lines, shown.total_fen)
        assert sum(line.total_fen for line in order.lines) == order.total_fen
        assert (order.policy, shown.policy, order.seats) == ("moderate", "moderate", seats)
        assert shown.cancelling[-1].kept_fen == shown.rent_fen == order.rent_fen
        await scene.perform("orders.cancel", scene.owner, order)


async def test_an_order_keeps_the_policy_of_its_time(scene: Scene) -> None:
    order = await scene.create()
    await scene.listing_changes(policy="strict")
    assert (await scene.see(order)).policy == "flexible"


async def test_good_credit_spares_the_deposit_as_far_as_it_has_been_heard_of(scene: Scene) -> None:
    await scene.listing_changes(waives_deposit=True)
    assert (await quote(scene, scene.buyer)).waived_fen == 0
    await hear_credit(scene, scene.buyer, 2, 480, 20)
    await hear_credit(scene, scene.buyer, 1, 300, 1)  # late, and older
    shown = await quote(scene, scene.buyer)
    assert (shown.deposit_fen, shown.waived_fen, shown.total_fen) == (0, 20_000, 1_000)
    assert (await quote(scene)).deposit_fen == 20_000
    order = await scene.create()
    assert (order.deposit_fen, order.total_fen) == (0, 1_000)
    assert gene_of(order.order_id) == gene_of(scene.listing)
    assert (await scene.create(1, who=someone())).deposit_fen == 20_000
    await hear_credit(scene, scene.buyer, 3, 455, 21)
    assert (await scene.create(2)).deposit_fen == 10_000


async def test_the_category_decides_the_fee(scene: Scene) -> None:
    order = await scene.create()
    assert (await scene.see(order, scene.owner)).fee_fen == 100
    await scene.listing_changes(terms=False, category="skills")
    taught = await scene.create(1)
    assert (await scene.see(taught, scene.owner)).fee_fen == 150


async def test_a_price_from_the_client_counts_for_nothing(scene: Scene) -> None:
    body = {
        "listing_id": str(int(scene.listing)), "start_ms": START_MS, "end_ms": START_MS + HOUR_MS, "terms_version": 1,
        "rent_fen": 1, "deposit_fen": 0, "total_fen": 1, "price_hour_fen": 1, "lines": [], "policy": "generous",
        "credit": 500, "waived_fen": 20_000,
    }  # fmt: skip
    order = await actions.create.perform(scene.orders, scene.buyer, NOW_MS, "k", body)
    assert (order.rent_fen, order.deposit_fen, order.policy) == (1_000, 20_000, "flexible")
