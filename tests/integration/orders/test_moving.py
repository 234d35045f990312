"""Every transition by every party on a real database, the codes, the timers, and what other wings tell."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from typing import get_args

import pytest
import structlog.testing

from infra import wire
from market.kernel.availability import Plan
from market.kernel.errors import (
    BadInput,
    Forbidden,
    IllegalTransition,
    MarketError,
    NotFound,
    SlotTaken,
    VersionConflict,
    WrongCode,
)  # fmt: skip
from market.kernel.facts import OrderMoved
from market.kernel.period import DAY_MS, HOUR_MS, MINUTE_MS
from market.orders import actions, views
from market.orders.commands import GetCalendar
from market.orders.rules import life
from market.orders.rules.life import State
from market.orders.rules.order import OrderView
from tests.integration.conftest import call, someone
from tests.integration.orders.conftest import NOW_MS, Scene
from workers import order_timers

STATES: tuple[State, ...] = get_args(life.State)
COMMANDS = {
    "orders.cancel": "cancel", "orders.start": "start", "orders.return": "return", "orders.accept": "accept",
    "orders.dispute": "dispute",
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
async def test_each_party_does_what_the_table_allows_and_nothing_else(
    scene: Scene, state: State
) -> None:
    everybody = {
        "buyer": scene.buyer,
        "owner": scene.owner,
        "operator": someone("operator"),
        "stranger": someone(),
    }
    order = await scene.order_in(state)
    for (name, transition), (party, who) in itertools.product(COMMANDS.items(), everybody.items()):
        allowed = party != "stranger" and transition in life.allowed(order.state, party)
        body = {"code": "000000"} if transition in ("start", "return") else {}
        if allowed:
            continue
        expected = NotFound if party == "stranger" else IllegalTransition
        with pytest.raises(expected):
            await scene.perform(name, who, order, **body)
    for decision, who in itertools.product(("release", "refund"), (scene.buyer, scene.owner)):
        with pytest.raises(Forbidden):
            await scene.perform("orders.decide", who, order, decision=decision)
    if state != "disputed":
        with pytest.raises(IllegalTransition):
            await scene.perform("orders.decide", someone("operator"), order, decision="refund")
    assert await scene.see(order) == order  # nothing moved


@pytest.mark.parametrize(
    ("state", "party", "name", "after", "refund"),
    [
        ("pending_payment", "buyer", "orders.cancel", "cancelled", "total"),
        ("pending_payment", "owner", "orders.cancel", "cancelled", "total"),
        ("ready", "buyer", "orders.cancel", "cancelled", "total"),
        ("ready", "owner", "orders.cancel", "cancelled", "total"),
        ("ready", "owner", "orders.start", "in_use", "nothing"),
        ("in_use", "buyer", "orders.return", "returned", "nothing"),
        ("in_use", "buyer", "orders.dispute", "disputed", "nothing"),
        ("in_use", "owner", "orders.dispute", "disputed", "nothing"),
        ("returned", "buyer", "orders.dispute", "disputed", "nothing"),
        ("returned", "owner", "orders.dispute", "disputed", "nothing"),
        ("returned", "owner", "orders.accept", "completed", "deposit"),
        ("disputed", "release", "orders.decide", "completed", "deposit"),
        ("disputed", "refund", "orders.decide", "refunded", "total"),
    ],
)  # fmt: skip
async def test_each_legal_transition(
    scene: Scene, state: str, party: str, name: str, after: str, refund: str
) -> None:
    order = await scene.order_in(state)
    calendar = await scene.calendar_version()
    body: dict[str, object] = {"version": order.version}
    who = {"buyer": scene.buyer, "owner": scene.owner}.get(party) or someone("operator")
    if name in ("orders.start", "orders.return"):
        body["code"] = await scene.code(
            order, scene.buyer if name == "orders.start" else scene.owner
        )
    if name == "orders.decide":
        body["decision"] = party
    moved = await scene.perform(name, who, order, key="k", **body)
    assert (moved.state, moved.version) == (after, order.version + 1)
    assert (
        await scene.perform(name, who, order, key="k", **body) == moved
    )  # said again, not done again
    fact = (await scene.facts(order.order_id))[-1]
    assert (fact.kind, fact.version) == (f"order.{after}", moved.version)
    topics = {push.topic: push.version for push in fact.pushes}
    expected = {f"order:{order.order_id}:{role}": moved.version for role in ("buyer", "owner")}
    freed = after in life.FREE
    if freed:
        expected[f"calendar:{scene.listing}"] = calendar + 1
    assert topics == expected
    assert await scene.calendar_version() == calendar + freed
    assert bool(await scene.busy()) != freed
    data = wire.from_msgpack(fact.data, OrderMoved)
    assert data.refund_fen == {"nothing": 0, "deposit": 20_000, "total": 21_000}[refund]
    assert (data.transition, data.state) == (fact_name(name, party), after)


def fact_name(name: str, party: str) -> str:
    return party if name == "orders.decide" else COMMANDS[name]


async def test_a_freed_hour_can_be_ordered_again(scene: Scene) -> None:
    order = await scene.create()
    with pytest.raises(SlotTaken):
        await scene.create(who=someone())
    await scene.perform("orders.cancel", scene.buyer, order)
    assert (await scene.create(who=someone())).state == "pending_payment"


async def test_a_stale_screen_moves_nothing(scene: Scene) -> None:
    order = await scene.order_in("ready")
    with pytest.raises(VersionConflict) as caught:
        await scene.perform("orders.cancel", scene.buyer, order, version=1)
    assert caught.value.data["version"] == order.version
    assert await scene.see(order) == order


async def test_both_at_once_and_one_is_first(scene: Scene) -> None:
    order = await scene.order_in("returned")
    results = await asyncio.gather(
        scene.perform("orders.accept", scene.owner, order),
        scene.perform("orders.dispute", scene.buyer, order),
        return_exceptions=True,
    )
    assert sum(isinstance(r, OrderView) for r in results) == 1
    assert sum(isinstance(r, IllegalTransition) for r in results) == 1
    assert (await scene.see(order)).version == order.version + 1


async def test_cancelling_and_expiring_at_once_free_the_hour_once(scene: Scene) -> None:
    order = await scene.create()
    due_ms = await scene.due(order)
    await asyncio.gather(
        scene.perform("orders.cancel", scene.owner, order),
        actions.fire_timer(scene.orders, order.order_id, due_ms),
        *(actions.fire_timer(scene.orders, order.order_id, due_ms) for _ in range(3)),
        return_exceptions=True,
    )
    assert (await scene.see(order)).version == 2
    assert await scene.calendar_version() == 3


# --- codes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "name"), [("ready", "orders.start"), ("in_use", "orders.return")]
)
async def test_the_fifth_wrong_code_makes_new_ones(scene: Scene, state: str, name: str) -> None:
    order = await scene.order_in(state)
    asker, shower = (scene.owner, scene.buyer) if state == "ready" else (scene.buyer, scene.owner)
    code = await scene.code(order, shower)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _ in range(4):
        with pytest.raises(WrongCode):
            await scene.perform(name, asker, order, code=wrong)
    assert await scene.code(order, shower) == code
    assert (await scene.see(order)).version == order.version
    with pytest.raises(WrongCode):
        await scene.perform(name, asker, order, code=wrong)
    fresh = await scene.code(order, shower)
    assert fresh != code
    assert (await scene.see(order)).version == order.version + 1
    fact = (await scene.facts(order.order_id))[-1]
    assert (fact.kind, fact.version) == ("order.codes_replaced", order.version + 1)
    assert {push.topic: push.payload["code"] for push in fact.pushes} == {
        f"order:{order.order_id}:{role}": fresh if shower is who else None
        for role, who in (("buyer", scene.buyer), ("owner", scene.owner))
    }
    with pytest.raises(WrongCode):
        await scene.perform(name, asker, order, code=code)
    assert (await scene.perform(name, asker, order, code=fresh)).version == order.version + 2


async def test_a_right_code_in_between_does_not_help_the_next_step(scene: Scene) -> None:
    order = await scene.order_in("ready")
    code = await scene.code(order, scene.buyer)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    for _ in range(4):
        with pytest.raises(WrongCode):
            await scene.perform("orders.start", scene.owner, order, code=wrong)
    await scene.perform("orders.start", scene.owner, order, code=code)
    back = await scene.code(order, scene.owner)
    with pytest.raises(WrongCode):
        await scene.perform(
            "orders.return", scene.buyer, order, code=f"{(int(back) + 1) % 10**6:06}"
        )
    assert await scene.code(order, scene.owner) == back  # the count began anew


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "１２３４５６", 123456, None])
async def test_what_is_no_code(scene: Scene, code: object) -> None:
    order = await scene.order_in("ready")
    with pytest.raises(BadInput):
        await scene.perform("orders.start", scene.owner, order, code=code)


# --- timers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "after", "since_ms", "refund"),
    [
        ("pending_payment", "expired", 15 * MINUTE_MS, 21_000),
        ("returned", "completed", 48 * HOUR_MS, 20_000),
        ("disputed", "refunded", 14 * DAY_MS, 21_000),
        ("ready", "cancelled", None, 21_000),
        ("in_use", "disputed", None, 0),
    ],
)  # fmt: skip
async def test_what_happens_by_itself(
    scene: Scene, state: str, after: str, since_ms: int | None, refund: int
) -> None:
    order = await scene.order_in(state)
    calendar, due_ms = await scene.calendar_version(), await scene.due(order)
    if since_ms is not None:
        assert due_ms == NOW_MS + since_ms
    else:
        assert due_ms == order.end_ms + {"ready": 0, "in_use": 72 * HOUR_MS}[state]
    assert not await actions.fire_timer(scene.orders, order.order_id, due_ms - 1)
    assert await scene.see(order) == order
    assert await actions.fire_timer(scene.orders, order.order_id, due_ms)
    assert not await actions.fire_timer(scene.orders, order.order_id, due_ms)  # once
    moved = await scene.see(order)
    assert (moved.state, moved.version) == (after, order.version + 1)
    assert await scene.calendar_version() == calendar + (after in life.FREE)
    fact = (await scene.facts(order.order_id))[-1]
    assert fact.kind == f"order.{after}"


async def test_a_timer_that_was_overtaken_harms_nobody(scene: Scene) -> None:
    order = await scene.create()
    due_ms = await scene.due(order)
    await scene.pay(order)
    assert not await actions.fire_timer(scene.orders, order.order_id, due_ms)
    assert (await scene.see(order)).state == "ready"


async def test_timers_at_once_fire_once(scene: Scene) -> None:
    order = await scene.create()
    due_ms = await scene.due(order)
    fired = await asyncio.gather(
        *(actions.fire_timer(scene.orders, order.order_id, due_ms) for _ in range(5))
    )
    assert sum(fired) == 1


async def test_an_ended_order_has_no_timer(scene: Scene) -> None:
    order = await scene.order_in("completed")
    assert order.due_ms is None
    assert not await actions.fire_timer(scene.orders, order.order_id, NOW_MS + 1000 * DAY_MS)


async def test_the_worker_finds_what_is_due_and_one_that_fails_blocks_nobody(scene: Scene) -> None:
    broken, healthy = await scene.create(0), await scene.create(1)
    async with scene.orders.db.read() as cursor:
        await cursor.execute(
            "UPDATE orders SET price_lines = '!', due_ms = 1 WHERE id = %s", broken.order_id
        )
        await cursor.execute("UPDATE orders SET due_ms = 2 WHERE id = %s", healthy.order_id)
    fired = 0
    with structlog.testing.capture_logs() as logs:
        while done := await order_timers.run_once(scene.orders, NOW_MS + 16 * MINUTE_MS):
            fired += done
    assert {line["order_id"] for line in logs} == {str(int(broken.order_id))}
    assert fired >= 1
    assert (await scene.see(healthy)).state == "expired"
    async with scene.orders.db.read() as cursor:
        await cursor.execute("DELETE FROM orders WHERE id = %s", broken.order_id)


# --- what other wings tell ----------------------------------------------------------------------------------------------


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
    await scene.listing_changes(price_hour_fen=9_000, title="x", address="y", status="paused")
    await scene.pay(order)
    seen = await scene.see(order)
    assert (seen.state, seen.rent_fen, seen.title, seen.address) == (
        "ready",
        1_000,
        "电钻",
        "幸福路 1 号",
    )


async def test_money_for_an_order_nobody_knows_is_an_error_of_that_fact(scene: Scene) -> None:
    order = await scene.create()
    with pytest.raises(MarketError):
        await scene.pay(replace(order, order_id=type(order.order_id)(12345)))


@pytest.mark.parametrize("decision", ["release", "refund"])
async def test_what_was_disputed_is_known_when_it_has_been_decided(
    scene: Scene, decision: str
) -> None:
    order = await scene.order_in("in_use")
    await scene.perform("orders.dispute", scene.buyer, order, reason="the drill does not turn")
    operator = someone("operator")
    decided = await scene.perform("orders.decide", operator, order, decision=decision)
    assert decided.reason == "the drill does not turn"
    assert (await scene.see(order, scene.owner)).reason == decided.reason
