"""The price: cheapest by brute force, longer never cheaper, lines that add up."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from market.kernel.errors import NotBookable
from market.kernel.money import MAX_FEN, share
from market.kernel.period import DAY_MS, HOUR_MS, MINUTE_MS, Period
from market.orders.rules import price

units = st.none() | st.integers(0, 200_000)
lengths = st.integers(1, 20 * DAY_MS) | st.integers(1, 480).map(lambda h: h * HOUR_MS)
deposits = st.integers(0, 500_000)


def lasting(ms: int) -> Period:
    return Period(1_000, 1_000 + ms)


def by_brute_force(ms: int, hour: int | None, day: int | None) -> int:
    """The cheapest way to cover the period with whole days and whole hours."""
    best: int | None = None
    hours = -(-ms // HOUR_MS)
    for days in range(hours // 24 + 2 if day is not None else 1):
        rest = max(0, hours - 24 * days)
        if rest and hour is None:
            continue
        cost = days * (day or 0) + rest * (hour or 0)
        best = cost if best is None else min(best, cost)
    assert best is not None
    return best


@given(lengths, units, units, deposits)
@example(25 * HOUR_MS, 1_000, 5_000, 0)
@example(23 * HOUR_MS, 1_000, 5_000, 0)
@example(DAY_MS + 1, 10_000, 5_000, 0)
def test_it_is_the_cheapest_and_adds_up(
    ms: int, hour: int | None, day: int | None, deposit: int
) -> None:
    assume(hour is not None or day is not None)
    assume(by_brute_force(ms, hour, day) + deposit <= MAX_FEN)
    quoted = price.quote(lasting(ms), hour, day, deposit)
    assert quoted.rent_fen == by_brute_force(ms, hour, day) >= 0
    assert quoted.deposit_fen == deposit
    assert (
        quoted.total_fen
        == quoted.rent_fen + deposit
        == sum(line.total_fen for line in quoted.lines)
    )
    assert quoted.fee_fen == share(quoted.rent_fen, price.PLATFORM_FEE_BP) <= quoted.rent_fen
    for line in quoted.lines:
        assert line.quantity > 0
        assert line.total_fen == line.quantity * line.unit_fen
        assert line.unit_fen == {"rent_day": day, "rent_hour": hour, "deposit": deposit}[line.code]
    covered = sum(
        {"rent_day": DAY_MS, "rent_hour": HOUR_MS}.get(x.code, 0) * x.quantity for x in quoted.lines
    )
    assert covered >= ms


@given(lengths, lengths, units, units)
def test_longer_is_never_cheaper(one: int, other: int, hour: int | None, day: int | None) -> None:
    assume(hour is not None or day is not None)
    short, long = sorted((one, other))
    assume(by_brute_force(long, hour, day) <= MAX_FEN)
    assert (
        price.quote(lasting(short), hour, day, 0).rent_fen
        <= price.quote(lasting(long), hour, day, 0).rent_fen
    )


@pytest.mark.parametrize(
    ("ms", "rent"),
    [(MINUTE_MS, 1_000), (HOUR_MS, 1_000), (HOUR_MS + 1, 2_000), (8 * HOUR_MS, 8_000), (9 * HOUR_MS, 8_000),
     (DAY_MS, 8_000), (DAY_MS + HOUR_MS, 9_000), (2 * DAY_MS, 16_000)],
)  # fmt: skip
def test_ten_yuan_an_hour_or_eighty_a_day(ms: int, rent: int) -> None:
    assert price.quote(lasting(ms), 1_000, 8_000, 0).rent_fen == rent


def test_without_any_price_nothing_is_quoted() -> None:
    with pytest.raises(NotBookable):
        price.quote(lasting(HOUR_MS), None, None, 0)


def test_an_absurd_total_is_refused() -> None:
    assert price.quote(lasting(HOUR_MS), MAX_FEN, None, 0).total_fen == MAX_FEN
    with pytest.raises(NotBookable):
        price.quote(lasting(HOUR_MS), MAX_FEN, None, 1)


@pytest.mark.timeout(5)
@pytest.mark.parametrize(("hour", "day"), [(1, 1), (100, None), (None, 100), (1, 10_000)])
def test_a_period_of_ages_is_refused_at_once(hour: int | None, day: int | None) -> None:
    """Anybody may ask for a quote of any period: it must not cost us work in proportion to its length."""
    with pytest.raises(NotBookable):
        price.quote(Period(0, 2**53 - 1), hour, day, MAX_FEN)
