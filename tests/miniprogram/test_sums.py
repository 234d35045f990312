"""What the mini-program adds up for itself is what the server adds up: from the same calendars, orders and moments."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import msgspec
from infra import wire
from market.kernel.availability import DAY_MINUTES, DayException, Plan
from market.kernel.errors import MarketError
from market.kernel.ids import Id
from market.kernel.period import DAY_MS, HOUR_MS, MINUTE_MS, Period
from market.kernel.seats import Use
from market.kernel.terms import Terms, check_offered, use_of
from market.orders.rules import booking, cancellation, division
from market.orders.rules.booking import Bookable

from devkit.node import Node
from tests.miniprogram.test_node import HERE, node, run  # noqa: F401

NOW_MS = 1_795_400_000_000
HALF_MS = 30 * MINUTE_MS


def test_sums(node: Node, tmp_path: Path) -> None:  # noqa: F811
    chance = random.Random(31)
    cases = {
        "free": [free_case(chance) for _ in range(150)],
        "uses": [use_case(chance) for _ in range(600)],
        "cancelling": [cancelling_case(chance) for _ in range(600)],
        "late": [late_case(chance) for _ in range(600)],
    }
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(cases))
    run(node, HERE / "sums.test.mjs", timeout_s=50, CASES=str(file))


def free_case(chance: random.Random) -> dict[str, Any]:
    bookable, uses, now_ms = scene(chance)
    start_ms = now_ms + chance.randrange(-DAY_MS, 10 * DAY_MS)
    within = Period(start_ms, start_ms + chance.randrange(HOUR_MS, 20 * DAY_MS))
    seats = chance.randint(1, bookable.terms.capacity)
    found = booking.free(bookable, uses, within, seats, now_ms)
    return {
        "calendar": shown(bookable, uses), "within": [within.start_ms, within.end_ms], "seats": seats, "now_ms": now_ms,
        "free": [list(period) for period in found.free],
    }  # fmt: skip


def use_case(chance: random.Random) -> dict[str, Any]:
    bookable, uses, now_ms = scene(chance)
    start_ms = now_ms // HALF_MS * HALF_MS + chance.randrange(-2, 500) * HALF_MS
    period = Period(start_ms, start_ms + chance.randrange(1, 60) * HALF_MS)
    seats = chance.randint(1, bookable.terms.capacity)
    return {
        "calendar": shown(bookable, uses), "period": [period.start_ms, period.end_ms], "seats": seats, "now_ms": now_ms,
        "bookable": can_be_booked(bookable, uses, period, seats, now_ms),
    }  # fmt: skip


def can_be_booked(
    bookable: Bookable, uses: list[Use], period: Period, seats: int, now_ms: int
) -> bool:
    try:
        check_offered(bookable.terms, period, now_ms)
        booking.check_free(bookable.terms, use_of(bookable.terms, period, seats), uses)
    except MarketError:
        return False
    return True


def cancelling_case(chance: random.Random) -> dict[str, Any]:
    start_ms = NOW_MS + chance.randrange(0, 20 * DAY_MS)
    created_ms = start_ms - chance.randrange(0, 15 * DAY_MS)
    policy, rent_fen = (
        chance.choice(("flexible", "moderate", "strict")),
        chance.randrange(1, 100_000),
    )
    edge_ms = start_ms - chance.choice((0, HOUR_MS, DAY_MS, 7 * DAY_MS))
    now_ms = chance.choice((edge_ms, edge_ms + 1, chance.randrange(created_ms, start_ms + DAY_MS)))
    order = {"policy": policy, "rent_fen": rent_fen, "start_ms": start_ms, "created_ms": created_ms}
    kept_fen = cancellation.kept_fen(policy, rent_fen, start_ms, created_ms, now_ms)
    return {"order": order, "now_ms": now_ms, "kept_fen": kept_fen}


def late_case(chance: random.Random) -> dict[str, Any]:
    end_ms, hour_fen, deposit_fen = NOW_MS, chance.choice((0, 600, 3333)), chance.choice((0, 5000))
    edge_ms = end_ms + chance.choice((0, division.GRACE_MS, HOUR_MS, 2 * HOUR_MS))
    now_ms = chance.choice(
        (edge_ms, edge_ms + 1, end_ms + chance.randrange(-HOUR_MS, 12 * HOUR_MS))
    )
    order = {"end_ms": end_ms, "late_hour_fen": hour_fen, "deposit_fen": deposit_fen}
    late_fen = division.late_fen(end_ms, now_ms, hour_fen, deposit_fen)
    return {"order": order, "now_ms": now_ms, "late_fen": late_fen}


def scene(chance: random.Random) -> tuple[Bookable, list[Use], int]:
    """A listing with anything that terms can have, and uses that fit into it."""
    now_ms = NOW_MS + chance.randrange(0, 7 * DAY_MS)
    capacity = chance.choice((1, 1, 3))
    terms = Terms(
        plan=plan(chance, now_ms), price_hour_fen=100, capacity=capacity,
        buffer_minutes=chance.choice((0, 0, 30, 90)), notice_minutes=chance.choice((0, 60, 1440)),
        horizon_days=chance.choice((3, 10, 90)), shortest_minutes=chance.choice((15, 60, 180)),
        longest_minutes=chance.choice((240, 1440, 14400)),
    )  # fmt: skip
    bookable = Bookable(
        listing_id=Id(1), version=1, listing_version=1, terms_version=1, owner_id=Id(2), status="live",
        title="", category="tools", address="", terms=terms,
    )  # fmt: skip
    uses: list[Use] = []
    for _ in range(chance.randrange(0, 8)):
        start_ms = now_ms + chance.randrange(-4, 200) * HALF_MS
        use = use_of(
            terms, Period(start_ms, start_ms + chance.randrange(1, 20) * HALF_MS), chance.randint(1, capacity)
        )  # fmt: skip
        try:
            booking.check_free(terms, use, uses)
        except MarketError:
            continue
        uses.append(use)
    return bookable, uses, now_ms


def plan(chance: random.Random, now_ms: int) -> Plan:
    block_ms = now_ms + chance.randrange(0, 200) * HALF_MS
    return Plan(
        weekly=tuple(windows(chance) for _ in range(7)),
        exceptions=(DayException(day="2026-11-26", windows=windows(chance)),) if chance.random() < 0.3 else (),
        blocks=((block_ms, block_ms + 5 * HOUR_MS),) if chance.random() < 0.4 else (),
    )  # fmt: skip


def windows(chance: random.Random) -> tuple[tuple[int, int], ...]:
    return chance.choice(
        (
            ((0, DAY_MINUTES),),
            ((0, DAY_MINUTES),),
            ((540, 720), (780, 1290)),
            ((1200, DAY_MINUTES),),
            (),
        )
    )


def shown(bookable: Bookable, uses: list[Use]) -> Any:
    return msgspec.json.decode(wire.json(booking.calendar(bookable, uses)))
