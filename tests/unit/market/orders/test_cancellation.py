"""Cancelling: what is kept and what goes back are all that was paid, and waiting never pays."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.kernel.money import MAX_FEN
from market.kernel.period import DAY_MS, HOUR_MS, MINUTE_MS
from market.kernel.terms import Policy
from market.orders.rules.cancellation import (
    SECOND_THOUGHT_MS,
    STAIRS,
    Step,
    kept_bp,
    kept_fen,
    steps,
)

START_MS = 1_790_000_000_000
CREATED_MS = START_MS - 30 * DAY_MS

policies = st.sampled_from(get_args(Policy))
moments = st.integers(START_MS - 40 * DAY_MS, START_MS + 5 * DAY_MS)
rents = st.integers(0, MAX_FEN)


def test_every_policy_has_its_stairs() -> None:
    assert set(STAIRS) == set(get_args(Policy))


@given(policies, rents, moments, moments, moments)
def test_what_is_kept_is_a_part_of_the_rent_and_only_grows(
    policy: str, rent: int, created: int, one: int, other: int
) -> None:
    early, late = sorted((one, other))
    first, then = (kept_fen(policy, rent, START_MS, created, now) for now in (early, late))
    assert 0 <= first <= then <= rent


@given(rents, moments, moments)
def test_a_stricter_policy_never_keeps_less(rent: int, created: int, now: int) -> None:
    kept = [kept_fen(p, rent, START_MS, created, now) for p in ("flexible", "moderate", "strict")]
    assert kept == sorted(kept)


@given(policies, rents, moments, st.integers(0, SECOND_THOUGHT_MS))
def test_second_thoughts_cost_nothing(policy: str, rent: int, created: int, waited: int) -> None:
    assert kept_fen(policy, rent, START_MS, created, created + waited) == 0


@pytest.mark.parametrize(
    ("policy", "before_ms", "percent"),
    [
        ("flexible", 20 * DAY_MS, 0), ("flexible", HOUR_MS, 0), ("flexible", HOUR_MS - 1, 20),
        ("flexible", 0, 20), ("flexible", -1, 50), ("flexible", -9 * DAY_MS, 50),
        ("moderate", DAY_MS, 0), ("moderate", DAY_MS - 1, 50), ("moderate", HOUR_MS, 50),
        ("moderate", HOUR_MS - 1, 80), ("moderate", 0, 80), ("moderate", -1, 100),
        ("strict", 7 * DAY_MS, 0), ("strict", 7 * DAY_MS - 1, 50), ("strict", DAY_MS, 50),
        ("strict", DAY_MS - 1, 100), ("strict", -MINUTE_MS, 100),
    ],
)  # fmt: skip
def test_to_the_millisecond(policy: str, before_ms: int, percent: int) -> None:
    assert kept_bp(policy, START_MS, CREATED_MS, START_MS - before_ms) == percent * 100


@given(policies, rents, st.integers(0, 20 * DAY_MS), st.integers(0, 40 * DAY_MS))
def test_the_steps_say_the_same(policy: str, rent: int, ahead: int, waited: int) -> None:
    created = START_MS - ahead
    found = steps(policy, rent, START_MS, created)
    now = created + waited
    height = next(s.kept_fen for s in found if s.until_ms is None or now <= s.until_ms)
    assert height == kept_fen(policy, rent, START_MS, created, now)
    assert len({s.kept_fen for s in found}) == len(found)


def test_steps_that_are_over_are_not_shown() -> None:
    created = START_MS - 2 * HOUR_MS
    assert steps("moderate", 1_000, START_MS, created) == (
        Step(until_ms=created + SECOND_THOUGHT_MS, kept_fen=0),
        Step(until_ms=START_MS - HOUR_MS, kept_fen=500),
        Step(until_ms=START_MS, kept_fen=800),
        Step(until_ms=None, kept_fen=1_000),
    )


def test_half_a_fen_goes_to_the_owner() -> None:
    assert kept_fen("strict", 101, START_MS, CREATED_MS, START_MS - 2 * DAY_MS) == 51


def test_there_are_no_other_policies() -> None:
    with pytest.raises(KeyError):
        kept_bp("generous", START_MS, CREATED_MS, CREATED_MS)
