"""Money is integer fen (1 yuan = 100 fen). Nothing here knows fractions of a fen."""

from __future__ import annotations

MAX_FEN = 100_000_000
"""One million yuan: the most that any single amount may be."""

BASIS = 10_000


def share(amount_fen: int, basis_points: int) -> int:
    """`basis_points` ten-thousandths of an amount, rounded half up."""
    return (amount_fen * basis_points + BASIS // 2) // BASIS


def yuan(amount_fen: int) -> str:
    """For people: 1234 -> '12.34', 1200 -> '12'."""
    whole, rest = divmod(amount_fen, 100)
    return f"{whole}.{rest:02d}" if rest else str(whole)
