"""The availability filter against the booking rule itself: never a listing that cannot be booked, and none that can is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from infra.process import Process, now_ms
from market.kernel.availability import ALWAYS, DayException, Plan
from market.kernel.errors import MarketError
from market.kernel.facts import Heard, OrderMoved
from market.kernel.ids import Id
from market.kernel.period import DAY_MS, HOUR_MS, MINUTE_MS, Period
from market.kernel.seats import Use
from market.kernel.terms import TERMS, Terms, use_of
from market.listings import actions, taking_store
from market.listings.commands import Pause
from market.listings.wing import Listings
from market.orders.rules import booking
from market.orders.rules.booking import Bookable
from tests.integration.conftest import call, new_id, someone
from tests.integration.listings.conftest import BODY, hear, heard, publish

NOW_MS = now_ms()
HOUR = NOW_MS // HOUR_MS * HOUR_MS
"""The beginning of this hour."""

hours = (st.integers(1, 7) | st.integers(22, 27)).map(lambda n: HOUR + n * HOUR_MS)
"""Few, so that much meets: today, and about where a horizon of a day ends."""
lengths = st.sampled_from([1, 1, 2, 3, 6]).map(lambda n: n * HOUR_MS)
spans = st.builds(lambda start_ms, ms: Period(start_ms, start_ms + ms), hours, lengths)
slips = st.sampled_from([0, 0, 0, 0, 0, -1, 1, 30 * MINUTE_MS])
asked = st.builds(lambda span, slip: Period(span.start_ms + slip, span.end_ms + slip), spans, slips)
by_day = Plan(
    weekly=(((480, 1320),),) * 7, time_zone="Europe/Berlin",
    exceptions=(DayException(day="2026-11-24", windows=((0, 60),)),),
)  # fmt: skip
plans = st.sampled_from([ALWAYS] * 5 + [by_day]) | st.builds(
    lambda plan, block: replace(plan, blocks=((block.start_ms, block.end_ms),)),
    st.sampled_from([ALWAYS, by_day]),
    spans,
)
offered = st.builds(
    Terms, plan=plans, price_hour_fen=st.just(100), capacity=st.sampled_from([1, 1, 2, 2, 3]),
    buffer_minutes=st.sampled_from([0, 0, 30, 120]), notice_minutes=st.sampled_from([0, 0, 0, 0, 60, 1440]),
    horizon_days=st.sampled_from([90, 90, 1]), shortest_minutes=st.sampled_from([15, 15, 60, 90]),
    longest_minutes=st.sampled_from([60 * 1440, 60 * 1440, 120, 360]),
)  # fmt: skip
one_in_ten = st.integers(0, 9).map(lambda n: n == 9)
states = st.sampled_from(["requested", "ready", "in_use", "returned", "completed", "cancelled"])
BLOCKING = ("requested", "ready", "in_use", "returned", "completed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """An order as it began, and how it is now: its state, and by how much it was extended."""

    period: Period
    seats: int
    state: str
    longer_ms: int


orders = st.builds(
    Booked, period=spans, seats=st.integers(1, 2), state=states,
    longer_ms=st.sampled_from([0, 0, HOUR_MS]),
)  # fmt: skip


def told(listing_id: Id, booked: Booked, terms: Terms) -> list[Heard]:
    """What an order says of itself over its life."""
    order_id = new_id()
    now = Period(booked.period.start_ms, booked.period.end_ms + booked.longer_ms)
    found = []
    for version, (state, period) in enumerate(
        [("requested", booked.period), ("ready", now), (booked.state, now)], start=1
    ):
        data = OrderMoved(
            order_id=order_id, version=version, transition="", state=state, by="buyer", listing_id=listing_id,
            buyer_id=new_id(), owner_id=new_id(), title="", start_ms=period.start_ms, end_ms=period.end_ms,
            rent_fen=0, deposit_fen=0, fee_fen=0, total_fen=0, refund_fen=0, refund_deposit_fen=0,
            owner_fen=0, pay_by_ms=0, tells=(),
            taken_seats=booked.seats if state in BLOCKING else 0,
            taken_until_ms=period.end_ms + terms.buffer_ms,
        )  # fmt: skip
        found.append(heard(f"order.{state}", order_id, version, data))
    return found


def can_book(
    terms: Terms, status: str, booked: Sequence[Booked], period: Period, seats: int
) -> bool:
    """As `market.orders.rules.deciding` decides."""
    bookable = Bookable(
        listing_id=Id(1), version=1, listing_version=1, terms_version=1, owner_id=Id(2), status=status,
        title="", category="tools", address="", terms=terms,
    )  # fmt: skip
    uses = [
        Use(Period(b.period.start_ms, b.period.end_ms + b.longer_ms + terms.buffer_ms), b.seats)
        for b in booked
        if b.state in BLOCKING
    ]
    try:
        booking.check_period(bookable, Id(3), period, NOW_MS)
        booking.check_free(terms, use_of(terms, period, seats), uses)
    except MarketError:
        return False
    return True


def body_of(terms: Terms) -> dict[str, Any]:
    return {name: getattr(terms, name) for name in TERMS if name != "plan"} | {
        "plan": {
            "weekly": terms.plan.weekly, "time_zone": terms.plan.time_zone, "blocks": terms.plan.blocks,
            "exceptions": [{"day": e.day, "windows": e.windows} for e in terms.plan.exceptions],
        }
    }  # fmt: skip


async def free(listings: Listings, ids: Sequence[Id], period: Period, seats: int = 1) -> set[Id]:
    async with listings.db.read() as cursor:
        return await taking_store.still_free(cursor, ids, period, seats, NOW_MS)


@pytest.mark.timeout(180)
@settings(
    max_examples=150,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(
    offers=st.lists(
        st.tuples(offered, st.lists(orders, max_size=6), one_in_ten), min_size=3, max_size=6
    ),
    periods=st.lists(asked, min_size=10, max_size=25),
    wanted=st.lists(st.integers(1, 3), min_size=1, max_size=2, unique=True),
)
async def test_the_filter_shows_what_can_be_booked_and_nothing_else(
    listings: Listings,
    offers: list[tuple[Terms, list[Booked], bool]],
    periods: list[Period],
    wanted: list[int],
) -> None:
    ids, facts = [], []
    for terms, booked, paused in offers:
        owner = someone()
        listing = await publish(listings, owner, **body_of(terms))
        if paused:
            command = Pause(listing_id=listing.listing_id, version=listing.version)
            await actions.pause(listings, call(owner), command)
        ids.append(listing.listing_id)
        facts += [fact for one in booked for fact in told(listing.listing_id, one, terms)]
    await hear(listings, *facts)
    for period, seats in product(periods, wanted):
        expected = {
            id_
            for id_, (terms, booked, paused) in zip(ids, offers, strict=True)
            if can_book(terms, "paused" if paused else "live", booked, period, seats)
        }
        assert await free(listings, ids, period, seats) == expected


async def test_facts_that_come_late_or_twice_bring_nothing_back(listings: Listings) -> None:
    listing = await publish(listings, someone(), **body_of(Terms(plan=ALWAYS, price_hour_fen=1)))
    period = Period(HOUR + DAY_MS, HOUR + DAY_MS + HOUR_MS)
    booked = Booked(period=period, seats=1, state="cancelled", longer_ms=0)
    begun, ready, cancelled = told(listing.listing_id, booked, Terms(plan=ALWAYS))
    ids = [listing.listing_id]
    await hear(listings, begun)
    assert await free(listings, ids, period) == set()
    await hear(listings, cancelled, ready, begun, cancelled)
    assert await free(listings, ids, period) == {listing.listing_id}
    assert await free(listings, [], period) == set()
    assert await free(listings, [new_id()], period) == set()


async def test_terms_of_before_are_read_as_booking_reads_them(
    listings: Listings, process: Process
) -> None:
    """The first listings had a plan, prices and a deposit, and nothing else."""
    listing = await publish(listings, someone(), **BODY)
    async with listings.db.read() as cursor:
        await cursor.execute(
            "UPDATE listings SET terms = %s WHERE id = %s",
            '{"plan":{"weekly":[[[0,1440]],[[0,1440]],[[0,1440]],[[0,1440]],[[0,1440]],[[0,1440]],[[0,1440]]]},"price_hour_fen":5}',
            listing.listing_id,
        )
    known = Terms(plan=ALWAYS, price_hour_fen=5)
    for start_ms, ms in product(
        (HOUR - HOUR_MS, HOUR + HOUR_MS, HOUR + 89 * DAY_MS, HOUR + 91 * DAY_MS),
        (14 * MINUTE_MS, 15 * MINUTE_MS, 60 * DAY_MS, 60 * DAY_MS + 1),
    ):
        period = Period(start_ms, start_ms + ms)
        for seats in (1, 2):
            expected = can_book(known, "live", [], period, seats)
            assert (await free(listings, [listing.listing_id], period, seats) != set()) == expected
