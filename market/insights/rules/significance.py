"""Whether a difference is more than luck.

People are what is drawn, so people are counted: of those who took part, how many ordered. Where regions are drawn, regions are:
neighbours share their listings and are no independent witnesses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import fmean, variance

from market.insights.rules.distributions import (
    chi_square_beyond,
    normal_beyond,
    normal_quantile,
    student_beyond,
    student_quantile,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Of an arm and the control: `difference` of the shares with its interval; `lift` is relative to the control's share, null
    where that is nothing or where regions were drawn. `statistic` is z, or t where regions were drawn."""

    difference: float
    interval: Interval
    lift: float | None
    lift_interval: Interval | None
    statistic: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRatio:
    """`ok` false: so many more in one arm than were to be drawn that something loses people. Nothing else can be read then."""

    chi_square: float
    p_value: float
    ok: bool


MISMATCH_P = 0.001


def wilson(hits: int, people: int, confidence: float = 0.95) -> Interval:
    """The score interval of a share. (Wilson 1927)"""
    if people == 0:
        return Interval(low=0.0, high=1.0)
    z = normal_quantile((1 + confidence) / 2)
    share, scale = hits / people, 1 + z * z / people
    middle = (share + z * z / (2 * people)) / scale
    half = z * sqrt(share * (1 - share) / people + z * z / (4 * people * people)) / scale
    return Interval(
        low=0.0 if hits == 0 else max(0.0, middle - half),
        high=1.0 if hits == people else min(1.0, middle + half),
    )


def two_proportions(
    hits: int, people: int, control_hits: int, control_people: int, confidence: float = 0.95
) -> Difference | None:
    """The two-sided z-test with the pooled share; the interval is Newcombe's of two Wilson intervals (1998, method 10), the
    lift's is Katz' of the logarithm (1978). None while an arm is empty."""
    if not people or not control_people:
        return None
    share, control = hits / people, control_hits / control_people
    z = z_score(hits, people, control_hits, control_people)
    own, other = wilson(hits, people, confidence), wilson(control_hits, control_people, confidence)
    down = sqrt((share - own.low) ** 2 + (other.high - control) ** 2)
    up = sqrt((own.high - share) ** 2 + (control - other.low) ** 2)
    lift = share / control - 1 if control else None
    lift_interval = None
    if hits and control_hits:
        spread = normal_quantile((1 + confidence) / 2) * sqrt(
            (1 - share) / hits + (1 - control) / control_hits
        )
        ratio = log(share / control)
        lift_interval = Interval(low=exp(ratio - spread) - 1, high=exp(ratio + spread) - 1)
    return Difference(
        difference=share - control,
        interval=Interval(low=share - control - down, high=share - control + up),
        lift=lift, lift_interval=lift_interval, statistic=z, p_value=2 * normal_beyond(abs(z)),
    )  # fmt: skip


def z_score(hits: int, people: int, control_hits: int, control_people: int) -> float:
    pooled = (hits + control_hits) / (people + control_people)
    error = sqrt(pooled * (1 - pooled) * (1 / people + 1 / control_people))
    return (hits / people - control_hits / control_people) / error if error else 0.0


def worse_p(hits: int, people: int, control_hits: int, control_people: int) -> float:
    """The one-sided p-value of there being more `hits` of what should be rare than in the control. 1 while an arm is empty."""
    if not people or not control_people:
        return 1.0
    return normal_beyond(z_score(hits, people, control_hits, control_people))


def clusters(
    shares: Sequence[float], control: Sequence[float], confidence: float = 0.95
) -> Difference | None:
    """Welch's t-test of the regions' shares, each region one witness. None with fewer than two of them in an arm."""
    if len(shares) < 2 or len(control) < 2:
        return None
    own, other = variance(shares) / len(shares), variance(control) / len(control)
    difference, error = fmean(shares) - fmean(control), sqrt(own + other)
    if not error:
        return None
    freedom = (own + other) ** 2 / (own**2 / (len(shares) - 1) + other**2 / (len(control) - 1))
    t = difference / error
    half = student_quantile((1 + confidence) / 2, freedom) * error
    return Difference(
        difference=difference, interval=Interval(low=difference - half, high=difference + half), lift=None,
        lift_interval=None, statistic=t, p_value=2 * student_beyond(abs(t), freedom),
    )  # fmt: skip


def sample_ratio(found: Sequence[int], shares: Sequence[int]) -> SampleRatio:
    """Pearson's chi-square of the people found in the arms against the shares that were drawn."""
    people, whole = sum(found), sum(shares)
    expected = [people * share / whole for share in shares]
    chi_square = sum((f - e) ** 2 / e for f, e in zip(found, expected, strict=True) if e)
    p_value = chi_square_beyond(chi_square, len(found) - 1)
    return SampleRatio(chi_square=chi_square, p_value=p_value, ok=p_value >= MISMATCH_P)
