"""Every transition by every party on a real database, the codes, the timers, and what other wings tell."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any, cast, get_args

import pytest
import structlog.testing

from infra import wire
from market.kernel.errors import (
    BadInput,
    Forbidden,
    IllegalTransition,
    NotFound,
    SlotTaken,
    VersionConflict,
    WrongCode,
)  # fmt: skip
from market.kernel.facts import OrderMoved
from market.kernel.period import DAY_MS, HOUR_MS, MINUTE_MS
from market.orders import actions
from market.orders.commands import ApproveRequest, CancelOrder
from market.orders.rules import life
from market.orders.rules.life import Party, State
from market.orders.rules.order import OrderView
from tests.integration.conftest import call, someone
from tests.integration.orders.conftest import NOW_MS, Scene
from workers import order_timers

STATES: tuple[State, ...] = get_args(life.State)
COMMANDS = {
    "orders.approve": "approve",
    "orders.decline": "decline",
    "orders.cancel": "cancel",
    "orders.start": "start",
    "orders.return": "return",
    "orders.accept": "accept",
    "orders.dispute": "dispute",
    "orders.claim": "claim",
    "orders.concede": "concede",
    "orders.contest": "contest",
    "orders.evidence": "evidence",
}
BODIES: dict[str, dict[str, Any]] = {
    "orders.start": {"code": "000000"}, "orders.return": {"code": "000000"},
    "orders.claim": {"amount_fen": 500, "reason": "坏了", "objects": ["chat/1/2/x"]},
    "orders.evidence": {"text": "看照片"},
}  # fmt: skip


def allowed_now(order: OrderView, party: str) -> tuple[str, ...]:
    return life.allowed(life.PROCESS_VERSION, order.state, cast("Party", party))


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
        allowed = party != "stranger" and transition in allowed_now(order, party)
        body = BODIES.get(name, {})
        if allowed:
            continue
        expected = NotFound if party == "stranger" else IllegalTransition
        with pytest.raises(expected):
            await scene.perform(name, who, order, **body)
    for decision, who in itertools.product(
        ("release", "refund", "split"), (scene.buyer, scene.owner)
    ):
        with pytest.raises(Forbidden):
            await scene.perform("orders.decide", who, order, decision=decision)
    if state != "disputed":
        with pytest.raises(IllegalTransition):
            await scene.perform("orders.decide", someone("operator"), order, decision="refund")
    assert await scene.see(order) == order  # nothing moved


@pytest.mark.parametrize(
    ("state", "party", "name", "after", "refund"),
    [
        ("requested", "owner", "orders.approve", "pending_payment", 0),
        ("requested", "owner", "orders.decline", "declined", 21_000),
        ("requested", "buyer", "orders.cancel", "cancelled", 21_000),
        ("pending_payment", "buyer", "orders.cancel", "cancelled", 21_000),
        ("pending_payment", "owner", "orders.cancel", "cancelled", 21_000),
        ("ready", "buyer", "orders.cancel", "cancelled", 21_000),
        ("ready", "owner", "orders.cancel", "cancelled", 21_000),
        ("ready", "owner", "orders.start", "in_use", 0),
        ("ready", "owner", "orders.dispute", "disputed", 0),
        ("in_use", "buyer", "orders.return", "returned", 0),
        ("in_use", "buyer", "orders.dispute", "disputed", 0),
        ("in_use", "owner", "orders.dispute", "disputed", 0),
        ("returned", "buyer", "orders.dispute", "disputed", 0),
        ("returned", "owner", "orders.dispute", "disputed", 0),
        ("returned", "owner", "orders.accept", "completed", 20_000),
        ("returned", "owner", "orders.claim", "claimed", 0),
        ("claimed", "buyer", "orders.concede", "completed", 16_000),
        ("claimed", "buyer", "orders.contest", "disputed", 0),
        ("disputed", "release", "orders.decide", "completed", 20_000),
        ("disputed", "refund", "orders.decide", "refunded", 21_000),
        ("disputed", "split", "orders.decide", "completed", 12_300),
    ],
)  # fmt: skip
async def test_each_legal_transition(
    scene: Scene, state: str, party: str, name: str, after: State, refund: int
) -> None:
    order = await scene.order_in(state)
    calendar = await scene.calendar_version()
    body: dict[str, object] = {"version": order.version} | BODIES.get(name, {})
    who = {"buyer": scene.buyer, "owner": scene.owner}.get(party) or someone("operator")
    if name in ("orders.start", "orders.return"):
        body["code"] = await scene.code(
            order, scene.buyer if name == "orders.start" else scene.owner
        )
    if name == "orders.decide":
        body |= {"decision": party, "rent_back_fen": 300, "deposit_kept_fen": 8_000}
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
    assert data.refund_fen == refund
    ended = life.timer_of(life.PROCESS_VERSION, after) is None
    if ended:
        assert data.refund_fen + data.owner_fen + data.fee_fen == data.total_fen == 21_000
    seen = await scene.see(order)
    assert (seen.refund_fen, seen.claim_fen) == (
        refund if ended else None, {"orders.claim": 500}.get(name, order.claim_fen),
    )  # fmt: skip
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


async def test_closed_and_abandoned_at_once_free_the_hour_once(scene: Scene) -> None:
    order = await scene.order_in("expiring")
    due_ms = await scene.due(order)
    await asyncio.gather(
        scene.closed(order),
        *(actions.fire_timer(scene.orders, order.order_id, due_ms) for _ in range(4)),
    )
    assert (await scene.see(order)).version == 3
    assert await scene.calendar_version() == 3


async def test_two_devices_at_once_and_one_is_first(scene: Scene) -> None:
    order = await scene.order_in("claimed")
    results = await asyncio.gather(
        *(scene.perform("orders.concede", scene.buyer, order) for _ in range(2)),
        *(scene.perform("orders.contest", scene.buyer, order) for _ in range(2)),
        return_exceptions=True,
    )
    assert sum(isinstance(r, OrderView) for r in results) == 1
    assert sum(isinstance(r, IllegalTransition) for r in results) == 3
    assert (await scene.see(order)).version == order.version + 1


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
        ("requested", "expired", None, 21_000),
        ("pending_payment", "expiring", 15 * MINUTE_MS, 0),
        ("expiring", "expired", 2 * HOUR_MS, 21_000),
        ("returned", "completed", 48 * HOUR_MS, 20_000),
        ("claimed", "disputed", 72 * HOUR_MS, 0),
        ("disputed", "refunded", 7 * DAY_MS, 21_000),
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
        assert due_ms == order.entered_ms + since_ms
    else:
        after_ms = {"requested": order.start_ms - order.end_ms, "in_use": 72 * HOUR_MS}
        assert due_ms == order.end_ms + after_ms.get(state, 0)
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
    assert (await scene.see(healthy)).state == "expiring"
    async with scene.orders.db.read() as cursor:
        await cursor.execute("DELETE FROM orders WHERE id = %s", broken.order_id)


async def test_the_time_to_pay_begins_with_the_approval(scene: Scene) -> None:
    asked = await scene.order_in("requested")
    assert (asked.state, asked.actions) == ("requested", ("cancel",))
    with pytest.raises(SlotTaken):
        await scene.create(who=someone())
    await scene.pay(asked)  # cannot be
    later = call(scene.owner, at_ms=NOW_MS + HOUR_MS)
    await actions.approve(scene.orders, later, ApproveRequest(order_id=asked.order_id))
    assert await scene.due(asked) == NOW_MS + HOUR_MS + 15 * MINUTE_MS
    await scene.pay(asked)
    assert (await scene.see(asked)).state == "ready"


async def test_what_the_policy_keeps_is_the_owners_when_the_buyer_cancels(scene: Scene) -> None:
    """Strict, and within a day of the start: the whole rent. The owner keeps nothing who cancels."""
    await scene.listing_changes(policy="strict")
    for hour, who, refund in ((0, scene.buyer, 20_000), (1, scene.owner, 21_000)):
        order = await scene.create(hour)
        await scene.pay(order)
        late = call(who, at_ms=NOW_MS + 16 * MINUTE_MS)
        await actions.cancel(scene.orders, late, CancelOrder(order_id=order.order_id))
        data = wire.from_msgpack((await scene.facts(order.order_id))[-1].data, OrderMoved)
        assert (data.refund_fen, data.owner_fen, data.fee_fen, data.refund_deposit_fen) == (
            refund, 900 * (who is scene.buyer), 100 * (who is scene.buyer), 20_000,
        )  # fmt: skip
