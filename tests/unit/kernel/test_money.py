"""Money: integer fen, shares rounded half up."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.kernel.money import BASIS, MAX_FEN, share, yuan

amounts = st.integers(0, MAX_FEN)
points = st.integers(0, BASIS)


@given(amounts, points)
def test_a_share_is_the_nearest_fen_and_halves_go_up(amount: int, basis_points: int) -> None:
    exact = Fraction(amount * basis_points, BASIS)
    rounded = share(amount, basis_points)
    assert exact - Fraction(1, 2) < rounded <= exact + Fraction(1, 2)


@given(amounts, points)
def test_a_share_is_part_of_the_whole(amount: int, basis_points: int) -> None:
    assert 0 <= share(amount, basis_points) <= amount
    assert share(amount, BASIS) == amount
    assert share(amount, 0) == 0


@given(amounts, amounts, points)
def test_more_money_gives_no_smaller_share(one: int, other: int, basis_points: int) -> None:
    low, high = sorted((one, other))
    assert share(low, basis_points) <= share(high, basis_points)


@pytest.mark.parametrize(
    ("fen", "text"),
    [(0, "0"), (1, "0.01"), (10, "0.10"), (1200, "12"), (1234, "12.34"), (MAX_FEN, "1000000")],
)
def test_for_people(fen: int, text: str) -> None:
    assert yuan(fen) == text
