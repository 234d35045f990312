"""What a period costs: whole days and hours by their cheapest combination. Integer fen."""

from __future__ import annotations

from dataclasses import dataclass

from market.kernel.errors import NotBookable
from market.kernel.money import MAX_FEN, share
from market.kernel.period import HOUR_MS, Period

DAY_HOURS = 24
PLATFORM_FEE_BP = 1000
"""The platform's part of the rent, in basis points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`code` is rent_day, rent_hour or deposit; total_fen = quantity * unit_fen."""

    code: str
    quantity: int
    unit_fen: int
    total_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The buyer pays total = rent + deposit; the owner gets rent - fee; the deposit comes back."""

    lines: tuple[Line, ...]
    rent_fen: int
    deposit_fen: int
    fee_fen: int

    @property
    def total_fen(self) -> int:
        return self.rent_fen + self.deposit_fen


def quote(
    period: Period, price_hour_fen: int | None, price_day_fen: int | None, deposit_fen: int
) -> Price:
    """Begun hours count whole. Raise NotBookable when the listing has no price, or the total is absurd."""
    hours = -(-period.length_ms // HOUR_MS)
    if price_hour_fen is None and price_day_fen is None:
        raise NotBookable("the listing has no price")
    choices = []
    if price_day_fen is not None:
        choices = [(-(-hours // DAY_HOURS), 0)]
    if price_hour_fen is not None:
        choices += [(0, hours)]
    if price_day_fen is not None and price_hour_fen is not None:
        # In between the cost is linear in the number of days: one of the ends is cheapest.
        choices += [divmod(hours, DAY_HOURS)]
    day, hour = price_day_fen or 0, price_hour_fen or 0
    days, rest = min(choices, key=lambda choice: (choice[0] * day + choice[1] * hour, choice))
    lines = [
        Line(code=code, quantity=quantity, unit_fen=unit, total_fen=quantity * unit)
        for code, quantity, unit in (
            ("rent_day", days, day), ("rent_hour", rest, hour), ("deposit", 1, deposit_fen),
        )
        if quantity and (unit or code != "deposit")
    ]  # fmt: skip
    rent = days * day + rest * hour
    if rent + deposit_fen > MAX_FEN:
        raise NotBookable("the total is above the limit", limit_fen=MAX_FEN)
    return Price(
        lines=tuple(lines),
        rent_fen=rent,
        deposit_fen=deposit_fen,
        fee_fen=share(rent, PLATFORM_FEE_BP),
    )
