"""Using longer: the time is taken at once, moved when it is paid for, and given back when it is not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from infra import wire
from market.kernel.errors import (
    Held,
    IllegalTransition,
    MarketError,
    NotBookable,
    SlotTaken,
    StaleQuote,
    VersionConflict,
)  # fmt: skip
from market.kernel.facts import OrderMoved, PaymentClosed, PaymentReceived
from market.kernel.ids import Id
from market.kernel.period import HOUR_MS, MINUTE_MS, Period
from market.kernel.topics import Want
from market.orders import actions, views
from market.orders.commands import Hold, QuoteExtension, ReleaseHold
from market.orders.rules.extension import LAST_CALL_MS, MOST
from market.orders.rules.order import OrderView
from tests.integration.conftest import call, new_id, someone
from tests.integration.orders.conftest import NOW_MS, START_MS, Scene

END_MS = START_MS + HOUR_MS


async def extend(scene: Scene, order: OrderView, hours: int = 1, **body: Any) -> OrderView:
    return await scene.perform(
        "orders.extend", scene.buyer, order, end_ms=END_MS + hours * HOUR_MS, **body
    )


async def paid(scene: Scene, order: OrderView, extension: int = 1) -> None:
    data = PaymentReceived(
        order_id=order.order_id, payment_id=new_id(), paid_at_ms=NOW_MS, amount_fen=1_000,
        extension=extension,
    )  # fmt: skip
    await scene.hear(PaymentReceived.KIND, order.order_id, 10 + extension, data)


async def closed(scene: Scene, order: OrderView, extension: int = 1) -> None:
    data = PaymentClosed(
        order_id=order.order_id, payment_id=Id(0), reason="expiring", extension=extension
    )
    await scene.hear(PaymentClosed.KIND, order.order_id, 20 + extension, data)


async def last_move(scene: Scene, order: OrderView) -> OrderMoved:
    (*_, fact) = await scene.facts(order.order_id)
    return wire.from_msgpack(fact.data, OrderMoved)


def state(order: OrderView) -> str | None:
    return order.extension.state if order.extension else None


async def test_time_is_taken_from_the_request_on_and_belongs_to_who_pays(scene: Scene) -> None:
    order = await scene.order_in("in_use")
    version = await scene.calendar_version()
    asked = await extend(scene, order)
    assert asked.extension is not None
    assert (state(asked), asked.extension.amount_fen, asked.end_ms) == (
        "pending_payment",
        1_000,
        END_MS,
    )
    assert asked.extension.pay_by_ms == NOW_MS + 15 * MINUTE_MS
    assert {"pay_extension", "forgo"} <= set(asked.actions)
    assert await scene.calendar_version() == version + 1
    assert await scene.busy() == [Period(START_MS, END_MS + HOUR_MS)]
    with pytest.raises(SlotTaken):
        await scene.create(1, someone())
    await paid(scene, order)
    seen = await scene.see(order)
    assert (state(seen), seen.end_ms, seen.rent_fen, seen.total_fen) == (
        "paid", END_MS + HOUR_MS, order.rent_fen + 1_000, order.total_fen + 1_000,
    )  # fmt: skip
    assert sum(line.total_fen for line in seen.lines) == seen.total_fen
    assert seen.due_ms == END_MS + HOUR_MS + 72 * HOUR_MS
    with pytest.raises(SlotTaken):
        await scene.create(1, someone())
    told = [fact.kind for fact in await scene.facts(order.order_id)]
    assert told[-2:] == ["order.extension", "order.extension"]


async def test_what_is_not_paid_is_free_again_when_payments_says_so(scene: Scene) -> None:
    order = await scene.order_in("in_use")
    asked = await extend(scene, order)
    assert asked.extension is not None
    pay_by_ms = asked.extension.pay_by_ms
    assert not await actions.fire_timer(scene.orders, order.order_id, pay_by_ms - 1)
    assert await actions.fire_timer(scene.orders, order.order_id, pay_by_ms)
    assert state(await scene.see(order)) == "expiring"
    with pytest.raises(SlotTaken):
        await scene.create(1, someone())
    await closed(scene, order)
    seen = await scene.see(order)
    assert (state(seen), seen.end_ms, seen.rent_fen) == ("expired", END_MS, order.rent_fen)
    await scene.create(1, someone())
    await paid(scene, order)  # too late: payments gives it back
    assert (await scene.see(order)).version == seen.version


async def test_nobody_speaks_of_it_for_two_hours(scene: Scene) -> None:
    order = await scene.order_in("in_use")
    asked = await extend(scene, order)
    assert asked.extension is not None
    at_ms = asked.extension.pay_by_ms
    assert await actions.fire_timer(scene.orders, order.order_id, at_ms)
    assert not await actions.fire_timer(scene.orders, order.order_id, at_ms + 2 * HOUR_MS - 1)
    assert await actions.fire_timer(scene.orders, order.order_id, at_ms + 2 * HOUR_MS)
    assert state(await scene.see(order)) == "expired"
    assert await scene.busy() == [Period(START_MS, END_MS)]


async def test_it_is_forgone_and_asked_for_otherwise(scene: Scene) -> None:
    order = await scene.order_in("ready")
    await extend(scene, order, 3)
    with pytest.raises(IllegalTransition):
        await extend(scene, order, 1)
    assert state(await scene.perform("orders.forgo", scene.buyer, order)) == "expiring"
    with pytest.raises(IllegalTransition):
        await scene.perform("orders.forgo", scene.buyer, order)
    await closed(scene, order)
    asked = await extend(scene, order, 1)
    assert asked.extension is not None
    assert asked.extension.extension_id == 2
    await paid(scene, order, 1)  # of the first one
    assert state(await scene.see(order)) == "pending_payment"
    await paid(scene, order, 2)
    assert (await scene.see(order)).end_ms == END_MS + HOUR_MS


async def test_an_order_that_goes_on_no_more_is_not_extended(scene: Scene) -> None:
    """The buyer pays, and gives the thing back before it is heard of: the money goes back, the time is free."""
    order = await scene.order_in("in_use")
    await extend(scene, order)
    code = await scene.code(order, scene.owner)
    back = await scene.perform("orders.return", scene.buyer, order, code=code)
    assert state(back) == "expiring"
    assert await scene.busy() == [Period(START_MS, END_MS + HOUR_MS)]
    await paid(scene, order)
    seen = await scene.see(order)
    assert (seen.state, state(seen), seen.end_ms) == ("returned", "expired", END_MS)
    assert await scene.busy() == [Period(START_MS, END_MS)]
    ended = await scene.perform("orders.accept", scene.owner, order)
    assert ended.payout_fen == order.rent_fen - (ended.fee_fen or 0)


async def test_the_whole_rent_is_divided_when_it_ends(scene: Scene) -> None:
    order = await scene.order_in("in_use")
    await extend(scene, order, 2)
    await paid(scene, order)
    await scene._step(order, "disputed")
    ended = await scene.perform(
        "orders.decide", someone("operator"), order, decision="split", rent_back_fen=2_500,
        deposit_kept_fen=5_000,
    )  # fmt: skip
    assert (ended.rent_fen, ended.refund_fen) == (3_000, 2_500 + 15_000)
    assert (ended.fee_fen, ended.payout_fen) == (50, 450 + 5_000)
    fact = await last_move(scene, order)
    (longer,) = fact.extensions
    assert (fact.refund_fen, fact.owner_fen, fact.fee_fen) == (500 + 15_000, 450 + 5_000, 50)
    assert (longer.refund_fen, longer.owner_fen, longer.fee_fen) == (2_000, 0, 0)


async def test_what_is_in_the_way(scene: Scene) -> None:
    order = await scene.order_in("in_use")
    other = await scene.create(2, someone())
    with pytest.raises(SlotTaken) as taken:
        await extend(scene, order, 2)
    assert taken.value.data["start_ms"] == other.start_ms
    await scene.listing_changes(minimum_fen=1)
    with pytest.raises(StaleQuote):
        await extend(scene, order, terms_version=1)
    with pytest.raises(VersionConflict):
        await extend(scene, order, version=1)
    for who in (scene.owner, someone("operator")):
        with pytest.raises(IllegalTransition):
            await scene.perform("orders.extend", who, order, end_ms=END_MS + HOUR_MS)
    await scene.listing_changes(status="paused")
    with pytest.raises(NotBookable):
        await extend(scene, order)
    await scene.listing_changes(status="live", longest_minutes=90)
    with pytest.raises(NotBookable):
        await extend(scene, order)
    await scene.listing_changes(longest_minutes=600, buffer_minutes=30)
    assert state(await extend(scene, order)) == "pending_payment"  # an order keeps its own buffer


async def test_too_late_and_too_often(scene: Scene) -> None:
    order = await scene.order_in("in_use")
    body = {"order_id": str(int(order.order_id)), "end_ms": END_MS + HOUR_MS}
    ask = actions.ACTIONS["orders.extend"]
    with pytest.raises(NotBookable):
        await ask.perform(scene.orders, scene.buyer, END_MS - LAST_CALL_MS + 1, "a", body)
    last = await ask.perform(scene.orders, scene.buyer, END_MS - LAST_CALL_MS, "b", body)
    assert isinstance(last, OrderView)
    assert last.extension is not None
    assert last.extension.pay_by_ms == END_MS
    for number in range(1, MOST + 1):
        await scene.perform("orders.forgo", scene.buyer, order)
        await closed(scene, order, number)
        if number < MOST:
            await extend(scene, order)
    with pytest.raises(IllegalTransition):
        await extend(scene, order)
    assert "extend" not in (await scene.see(order)).actions


async def test_somebody_elses_hold_is_respected(scene: Scene) -> None:
    order = await scene.order_in("in_use")
    rival = someone()
    held = await actions.hold(
        scene.orders, call(rival, at_ms=NOW_MS),
        Hold(listing_id=scene.listing, start_ms=END_MS, end_ms=END_MS + HOUR_MS),
    )  # fmt: skip
    with pytest.raises(Held):
        await extend(scene, order)
    release = ReleaseHold(listing_id=scene.listing, lease_id=held.lease_id)
    await actions.release_hold(scene.orders, call(rival, at_ms=NOW_MS), release)
    assert state(await extend(scene, order)) == "pending_payment"


async def test_what_costs_nothing_is_agreed_at_once(scene: Scene) -> None:
    await scene.listing_changes(price_hour_fen=None)
    order = await scene.order_in("in_use")
    longer = await extend(scene, order, 5)
    assert (state(longer), longer.end_ms, longer.rent_fen) == ("paid", END_MS + 5 * HOUR_MS, 8_000)
    fact = await last_move(scene, order)
    assert (fact.transition, fact.extensions, fact.tells) == ("extend_free", (), ("buyer", "owner"))


async def test_a_quote_says_what_it_costs_and_how_far_it_goes(scene: Scene) -> None:
    order = await scene.order_in("in_use")
    await scene.create(4, someone())
    query = QuoteExtension(order_id=order.order_id, end_ms=END_MS + 2 * HOUR_MS)
    quote = await views.quote_extension(scene.orders, call(scene.buyer), query)
    assert (quote.amount_fen, quote.latest_end_ms) == (2_000, START_MS + 4 * HOUR_MS)
    asked = await extend(scene, order, 2, terms_version=quote.terms_version, version=quote.version)
    assert asked.extension is not None
    assert asked.extension.amount_fen == quote.amount_fen


@pytest.mark.parametrize("seats", [1, 2])
async def test_two_that_want_the_same_time_at_once(scene: Scene, seats: int) -> None:
    """In one group or in several: as many get it as there are seats."""
    await scene.listing_changes(capacity=seats)
    orders = [await scene.create() for _ in range(seats)]
    for order in orders:
        await scene.pay(order)
    rivals = [scene.create(1, someone()) for _ in range(3)]
    answers = await asyncio.gather(
        *(extend(scene, order) for order in orders), *rivals, return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, MarketError)]
    assert all(isinstance(refusal, SlotTaken) for refusal in refused)
    assert len(answers) - len(refused) == seats
    (snapshot,) = await views.snapshot(
        scene.orders, [Want(topic=f"calendar:{scene.listing}", have=None)], NOW_MS
    )
    assert snapshot.version == await scene.calendar_version()


async def test_the_same_key_extends_once(scene: Scene) -> None:
    order = await scene.order_in("in_use")
    body = {"end_ms": END_MS + HOUR_MS}
    first, again = await asyncio.gather(
        *(scene.perform("orders.extend", scene.buyer, order, "key", **body) for _ in range(2))
    )
    assert first.version == again.version == (await scene.see(order)).version
