"""Places on the earth: WGS-84 degrees, great-circle metres, geohash cells."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

from market.kernel.errors import BadInput

EARTH_RADIUS_M = 6_371_008.8
_ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Point:
    lat: float
    lng: float

    def __post_init__(self) -> None:
        if not (-90 <= self.lat <= 90 and -180 <= self.lng <= 180):  # refuses NaN too
            raise BadInput("latitude is within +-90 degrees, longitude within +-180")


def distance_m(a: Point, b: Point) -> float:
    """Great-circle distance in metres (haversine)."""
    phi_a, phi_b = math.radians(a.lat), math.radians(b.lat)
    half_lat = (phi_b - phi_a) / 2
    half_lng = math.radians(b.lng - a.lng) / 2
    h = math.sin(half_lat) ** 2 + math.cos(phi_a) * math.cos(phi_b) * math.sin(half_lng) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(h)))


@dataclass(frozen=True, slots=True)
class Box:
    """A range of latitudes and one or two ranges of longitudes (two across the antimeridian)."""

    south: float
    north: float
    longitudes: tuple[tuple[float, float], ...]


def box_around(center: Point, radius_m: float) -> Box:
    """The smallest box that holds every point within `radius_m`; all longitudes near a pole.

    A box that touches the antimeridian has it on both sides: -180 and 180 are the same places.
    """
    reach = math.degrees(radius_m / EARTH_RADIUS_M)
    south, north = center.lat - reach, center.lat + reach
    if south <= -90 or north >= 90:
        return Box(max(south, -90.0), min(north, 90.0), ((-180.0, 180.0),))
    spread = math.degrees(
        math.asin(min(1.0, math.sin(math.radians(reach)) / math.cos(math.radians(center.lat))))
    )
    west, east = center.lng - spread, center.lng + spread
    if west <= -180:
        return Box(south, north, ((west + 360, 180.0), (-180.0, east)))
    if east >= 180:
        return Box(south, north, ((west, 180.0), (-180.0, east - 360)))
    return Box(south, north, ((west, east),))


BLUR_M = (150.0, 300.0)
"""How far a blurred place lies from the true one, at least and at most."""

BLUR_CELL = 6
"""Places within one geohash cell of this length (1.2 km by 0.6 km) are moved by the same way."""


def blurred(point: Point, secret: bytes) -> Point:
    """A place `BLUR_M` away, always the same one for the same secret.

    The way is drawn from the secret and the neighbourhood: many things at one address do not give it away by their average,
    and who moves a thing across the room shows no more than that.
    """
    drawn = hashlib.sha256(secret + cell(point, BLUR_CELL).encode()).digest()
    bearing = 2 * math.pi * int.from_bytes(drawn[:8]) / 2**64
    low, high = BLUR_M
    # Even over the ring's area: the square of the distance is.
    metres = math.sqrt(low**2 + (high**2 - low**2) * int.from_bytes(drawn[8:16]) / 2**64)
    return moved(point, bearing, metres)


def moved(point: Point, bearing: float, metres: float) -> Point:
    """Where one is after so many metres on a great circle that begins at `bearing` (radians, 0 is north)."""
    phi, angle = math.radians(point.lat), metres / EARTH_RADIUS_M
    sine = math.sin(phi) * math.cos(angle) + math.cos(phi) * math.sin(angle) * math.cos(bearing)
    lng = math.radians(point.lng) + math.atan2(
        math.sin(bearing) * math.sin(angle) * math.cos(phi), math.cos(angle) - math.sin(phi) * sine
    )
    return Point(
        math.degrees(math.asin(max(-1.0, min(1.0, sine)))), (math.degrees(lng) + 540) % 360 - 180
    )


def cell(point: Point, length: int = 5) -> str:
    """The geohash of `length` characters (5: about 4.9 km by 4.9 km)."""
    ranges = [[-180.0, 180.0], [-90.0, 90.0]]
    values = (point.lng, point.lat)
    text, bits, index = "", 0, 0
    for step in range(length * 5):
        low, high = ranges[step % 2]
        middle = (low + high) / 2
        above = values[step % 2] >= middle
        ranges[step % 2] = [middle, high] if above else [low, middle]
        bits = bits * 2 + above
        index += 1
        if index == 5:
            text += _ALPHABET[bits]
            bits = index = 0
    return text


def is_cell(text: str) -> bool:
    return len(text) == 5 and all(c in _ALPHABET for c in text)
