"""Regions: every city's centre is its own, the nearest one wins, and far away is nowhere."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.kernel.geo import Point, distance_m, moved
from market.kernel.regions import NOWHERE, REACH_M, REGIONS, Region, code_of, nearest

regions = st.sampled_from(REGIONS)
bearings = st.floats(0, 2 * math.pi)


def test_twenty_cities_with_codes_of_their_own() -> None:
    assert len(REGIONS) == len({r.code for r in REGIONS}) == len({r.label for r in REGIONS}) == 20
    assert all(r.code.isascii() and r.code.islower() and len(r.code) <= 32 for r in REGIONS)


@given(regions, bearings, st.floats(0, 0.999 * REACH_M))
def test_a_place_belongs_to_the_nearest_centre(region: Region, way: float, metres: float) -> None:
    place = moved(region.center, way, metres)
    found = nearest(place)
    assert found is not None
    assert code_of(place) == found.code
    assert all(
        distance_m(place, found.center) <= distance_m(place, other.center) for other in REGIONS
    )


@pytest.mark.parametrize(
    "place", [Point(0, 0), Point(90, 0), Point(-31.2, -121.4), Point(35.68, 139.69)]
)
def test_what_is_far_from_all_is_nowhere(place: Point) -> None:
    assert nearest(place) is None
    assert code_of(place) == NOWHERE
