"""However many order the same hours at once, over two processes: one set of bookings that do not overlap, and refusals."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from devkit.client import Person, Refusal, Socket
from tests.faults.fleet import HOUR_MS, Fleet, overlap, some_hours
from tests.faults.truth import assert_truth, calm

QUARTER_MS = HOUR_MS // 4
Period = tuple[int, int]


async def order(asker: Person | Socket, listing_id: str, period: Period) -> tuple[Period, str]:
    """(the period, "ok" or the code of the refusal)."""
    body = {
        "listing_id": listing_id, "start_ms": period[0], "end_ms": period[1], "terms_version": 1,
    }  # fmt: skip
    try:
        if isinstance(asker, Person):
            await asker.rest("POST", "/v1/orders", body)
        else:
            await asker.command("orders.create", body)
    except Refusal as refusal:
        return period, refusal.code
    return period, "ok"


async def booked(fleet: Fleet, listing_id: str) -> list[Period]:
    rows = await fleet.rows(
        "SELECT start_ms, end_ms FROM orders.orders WHERE listing_id = %s AND blocking = 1 ORDER BY start_ms",
        int(listing_id),
    )
    return [(start, end) for start, end in rows]


async def assert_one_set(
    fleet: Fleet, listing_id: str, outcomes: Sequence[tuple[Period, str]]
) -> None:
    """What was accepted does not overlap and is what the database has; what was refused overlaps something accepted."""
    accepted = sorted(period for period, code in outcomes if code == "ok")
    assert {code for _, code in outcomes} <= {"ok", "slot_taken"}
    assert not [pair for pair in itertools.combinations(accepted, 2) if overlap(*pair)]
    for period, code in outcomes:
        if code == "slot_taken":
            assert any(overlap(period, other) for other in accepted), period
    assert await booked(fleet, listing_id) == accepted
    owner = await fleet.person()
    calendar = await owner.rest("GET", f"/v1/listings/{listing_id}/calendar")
    assert [tuple(pair) for pair in calendar["busy"]] == accepted


@pytest.mark.timeout(60)
async def test_of_200_orders_for_one_slot_one_succeeds(fleet: Fleet, dice: random.Random) -> None:
    owner, *buyers = await fleet.people(21)
    listing_id = await fleet.listing(owner)
    sockets = await asyncio.gather(*(fleet.socket(b, n % 2) for n, b in enumerate(buyers)))
    period = some_hours(dice, int(time.time() * 1000))
    askers: list[Person | Socket] = [*buyers * 8, *sockets * 2]
    assert len(askers) == 200
    dice.shuffle(askers)
    outcomes = await asyncio.gather(*(order(asker, listing_id, period) for asker in askers))
    assert Counter(code for _, code in outcomes) == {"ok": 1, "slot_taken": 199}
    await assert_one_set(fleet, listing_id, outcomes)


starts_and_lengths = st.lists(
    st.tuples(st.integers(0, 95), st.integers(1, 16)), min_size=40, max_size=80
)


@pytest.mark.timeout(60)
@settings(
    max_examples=6,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(wished=starts_and_lengths)
async def test_random_periods_give_one_maximal_set(
    fleet: Fleet, wished: list[tuple[int, int]]
) -> None:
    owner, *buyers = await fleet.people(9)
    listing_id = await fleet.listing(owner)
    base_ms = (int(time.time() * 1000) // HOUR_MS + 2) * HOUR_MS
    periods = [
        (base_ms + start * QUARTER_MS, base_ms + (start + length) * QUARTER_MS)
        for start, length in wished
    ]
    outcomes = await asyncio.gather(
        *(
            order(buyer, listing_id, p)
            for buyer, p in zip(itertools.cycle(buyers), periods, strict=False)
        )
    )
    await assert_one_set(fleet, listing_id, outcomes)


@pytest.mark.timeout(60)
async def test_200_orders_for_random_periods(fleet: Fleet, dice: random.Random) -> None:
    owner, *buyers = await fleet.people(21)
    listing_id = await fleet.listing(owner)
    now_ms = int(time.time() * 1000)
    outcomes = await asyncio.gather(
        *(order(dice.choice(buyers), listing_id, some_hours(dice, now_ms)) for _ in range(200))
    )
    assert 2 <= sum(code == "ok" for _, code in outcomes) <= 190
    await assert_one_set(fleet, listing_id, outcomes)


@pytest.mark.timeout(90)
async def test_cancelling_and_ordering_again(fleet: Fleet, dice: random.Random) -> None:
    """Slots change hands all the time; in the order of the facts no two bookings ever overlap (`assert_truth` replays them)."""
    owner, *buyers = await fleet.people(13)
    listing_id = await fleet.listing(owner)
    watcher = await fleet.socket(owner, 1)
    calendar, card = await watcher.watch(f"calendar:{listing_id}", f"listing:{listing_id}")
    now_ms = int(time.time() * 1000)
    until_s = time.monotonic() + 4
    counts: Counter[str] = Counter()

    async def hop(buyer: Person) -> None:
        while time.monotonic() < until_s:
            body: dict[str, Any] = {"listing_id": listing_id, "terms_version": 1}
            body["start_ms"], body["end_ms"] = some_hours(dice, now_ms)
            try:
                made = await buyer.rest("POST", "/v1/orders", body)
                counts["made"] += 1
                who = dice.choice([buyer, owner])
                await who.rest(
                    "POST", f"/v1/orders/{made['order_id']}/cancel", {"reason": "换时间"}
                )
                counts["cancelled"] += 1
            except Refusal as refusal:
                if refusal.code != "slot_taken":
                    raise
                counts["refused"] += 1

    await asyncio.gather(*(hop(buyer) for buyer in buyers))
    print(dict(counts))
    assert counts["made"] == counts["cancelled"] > 20
    assert await booked(fleet, listing_id) == []
    await calm(fleet)
    await assert_truth(fleet, [(owner, watcher)])
    assert calendar.state["busy"] == []
    created = await fleet.rows(
        "SELECT version, orders_created FROM listings.listings WHERE id = %s", int(listing_id)
    )
    assert created == [(card.version, counts["made"])]
