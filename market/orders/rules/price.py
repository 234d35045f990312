"""What a use costs. Integer fen; the owner's terms in, lines out.

The rent is the cheapest row of whole weeks, days and hours which begins with the period and covers it, each beginning where the one
before ends. An hour or a day that begins on a weekday with a surcharge costs so much more; a week has every weekday in it and
knows none. Longer is never cheaper: whatever row covers a period also covers every shorter one that begins with it, so the
cheapest of the shorter one's rows costs no more; and multiplying by the seats and raising to the minimum keep that order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from market.kernel.errors import NotBookable
from market.kernel.money import BASIS, MAX_FEN, share
from market.kernel.period import HOUR_MS, Period
from market.kernel.terms import FROZEN_DAYS, Terms

LONGEST_H = FROZEN_DAYS * 24
DAY_H, WEEK_H = 24, 7 * 24

FEE_BP = {"skills": 1_500, "spaces": 800, "books": 500}
OTHER_FEE_BP = 1_000
"""The platform's part of the rent by category, in basis points."""

WAIVERS = ((470, 12, BASIS), (450, 5, BASIS // 2))
"""(centistars, ratings, basis points of the deposit that are waived), the best first, where the owner waives at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """What is thought of a buyer: hundredths of a star, and how many have said so. `gone`: the account has been deleted."""

    centistars: int = 0
    ratings: int = 0
    gone: bool = False


UNKNOWN = Credit()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """total_fen = quantity * unit_fen; the quantity counts every seat.

    `code`: rent_hour, rent_day, rent_week; surcharge_hour, surcharge_day (what a weekday adds to these); minimum (what is missing to the
    least rent); rent_extension (what using longer cost more); deposit.
    """

    code: str
    quantity: int
    unit_fen: int
    total_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The buyer pays total = rent + deposit, the sum of the lines; the owner gets rent - fee; the deposit comes back.

    `discount_fen`: how much the smallest unit alone would have cost more. `waived_fen`: the deposit that good credit spares.
    """

    lines: tuple[Line, ...]
    rent_fen: int
    deposit_fen: int
    fee_fen: int
    discount_fen: int
    waived_fen: int

    @property
    def total_fen(self) -> int:
        return self.rent_fen + self.deposit_fen


@dataclass(frozen=True, slots=True)
class _Tier:
    code: str
    hours: int
    unit_fen: int
    extra_fen: tuple[int, ...]
    """What each weekday adds, Monday first."""


def fee_fen(rent_fen: int, category: str) -> int:
    """The platform's part of a rent."""
    return share(rent_fen, FEE_BP.get(category, OTHER_FEE_BP))


def late_hour_fen(terms: Terms) -> int:
    """What a begun hour of being late costs, of a seat: the hour's price; where there is none, its part of the day's or the week's."""
    if terms.price_hour_fen is not None:
        return terms.price_hour_fen
    if terms.price_day_fen is not None:
        return -(-terms.price_day_fen // DAY_H)
    return -(-(terms.price_week_fen or 0) // WEEK_H)


def waived_fen(terms: Terms, credit: Credit) -> int:
    """How much of the deposit a buyer of such credit need not pay."""
    if not terms.waives_deposit:
        return 0
    for centistars, ratings, waived_bp in WAIVERS:
        if credit.centistars >= centistars and credit.ratings >= ratings:
            return share(terms.deposit_fen, waived_bp)
    return 0


def quote(
    terms: Terms, period: Period, *, category: str, seats: int = 1, credit: Credit = UNKNOWN
) -> Price:
    """Begun hours count whole. Raise NotBookable when there is no price, or the length or the total is absurd."""
    tiers = _tiers(terms)
    if not tiers:
        raise NotBookable("the listing has no price")
    hours = -(-period.length_ms // HOUR_MS)
    if hours > LONGEST_H:
        raise NotBookable("too long", longest_hours=LONGEST_H)
    weekdays = _weekdays(terms, period.start_ms, hours)
    row = _cheapest(tiers, weekdays)
    rent = _sum(row) * seats
    lines = _lines(row, seats)
    if rent < terms.minimum_fen:
        lines.append(_line("minimum", 1, terms.minimum_fen - rent))
    waived = waived_fen(terms, credit)
    deposit = terms.deposit_fen - waived
    if deposit:
        lines.append(_line("deposit", 1, deposit))
    paid_rent = max(rent, terms.minimum_fen)
    if paid_rent + deposit > MAX_FEN:
        raise NotBookable("the total is above the limit", limit_fen=MAX_FEN)
    return Price(
        lines=tuple(lines), rent_fen=paid_rent, deposit_fen=deposit, waived_fen=waived,
        fee_fen=fee_fen(paid_rent, category),
        discount_fen=_sum(_cheapest(tiers[:1], weekdays)) * seats - rent,
    )  # fmt: skip


def _tiers(terms: Terms) -> list[_Tier]:
    """Those with a price, the shortest first."""
    return [
        _Tier(code, hours, unit, tuple(share(unit, bp * plain) for bp in terms.surcharge_bp))
        for code, hours, unit, plain in (
            ("hour", 1, terms.price_hour_fen, 1), ("day", DAY_H, terms.price_day_fen, 1),
            ("week", WEEK_H, terms.price_week_fen, 0),
        )
        if unit is not None
    ]  # fmt: skip


def _weekdays(terms: Terms, start_ms: int, hours: int) -> Sequence[int]:
    """The local weekday on which each hour begins, Monday 0; looked up only where it matters."""
    if not any(terms.surcharge_bp):
        return (0,) * hours
    zone = ZoneInfo(terms.plan.time_zone)
    return [
        datetime.fromtimestamp(start_ms // 1000 + hour * 3600, zone).weekday()
        for hour in range(hours)
    ]


def _cheapest(tiers: Sequence[_Tier], weekdays: Sequence[int]) -> Counter[tuple[str, int, int]]:
    """The cheapest row that covers the hours: (tier, unit_fen, extra_fen) -> how many. The shorter tier where it makes no difference."""
    hours = len(weekdays)
    cost = [0] * (hours + 1)  # from this hour to the end
    chosen = [tiers[0]] * hours
    for hour in range(hours - 1, -1, -1):
        weekday = weekdays[hour]
        best = None
        for tier in tiers:
            total = tier.unit_fen + tier.extra_fen[weekday] + cost[min(hour + tier.hours, hours)]
            if best is None or total < best:
                best, chosen[hour] = total, tier
        cost[hour] = best or 0
    row: Counter[tuple[str, int, int]] = Counter()
    hour = 0
    while hour < hours:
        tier = chosen[hour]
        row[tier.code, tier.unit_fen, tier.extra_fen[weekdays[hour]]] += 1
        hour += tier.hours
    return row


def _sum(row: Counter[tuple[str, int, int]]) -> int:
    return sum(count * (unit + extra) for (_, unit, extra), count in row.items())


def _lines(row: Counter[tuple[str, int, int]], seats: int) -> list[Line]:
    """Weeks first; each followed by what weekdays add to it."""
    lines = []
    for code in ("week", "day", "hour"):
        parts = sorted((extra, unit, n * seats) for (c, unit, extra), n in row.items() if c == code)
        if parts:
            lines.append(_line(f"rent_{code}", sum(n for _, _, n in parts), parts[0][1]))
        lines += [_line(f"surcharge_{code}", n, extra) for extra, _, n in parts if extra]
    return lines


def _line(code: str, quantity: int, unit_fen: int) -> Line:
    return Line(code=code, quantity=quantity, unit_fen=unit_fen, total_fen=quantity * unit_fen)
