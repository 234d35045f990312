"""The tails of three distributions, which the standard library has not got. Each is right to 1e-8 at least."""

from __future__ import annotations

from math import erfc, exp, lgamma, log, sqrt
from statistics import NormalDist

_NORMAL = NormalDist()


def normal_quantile(share: float) -> float:
    """Below which a standard normal value lies with that probability."""
    return _NORMAL.inv_cdf(share)


def normal_beyond(z: float) -> float:
    """The probability of a standard normal value above `z`."""
    return erfc(z / sqrt(2)) / 2


def chi_square_beyond(x: float, freedom: int) -> float:
    """The probability of a chi-square value above `x`: the regularised gamma function Q(k/2, x/2), by its recurrence
    Q(a + 1, y) = Q(a, y) + y^a e^-y / Gamma(a + 1). (DLMF 8.8.6)"""
    if x <= 0:
        return 1.0
    y = x / 2
    a, tail = (0.5, erfc(sqrt(y))) if freedom % 2 else (1.0, exp(-y))
    while a < freedom / 2:
        tail += exp(a * log(y) - y - lgamma(a + 1))
        a += 1
    return min(1.0, tail)


def student_beyond(t: float, freedom: float) -> float:
    """The probability of a Student's t value above `t`. (DLMF 8.17)"""
    tail = _beta_share(freedom / 2, 0.5, freedom / (freedom + t * t)) / 2
    return tail if t > 0 else 1 - tail


def student_quantile(share: float, freedom: float) -> float:
    """For shares above one half, by halving."""
    low, high = 0.0, 1e6
    for _ in range(100):
        middle = (low + high) / 2
        if student_beyond(middle, freedom) > 1 - share:
            low = middle
        else:
            high = middle
    return high


def _beta_share(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta_share(b, a, 1 - x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x)) / a
    return front * _beta_fraction(a, b, x)


def _beta_fraction(a: float, b: float, x: float) -> float:
    """Lentz's method for the continued fraction. (Press et al., Numerical Recipes, 6.4)"""
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    value = d
    for m in range(1, 500):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 + numerator * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + numerator / c
            c = c if abs(c) > tiny else tiny
            value *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return value
