"""The price: cheapest by trying everything, longer never cheaper, lines that add up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from market.kernel.availability import ALWAYS
from market.kernel.errors import NotBookable
from market.kernel.money import BASIS, MAX_FEN, share
from market.kernel.period import DAY_MS, HOUR_MS, MINUTE_MS, Period
from market.kernel.terms import Terms
from market.orders.rules import price
from market.orders.rules.price import Credit, Price

START_MS = 1_790_000_000_000  # a Monday, 22:13 in Shanghai
DRILL = Terms(plan=ALWAYS, price_hour_fen=1_000, price_day_fen=8_000)
WEEKEND = (0, 0, 0, 0, 0, 2_000, 2_000)

units = st.none() | st.integers(0, 200_000)
lengths = st.integers(1, 20 * DAY_MS) | st.integers(1, 480).map(lambda h: h * HOUR_MS)
starts = st.integers(START_MS, START_MS + 20 * DAY_MS)
zones = st.sampled_from(
    ["Asia/Shanghai", "Europe/Berlin", "Pacific/Kiritimati", "Pacific/Pago_Pago"]
)
surcharges = st.just((0,) * 7) | st.tuples(*[st.sampled_from((0, 500, 2_000, 10_000))] * 7)
offers = st.builds(
    lambda hour, day, week, surcharge, minimum, deposit, zone: Terms(
        plan=replace(ALWAYS, time_zone=zone), price_hour_fen=hour, price_day_fen=day,
        price_week_fen=week, surcharge_bp=surcharge, minimum_fen=minimum, deposit_fen=deposit,
    ),
    units, units, units, surcharges, st.integers(0, 50_000), st.integers(0, 500_000), zones,
).filter(lambda t: {t.price_hour_fen, t.price_day_fen, t.price_week_fen} != {None})  # fmt: skip


def lasting(ms: int, start_ms: int = START_MS) -> Period:
    return Period(start_ms, start_ms + ms)


def quote(terms: Terms, period: Period, **more: object) -> Price:
    return price.quote(terms, period, category="tools", **more)  # type: ignore[arg-type]


def by_trying_everything(terms: Terms, period: Period) -> int:
    """The cheapest row of units which covers the period, by its definition."""
    zone = ZoneInfo(terms.plan.time_zone)

    @cache
    def from_(at_ms: int) -> int:
        if at_ms >= period.end_ms:
            return 0
        day = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).weekday()
        more = terms.surcharge_bp[day]
        ways = []
        if (unit := terms.price_hour_fen) is not None:
            ways.append(unit + share(unit, more) + from_(at_ms + HOUR_MS))
        if (unit := terms.price_day_fen) is not None:
            ways.append(unit + share(unit, more) + from_(at_ms + DAY_MS))
        if (unit := terms.price_week_fen) is not None:
            ways.append(unit + from_(at_ms + 7 * DAY_MS))
        return min(ways)

    return from_(period.start_ms)


@settings(deadline=None)
@given(offers, lengths, starts, st.integers(1, 4))
@example(DRILL, 25 * HOUR_MS, START_MS, 1)
@example(DRILL, DAY_MS + 1, START_MS, 2)
@example(replace(DRILL, surcharge_bp=WEEKEND), 6 * DAY_MS, START_MS, 1)
def test_it_is_the_cheapest_and_adds_up(terms: Terms, ms: int, start_ms: int, seats: int) -> None:
    period = lasting(ms, start_ms)
    cheapest = max(by_trying_everything(terms, period) * seats, terms.minimum_fen)
    assume(cheapest + terms.deposit_fen <= MAX_FEN)
    quoted = quote(terms, period, seats=seats)
    assert quoted.rent_fen == cheapest >= 0
    assert (quoted.deposit_fen, quoted.waived_fen) == (terms.deposit_fen, 0)
    assert quoted.total_fen == sum(line.total_fen for line in quoted.lines)
    assert quoted.total_fen - quoted.deposit_fen == sum(
        line.total_fen for line in quoted.lines if line.code != "deposit"
    )
    assert 0 <= quoted.fee_fen <= quoted.rent_fen
    assert quoted.discount_fen >= 0
    units = {"rent_hour": HOUR_MS, "rent_day": DAY_MS, "rent_week": 7 * DAY_MS}
    covered_ms = sum(units.get(line.code, 0) * line.quantity for line in quoted.lines)
    assert covered_ms >= ms * seats
    for line in quoted.lines:
        assert line.quantity > 0 <= line.unit_fen
        assert line.total_fen == line.quantity * line.unit_fen
    assert len({line.code for line in quoted.lines if line.code in units}) == sum(
        line.code in units for line in quoted.lines
    )


@settings(deadline=None)
@given(offers, lengths, lengths, starts, st.integers(1, 3), st.integers(0, 2))
def test_longer_is_never_cheaper_and_neither_are_more_seats(
    terms: Terms, one: int, other: int, start_ms: int, seats: int, more: int
) -> None:
    short, long = sorted((one, other))
    try:
        dear = quote(terms, lasting(long, start_ms), seats=seats + more)
    except NotBookable:
        assume(False)
    assert quote(terms, lasting(short, start_ms), seats=seats).rent_fen <= dear.rent_fen


@pytest.mark.parametrize(
    ("ms", "rent"),
    [(MINUTE_MS, 1_000), (HOUR_MS, 1_000), (HOUR_MS + 1, 2_000), (8 * HOUR_MS, 8_000), (9 * HOUR_MS, 8_000),
     (DAY_MS, 8_000), (DAY_MS + HOUR_MS, 9_000), (2 * DAY_MS, 16_000)],
)  # fmt: skip
def test_ten_yuan_an_hour_or_eighty_a_day(ms: int, rent: int) -> None:
    assert quote(DRILL, lasting(ms)).rent_fen == rent


@pytest.mark.parametrize(
    ("days", "rent"),
    [(4, 32_000), (5, 40_000), (6, 40_000), (7, 40_000), (8, 48_000), (13, 80_000)],
)
def test_and_four_hundred_a_week(days: int, rent: int) -> None:
    quoted = quote(replace(DRILL, price_week_fen=40_000), lasting(days * DAY_MS))
    assert quoted.rent_fen == rent
    assert quoted.discount_fen == days * 24 * 1_000 - rent


def test_a_weekend_costs_more_by_the_clock_of_the_listing() -> None:
    terms = replace(DRILL, surcharge_bp=WEEKEND)
    friday_23h = int(datetime(2026, 6, 5, 15, tzinfo=UTC).timestamp() * 1000)
    quoted = quote(terms, lasting(3 * HOUR_MS, friday_23h), seats=2)
    assert [(x.code, x.quantity, x.unit_fen) for x in quoted.lines] == [
        ("rent_hour", 6, 1_000), ("surcharge_hour", 4, 200),
    ]  # fmt: skip
    berlin = replace(terms, plan=replace(ALWAYS, time_zone="Europe/Berlin"))
    assert quote(berlin, lasting(3 * HOUR_MS, friday_23h)).rent_fen == 3_000
    # A day that begins on Friday is a Friday's; the next begins on Saturday.
    two_days = quote(terms, lasting(2 * DAY_MS, friday_23h))
    assert [(x.code, x.quantity, x.unit_fen) for x in two_days.lines] == [
        ("rent_day", 2, 8_000), ("surcharge_day", 1, 1_600),
    ]  # fmt: skip


def test_the_least_rent_is_made_up_for_once() -> None:
    quoted = quote(replace(DRILL, minimum_fen=5_000), lasting(HOUR_MS), seats=2)
    assert quoted.lines[-1] == price.Line(
        code="minimum", quantity=1, unit_fen=3_000, total_fen=3_000
    )
    assert quoted.rent_fen == 5_000
    assert len(quote(replace(DRILL, minimum_fen=1_000), lasting(HOUR_MS)).lines) == 1


@pytest.mark.parametrize(
    ("credit", "waived"),
    [(price.UNKNOWN, 0), (Credit(centistars=500, ratings=4), 0), (Credit(centistars=449, ratings=99), 0),
     (Credit(centistars=450, ratings=5), 501), (Credit(centistars=470, ratings=11), 501),
     (Credit(centistars=470, ratings=12), 1_001)],
)  # fmt: skip
def test_good_credit_spares_the_deposit_where_the_owner_agrees(credit: Credit, waived: int) -> None:
    terms = replace(DRILL, deposit_fen=1_001, waives_deposit=True)
    quoted = quote(terms, lasting(HOUR_MS), credit=credit)
    assert (quoted.waived_fen, quoted.deposit_fen) == (waived, 1_001 - waived)
    assert quoted.total_fen == sum(line.total_fen for line in quoted.lines)
    assert (
        quote(replace(terms, waives_deposit=False), lasting(HOUR_MS), credit=credit).deposit_fen
        == 1_001
    )


def test_better_credit_never_waives_less() -> None:
    waived = [bp for _, _, bp in price.WAIVERS]
    assert waived == sorted(waived, reverse=True)
    assert all(0 < bp <= BASIS for bp in waived)


@pytest.mark.parametrize("category", ["tools", "skills", "spaces", "no such"])
@given(st.integers(0, MAX_FEN))
def test_the_fee_is_a_part_of_the_rent(category: str, rent: int) -> None:
    assert 0 <= price.fee_fen(rent, category) <= rent


def test_without_any_price_nothing_is_quoted() -> None:
    with pytest.raises(NotBookable):
        quote(Terms(plan=ALWAYS), lasting(HOUR_MS))


def test_an_absurd_total_is_refused() -> None:
    terms = Terms(plan=ALWAYS, price_hour_fen=MAX_FEN)
    assert quote(terms, lasting(HOUR_MS)).total_fen == MAX_FEN
    with pytest.raises(NotBookable):
        quote(replace(terms, deposit_fen=1), lasting(HOUR_MS))
    with pytest.raises(NotBookable):
        quote(terms, lasting(HOUR_MS), seats=2)


@pytest.mark.timeout(5)
@pytest.mark.parametrize(("hour", "day"), [(1, 1), (100, None), (None, 100), (1, 10_000)])
def test_a_period_of_ages_is_refused_at_once(hour: int | None, day: int | None) -> None:
    """Anybody may ask for a quote of any period: it must not cost us work in proportion to its length."""
    terms = Terms(plan=ALWAYS, price_hour_fen=hour, price_day_fen=day, surcharge_bp=WEEKEND)
    with pytest.raises(NotBookable):
        quote(terms, Period(0, 2**53 - 1))
