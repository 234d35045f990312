"""The tests of significance against tables, closed forms and each other; and how often they are wrong."""

from __future__ import annotations

from math import atan, exp, isclose, pi, sqrt
from random import Random
from statistics import NormalDist

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from market.insights.rules import distributions, significance

NORMAL = NormalDist()
people = st.integers(1, 100_000)
positive = st.floats(1e-6, 200)


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int]:
    of = draw(people)
    return draw(st.integers(0, of)), of


@given(st.floats(-8, 8))
def test_the_normal_tail(z: float) -> None:
    assert isclose(distributions.normal_beyond(z), 1 - NORMAL.cdf(z), abs_tol=1e-14)


@pytest.mark.parametrize(
    ("freedom", "x"), [(1, 3.841459), (2, 5.991465), (3, 7.814728), (4, 9.487729), (5, 11.070498), (10, 18.307038)]
)  # fmt: skip
def test_the_chi_square_tail_against_the_table(freedom: int, x: float) -> None:
    assert distributions.chi_square_beyond(x, freedom) == pytest.approx(0.05, abs=1e-7)


@given(positive)
def test_the_chi_square_tail_against_closed_forms(x: float) -> None:
    assert isclose(
        distributions.chi_square_beyond(x, 1), 2 * (1 - NORMAL.cdf(sqrt(x))), abs_tol=1e-12
    )
    assert isclose(distributions.chi_square_beyond(x, 2), exp(-x / 2), rel_tol=1e-12)
    assert isclose(distributions.chi_square_beyond(x, 4), exp(-x / 2) * (1 + x / 2), rel_tol=1e-9)


@given(st.floats(-50, 50))
def test_students_tail_against_closed_forms(t: float) -> None:
    assert isclose(distributions.student_beyond(t, 1), 0.5 - atan(t) / pi, abs_tol=1e-8)
    assert isclose(
        distributions.student_beyond(t, 2), 0.5 - t / (2 * sqrt(2 + t * t)), abs_tol=1e-8
    )


@pytest.mark.parametrize(
    ("freedom", "t"), [(1, 12.7062047), (5, 2.5705818), (10, 2.2281389), (30, 2.0422725), (1e7, 1.9599643)]
)  # fmt: skip
def test_students_quantile_against_the_table(freedom: float, t: float) -> None:
    assert distributions.student_quantile(0.975, freedom) == pytest.approx(t, abs=1e-5)


@given(counts(), counts())
def test_z_squared_is_the_chi_square_of_the_two_by_two_table(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    (a, n), (b, m) = one, other
    assume(0 < a + b < n + m)
    table = ((a, n), (n - a, n), (b, m), (m - b, m))
    yes, whole = a + b, n + m
    expected = (
        n * yes / whole,
        n * (whole - yes) / whole,
        m * yes / whole,
        m * (whole - yes) / whole,
    )
    chi_square = sum((cell[0] - e) ** 2 / e for cell, e in zip(table, expected, strict=True))
    found = significance.two_proportions(a, n, b, m)
    assert found is not None
    assert isclose(found.statistic**2, chi_square, rel_tol=1e-6, abs_tol=1e-9)
    assert isclose(found.p_value, 2 * NORMAL.cdf(-abs(found.statistic)), abs_tol=1e-12)


def test_a_difference_worked_out_by_hand() -> None:
    """Newcombe 1998, table II, example (a): 56/70 against 48/80, method 10: 0.0524 to 0.3339."""
    found = significance.two_proportions(56, 70, 48, 80)
    assert found is not None
    assert found.difference == pytest.approx(0.2)
    assert found.interval.low == pytest.approx(0.0524, abs=5e-5)
    assert found.interval.high == pytest.approx(0.3339, abs=5e-5)
    assert found.lift == pytest.approx(1 / 3)


@given(counts(), counts())
def test_exchanging_the_arms_turns_the_difference_round(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    found = significance.two_proportions(*one, *other)
    back = significance.two_proportions(*other, *one)
    assert found is not None
    assert back is not None
    assert isclose(found.difference, -back.difference, abs_tol=1e-12)
    assert isclose(found.interval.low, -back.interval.high, abs_tol=1e-12)
    assert isclose(found.p_value, back.p_value, rel_tol=1e-9)
    assert found.interval.low <= found.difference + 1e-12
    assert -1 <= found.interval.low <= found.interval.high <= 1


@given(counts())
def test_wilsons_bounds_solve_their_equation(one: tuple[int, int]) -> None:
    hits, of = one
    interval, z = significance.wilson(hits, of), NORMAL.inv_cdf(0.975)
    for bound in (interval.low, interval.high):
        if 0 < bound < 1:
            assert isclose((hits / of - bound) ** 2, z * z * bound * (1 - bound) / of, rel_tol=1e-6)


def test_an_empty_arm_says_nothing() -> None:
    assert significance.two_proportions(0, 0, 5, 10) is None
    assert significance.worse_p(0, 0, 5, 10) == 1
    assert significance.clusters([0.1], [0.1, 0.2]) is None
    assert significance.clusters([0.1, 0.1], [0.1, 0.1]) is None
    assert significance.wilson(0, 0) == significance.Interval(low=0, high=1)


def test_more_of_what_should_be_rare_is_worse() -> None:
    assert significance.worse_p(50, 1_000, 20, 1_000) < 0.001
    assert significance.worse_p(20, 1_000, 50, 1_000) > 0.999


@given(st.lists(people, min_size=2, max_size=4))
def test_what_was_drawn_exactly_as_it_should_be_is_ok(shares: list[int]) -> None:
    ratio = significance.sample_ratio([3 * share for share in shares], shares)
    assert ratio.ok
    assert ratio.p_value == pytest.approx(1)


def test_a_loss_in_one_arm_is_noticed_and_luck_is_not() -> None:
    assert significance.sample_ratio([5_000, 5_100], [5_000, 5_000]).ok
    assert not significance.sample_ratio([10_000, 9_400], [5_000, 5_000]).ok
    # Kohavi et al., Trustworthy Online Controlled Experiments, chapter 3: 821588 and 815482 users, p = 1.8e-6
    kohavi = significance.sample_ratio([821_588, 815_482], [1, 1])
    assert kohavi.p_value == pytest.approx(1.8e-6, rel=0.02)
    assert not kohavi.ok


def test_regions_are_compared_as_regions() -> None:
    """Student's sleep data, by Welch: t = -1.8608, df = 17.776, p = 0.07939 (R's t.test)."""
    one = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    other = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    found = significance.clusters(one, other)
    assert found is not None
    assert found.statistic == pytest.approx(-1.8608, abs=1e-4)
    assert found.p_value == pytest.approx(0.07939, abs=1e-5)
    assert found.interval.low == pytest.approx(-3.3654832, abs=1e-6)
    assert found.interval.high == pytest.approx(0.2054832, abs=1e-6)


def test_no_difference_is_called_one_in_twenty_times() -> None:
    random, wrong, runs = Random(5), 0, 2_000
    for _ in range(runs):
        hits = [sum(random.random() < 0.2 for _ in range(200)) for _ in range(2)]
        found = significance.two_proportions(hits[0], 200, hits[1], 200)
        assert found is not None
        wrong += found.p_value < 0.05
    assert abs(wrong - runs * 0.05) < 4 * sqrt(runs * 0.05 * 0.95)
