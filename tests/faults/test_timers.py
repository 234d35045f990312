"""Nobody pays in time, or somebody pays too late: the order expires, the money goes back by itself."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial

import pytest

from devkit.client import Person, Push, Refusal
from infra.config import Config
from infra.process import now_ms, open_process
from market.orders.wing import Orders, open_wing
from tests.faults.fleet import HOUR_MS, Fleet, eventually
from tests.faults.truth import assert_truth, calm
from workers import order_timers

pytestmark = pytest.mark.timeout(60)

WINDOW_MS = 15 * 60_000


@pytest.fixture
async def orders(fleet: Fleet) -> AsyncIterator[Orders]:
    """The wing in this process, on the databases of the running product: a worker that can be told the time."""
    async with open_process(Config.from_environment(fleet.stack.environment)) as process:
        yield await open_wing(process)


async def unpaid(fleet: Fleet, owner: Person, buyer: Person, count: int) -> list[tuple[str, str]]:
    """(order, prepay_id) of orders that could be paid now."""
    listing_id = await fleet.listing(owner)
    base_ms = (int(time.time() * 1000) // HOUR_MS + 2) * HOUR_MS
    made = []
    for number in range(count):
        start_ms = base_ms + number * HOUR_MS
        wish = {"listing_id": listing_id, "start_ms": start_ms, "end_ms": start_ms + HOUR_MS, "terms_version": 1}  # fmt: skip
        order_id = (await buyer.rest("POST", "/v1/orders", wish))["order_id"]
        prepay = await buyer.rest("POST", "/v1/payments/prepay", {"order_id": order_id})
        made.append((order_id, prepay["params"]["package"].removeprefix("prepay_id=")))
    return made


async def pass_time(orders: Orders) -> None:
    """Two workers fire what is due when the time to pay is over."""
    later_ms = now_ms() + WINDOW_MS + 1000
    while sum(await asyncio.gather(*(order_timers.run_once(orders, later_ms) for _ in range(2)))):
        pass


async def states(buyer: Person, order_ids: list[str]) -> Counter[str]:
    found = [await buyer.rest("GET", f"/v1/orders/{order_id}") for order_id in order_ids]
    return Counter(order["state"] for order in found)


async def settled(buyer: Person, order_id: str) -> str | None:
    """None once WeChat's money has been booked and has gone back where it had to."""
    money = (await buyer.rest("GET", f"/v1/payments/orders/{order_id}"))["paid"]
    state = (await buyer.rest("GET", f"/v1/orders/{order_id}"))["state"]
    back_fen = 0 if state == "ready" else money["total_fen"]
    if (money["status"], money["refunded_fen"]) == ("paid", back_fen):
        return None
    return f"{state}, {money}"


def tells_of_refund(order_id: str, push: Push) -> bool:
    notice = push["payload"]
    return bool(
        push["topic"].startswith("user:")
        and notice["kind"] == "payment.refunded"
        and notice["link"]["order_id"] == order_id
    )


async def test_money_that_comes_too_late_goes_back(
    fleet: Fleet, dice: random.Random, orders: Orders
) -> None:
    owner, buyer = await fleet.people(2)
    socket = await fleet.socket(buyer)
    await socket.watch(f"user:{buyer.id}")
    made = await unpaid(fleet, owner, buyer, 4)
    ids = [order_id for order_id, _ in made]
    await socket.watch(*(f"order:{order_id}:buyer" for order_id in ids))
    await pass_time(orders)
    for order_id in ids:
        await socket.until(f"order:{order_id}:buyer", lambda t: t.state["state"] == "expired")
    late = made[:3]
    await asyncio.gather(*(buyer.pay(prepay_id, after_expiry=True) for _, prepay_id in late))
    for order_id, _ in late:
        await eventually("money back", partial(settled, buyer, order_id))
        told = await socket.push_where(partial(tells_of_refund, order_id))
        assert "210" in told.push["payload"]["body"]
    await calm(fleet)
    assert await states(buyer, ids) == {"expired": 4}
    await assert_truth(fleet, [(buyer, socket)])
    sums = (
        "SELECT account, SUM(amount_fen) FROM payments.entries WHERE order_id = %s GROUP BY account"
    )
    for order_id, _ in late:
        balances: dict[str, int] = dict(await fleet.rows(sums, int(order_id)))
        assert len(balances) == 3
        assert set(balances.values()) == {0}
    assert await fleet.rows(sums, int(ids[3])) == []


async def test_paying_at_the_very_moment_of_expiry(
    fleet: Fleet, dice: random.Random, orders: Orders
) -> None:
    """Each order is either ready with its money in escrow, or expired with its money back."""
    owner, buyer = await fleet.people(2)
    made = await unpaid(fleet, owner, buyer, 12)
    dice.shuffle(made)

    async def pay(prepay_id: str, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        await buyer.pay(prepay_id, after_expiry=True)

    await asyncio.gather(
        *(pay(prepay_id, number * 0.01) for number, (_, prepay_id) in enumerate(made)),
        pass_time(orders),
    )
    for order_id, _ in made:
        await eventually("money where it belongs", partial(settled, buyer, order_id))
    await calm(fleet)
    ends = await states(buyer, [order_id for order_id, _ in made])
    print(dict(ends))
    assert set(ends) <= {"ready", "expired"}
    await assert_truth(fleet)


async def test_an_expired_slot_can_be_ordered_again_at_once(
    fleet: Fleet, dice: random.Random, orders: Orders
) -> None:
    owner, buyer, next_buyer = await fleet.people(3)
    [(order_id, _)] = await unpaid(fleet, owner, buyer, 1)
    old = await buyer.rest("GET", f"/v1/orders/{order_id}")
    wish = {name: old[name] for name in ("listing_id", "start_ms", "end_ms")} | {"terms_version": 1}
    with pytest.raises(Refusal, match="slot_taken"):
        await next_buyer.rest("POST", "/v1/orders", wish)

    async def keep_asking() -> str:
        for _ in itertools.count():
            try:
                return str((await next_buyer.rest("POST", "/v1/orders", wish))["state"])
            except Refusal as refusal:
                if refusal.code != "slot_taken":
                    raise
        raise AssertionError

    state, _ = await asyncio.gather(keep_asking(), pass_time(orders))
    assert state == "pending_payment"
    await calm(fleet)
    await assert_truth(fleet)
