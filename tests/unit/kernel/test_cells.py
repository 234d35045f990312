"""Covers: nothing within the area is outside of them, no place is in two, and no bound is above a true distance."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from market.kernel.cells import MOST_DISTRICTS, MOST_DIVIDED, Cell, cover
from market.kernel.geo import Box, Point, box_around, cell, distance_m, moved

places = st.builds(Point, st.floats(-90, 90), st.floats(-180, 180))
radii = st.floats(1, 50_000)
ways = st.tuples(st.floats(0, 6.3), st.floats(0, 1))


def holding(cells: list[Cell], place: Point) -> list[Cell]:
    name = cell(place, 6)
    return [c for c in cells if name.startswith(c.name)]


@given(places, radii, ways)
@example(Point(90.0, 0.0), 2_000.0, (1.0, 0.5))
@example(Point(-90.0, 180.0), 50_000.0, (1.0, 1.0))
@example(Point(0.0, 180.0), 5_000.0, (1.5, 1.0))
@example(Point(0.0, -180.0), 5_000.0, (4.7, 1.0))
@example(Point(31.23, 121.47), 5_000.0, (0.0, 1.0))
def test_what_is_within_the_radius_is_in_one_cell_that_is_no_farther(
    here: Point, radius_m: float, way: tuple[float, float]
) -> None:
    place = moved(here, way[0], way[1] * radius_m)
    metres = distance_m(here, place)
    assume(metres <= radius_m)
    (found,) = holding(cover(here, radius_m, box_around(here, radius_m)), place)
    assert found.nearest_m <= metres


@given(places, st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0, 1), st.floats(0, 1), places)
def test_what_is_within_a_box_is_in_one_cell(
    corner: Point, high: float, wide: float, up: float, along: float, here: Point
) -> None:
    north, east = min(90.0, corner.lat + high), min(180.0, corner.lng + wide)
    box = Box(corner.lat, north, ((corner.lng, east),))
    place = Point(
        corner.lat + (north - corner.lat) * up, min(east, corner.lng + (east - corner.lng) * along)
    )
    (found,) = holding(cover(here, None, box), place)
    assert found.nearest_m <= distance_m(here, place)


@given(places, radii)
def test_a_cover_is_nearest_first_and_not_endless(here: Point, radius_m: float) -> None:
    cells = cover(here, radius_m, box_around(here, radius_m))
    assert [c.nearest_m for c in cells] == sorted(c.nearest_m for c in cells)
    assert len({c.name for c in cells}) == len(cells) <= MOST_DISTRICTS + 31 * MOST_DIVIDED
    assert all(c.nearest_m <= radius_m for c in cells)


@pytest.mark.parametrize("lng", [179.999, -179.999, 180.0, -180.0])
def test_both_sides_of_the_antimeridian_are_near(lng: float) -> None:
    cells = cover(Point(10.0, lng), 1_000.0, box_around(Point(10.0, lng), 1_000.0))
    for place in (Point(10.0, 179.9999), Point(10.0, -179.9999), Point(10.0, 180.0)):
        (found,) = holding(cells, place)
        assert found.nearest_m < 200
