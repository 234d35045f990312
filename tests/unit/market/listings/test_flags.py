"""Whom a flag is on for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.kernel.errors import VersionConflict
from market.kernel.geo import Point
from market.kernel.ids import Id
from market.kernel.money import BASIS
from market.kernel.regions import REGIONS
from market.listings.rules import flags
from market.listings.rules.flags import REGION_LIVE, Campus, Flag
from market.listings.rules.settings import Settings, is_live

ON = Flag(name="a", version=1, on=True)
users = st.integers(0, 2**63 - 1).map(Id)
shares = st.integers(0, BASIS)
CENTER = Point(31.0, 121.0)
CAMPUS = Campus(name="东校区", lat=31.0, lng=121.0, radius_m=500)


@given(users, shares)
def test_off_is_off_for_all(user: Id, share_bp: int) -> None:
    flag = replace(ON, on=False, share_bp=share_bp, users=(user,))
    assert not flags.is_on(flag, user, "shanghai", CENTER)


@given(users)
def test_without_limits_it_is_on_for_all(user: Id) -> None:
    assert flags.is_on(ON, user, "", None)
    assert flags.everywhere(ON)


@given(users, shares, shares)
def test_who_has_it_keeps_it_while_the_share_rises(user: Id, one: int, other: int) -> None:
    low, high = sorted((one, other))
    had = flags.is_on(replace(ON, share_bp=low), user, "", None)
    assert not had or flags.is_on(replace(ON, share_bp=high), user, "", None)


def test_a_share_is_about_that_share_and_other_people_for_each_flag() -> None:
    some, others = (
        {n for n in range(1, 10_001) if flags.is_on(replace(ON, name=name, share_bp=2_000), Id(n), "", None)}
        for name in ("a", "b")
    )  # fmt: skip
    for found, expected in ((some, 2_000), (others, 2_000), (some & others, 400)):
        assert abs(len(found) - expected) < 5 * expected**0.5


def test_nobody_is_in_no_share() -> None:
    assert not flags.is_on(replace(ON, share_bp=BASIS - 1), Id(0), "", None)
    assert not flags.is_on(replace(ON, share_bp=0, users=(Id(0),)), Id(0), "", None)


def test_the_list_is_above_region_and_share() -> None:
    flag = replace(ON, regions=("beijing",), share_bp=0, users=(Id(5),))
    assert flags.is_on(flag, Id(5), "shanghai", CENTER)
    assert not flags.is_on(flag, Id(6), "beijing", CENTER)


def test_a_region_or_a_campus_will_do() -> None:
    flag = replace(ON, regions=("beijing",), campuses=(CAMPUS,))
    assert flags.is_on(flag, Id(1), "beijing", None)
    assert flags.is_on(flag, Id(1), "shanghai", Point(31.004, 121.0))
    assert not flags.is_on(flag, Id(1), "shanghai", Point(31.006, 121.0))
    assert not flags.is_on(flag, Id(1), "shanghai", None)


def test_versions_guard_a_flag() -> None:
    made = flags.change(None, ON, 0)
    assert made.version == 1
    assert flags.change(made, replace(ON, on=False), 1) == replace(ON, on=False, version=2)
    for before, version in ((None, 1), (made, 0), (made, 2)):
        with pytest.raises(VersionConflict):
            flags.change(before, ON, version)


def test_the_marketplace_is_open_everywhere_unless_somebody_says_otherwise() -> None:
    assert all(is_live(Settings(), Id(0), region.center) for region in REGIONS)
    assert is_live(Settings(), Id(0), Point(0, 0))


def test_where_it_is_not_open_only_those_on_the_list_are_served() -> None:
    flag = replace(ON, name=REGION_LIVE, regions=("shanghai",), users=(Id(7),))
    settings = Settings(flags={REGION_LIVE: flag})
    live = {r.code for r in REGIONS if is_live(settings, Id(5), r.center)}
    assert live == {"shanghai"}
    assert not is_live(settings, Id(5), Point(0, 0))
    assert is_live(settings, Id(7), Point(0, 0))
