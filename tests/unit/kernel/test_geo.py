"""Places: known distances, boxes that miss nothing, geohash cells."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from market.kernel.errors import BadInput
from market.kernel.geo import (
    EARTH_RADIUS_M,
    Box,
    Point,
    blurred,
    box_around,
    cell,
    distance_m,
    is_cell,
    moved,
)

BEIJING, SHANGHAI = Point(39.9042, 116.4074), Point(31.2304, 121.4737)
LONDON, NEW_YORK = Point(51.5074, -0.1278), Point(40.7128, -74.0060)
HALF_EQUATOR_M = math.pi * EARTH_RADIUS_M
MILLIMETRE = 0.001

points = st.builds(Point, st.floats(-90, 90), st.floats(-180, 180))


@pytest.mark.parametrize(
    ("a", "b", "metres"),
    [
        (BEIJING, SHANGHAI, 1_067_311),
        (LONDON, NEW_YORK, 5_570_230),
        (Point(0, 0), Point(0, 180), HALF_EQUATOR_M),
        (Point(90, 0), Point(-90, 77), HALF_EQUATOR_M),
        (Point(0, 0), Point(0, 1), HALF_EQUATOR_M / 180),
        (Point(0, 179.5), Point(0, -179.5), HALF_EQUATOR_M / 180),
        (Point(90, 10), Point(90, -120), 0),
    ],
)  # fmt: skip
def test_known_distances(a: Point, b: Point, metres: float) -> None:
    assert distance_m(a, b) == pytest.approx(metres, rel=2e-5, abs=MILLIMETRE)


@given(points, points)
def test_distance_is_symmetric_and_at_most_half_around(a: Point, b: Point) -> None:
    assert distance_m(a, b) == pytest.approx(distance_m(b, a), abs=MILLIMETRE)
    assert 0 <= distance_m(a, b) <= HALF_EQUATOR_M + MILLIMETRE
    assert distance_m(a, a) == 0


def holds(box: Box, point: Point) -> bool:
    return box.south <= point.lat <= box.north and any(
        w <= point.lng <= e for w, e in box.longitudes
    )


def travel(start: Point, bearing: float, metres: float) -> Point:
    """Where one gets from `start`."""
    phi, lam, delta = math.radians(start.lat), math.radians(start.lng), metres / EARTH_RADIUS_M
    lat = math.asin(
        max(
            -1,
            min(
                1,
                math.sin(phi) * math.cos(delta)
                + math.cos(phi) * math.sin(delta) * math.cos(bearing),
            ),
        )
    )
    lng = lam + math.atan2(
        math.sin(bearing) * math.sin(delta) * math.cos(phi),
        math.cos(delta) - math.sin(phi) * math.sin(lat),
    )
    degrees = math.degrees(lng)
    return Point(math.degrees(lat), (degrees + 180) % 360 - 180)


@settings(max_examples=300)
@given(points, st.floats(0, 2 * math.pi), st.floats(0, 1 - 1e-9), st.floats(1, 25_000_000))
@example(Point(89.99, 0), 1.0, 0.99, 5_000)
@example(Point(-89.99, 100), 4.0, 0.99, 5_000)
@example(Point(10, 179.99), 1.6, 0.99, 5_000)
@example(Point(10, -179.99), 4.7, 0.99, 5_000)
@example(Point(0, 0), 0.0, 0.5, 20_000_000)
def test_a_box_holds_every_point_within_the_radius(
    center: Point, bearing: float, part: float, radius_m: float
) -> None:
    other = travel(center, bearing, radius_m * part * (1 - 1e-6))
    if distance_m(center, other) <= radius_m - MILLIMETRE:
        assert holds(box_around(center, radius_m), other)


@given(points, points, st.floats(0, 25_000_000))
@example(Point(0, 180), Point(0, -180), 0)
@example(Point(0, -180), Point(0, 180), 0)
def test_no_point_outside_the_box_is_within_the_radius(a: Point, b: Point, radius_m: float) -> None:
    if not holds(box_around(a, radius_m), b):
        assert distance_m(a, b) > radius_m - MILLIMETRE


@given(points, st.floats(0, 25_000_000))
def test_a_box_is_within_the_world(center: Point, radius_m: float) -> None:
    box = box_around(center, radius_m)
    assert -90 <= box.south <= box.north <= 90
    assert 1 <= len(box.longitudes) <= 2
    assert all(-180 <= west <= east <= 180 for west, east in box.longitudes)
    assert holds(box, center)


def test_a_box_is_not_larger_than_it_must_be() -> None:
    box = box_around(Point(31.2, 121.5), 5_000)
    assert distance_m(Point(31.2, 121.5), Point(box.north, 121.5)) == pytest.approx(5_000, abs=0.01)
    ((west, east),) = box.longitudes
    assert 121.5 - west == pytest.approx(east - 121.5)
    # the widest point of a circle lies a little to the pole's side of its centre
    assert 5_000 <= distance_m(Point(31.2, 121.5), Point(31.2, east)) < 5_001


@pytest.mark.parametrize(
    ("point", "length", "hash_"),
    [
        (Point(57.64911, 10.40744), 11, "u4pruydqqvj"),
        (Point(42.605, -5.603), 5, "ezs42"),
        (BEIJING, 5, "wx4g0"),
        (SHANGHAI, 5, "wtw3s"),
        (Point(-90, -180), 5, "00000"),
        (Point(90, 180), 5, "zzzzz"),
        (Point(0, 0), 5, "s0000"),
    ],
)  # fmt: skip
def test_known_cells(point: Point, length: int, hash_: str) -> None:
    assert cell(point, length) == hash_


@given(points, st.integers(1, 11))
def test_a_longer_cell_lies_in_the_shorter(point: Point, length: int) -> None:
    assert cell(point, length + 1).startswith(cell(point, length))
    assert is_cell(cell(point))


@pytest.mark.parametrize(
    "text",
    ["", "wx4g", "wx4g0a", "WX4G0", "wx4ga", "wx4gi", "wx4g\n", "\u4e2d\u4e2d\u4e2d\u4e2d\u4e2d"],
)
def test_what_is_no_cell(text: str) -> None:
    assert not is_cell(text)


@pytest.mark.parametrize(
    ("lat", "lng"),
    [(90.1, 0), (-90.1, 0), (0, 180.1), (0, -180.1), (math.nan, 0), (0, math.nan), (math.inf, 0)],
)
def test_what_is_no_place_is_refused(lat: float, lng: float) -> None:
    with pytest.raises(BadInput):
        Point(lat, lng)


@given(points, st.binary(min_size=16, max_size=16))
def test_a_blurred_place_is_near_and_never_the_true_one(point: Point, secret: bytes) -> None:
    shown = blurred(point, secret)
    assert blurred(point, secret) == shown
    assert 149.999 <= distance_m(point, shown) <= 300.001


def test_blurring_goes_every_way_and_differs_by_the_secret() -> None:
    here = Point(31.2304, 121.4737)
    shown = [blurred(here, n.to_bytes(16)) for n in range(2_000)]
    assert len(set(shown)) == len(shown)
    for north, east in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        quarter = [
            p for p in shown if (p.lat - here.lat) * north > 0 and (p.lng - here.lng) * east > 0
        ]
        assert 400 < len(quarter) < 600
    # Even over the ring: as much of it lies within 237 m as beyond.
    assert 900 < sum(distance_m(here, p) < 237.17 for p in shown) < 1_100


def test_things_at_one_address_are_moved_by_one_way() -> None:
    """Else the middle of what an owner shows would be where the owner lives."""
    here, next_door = Point(31.23042, 121.47371), Point(31.23045, 121.47373)
    one, other = blurred(here, b"secret"), blurred(next_door, b"secret")
    assert distance_m(one, other) == pytest.approx(distance_m(here, next_door), abs=0.5)


@given(points, st.floats(0, 2 * math.pi), st.floats(0, 1_000))
def test_one_is_so_far_away_after_so_many_metres(
    start: Point, bearing: float, metres: float
) -> None:
    assert distance_m(start, moved(start, bearing, metres)) == pytest.approx(metres, abs=0.01)
