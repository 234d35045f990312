"""Which geohash cells an area touches, and how near each of them comes.

A cell is named by its geohash of one to six characters: five letters are 4.9 km by 4.9 km at the equator, six 1.2 km by 0.6 km.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from market.kernel.geo import EARTH_RADIUS_M, Box, Point

ALPHABET = "0123456789bcdefghjkmnpqrstuvwxyz"
DISTRICT, CELL = 5, 6
"""Lengths of the names of the two sizes that are looked up."""

FINE_M = 2_000.0
"""What is nearer than this is covered by small cells: there distances differ within a large one."""

MOST_DISTRICTS = 500
"""An area that touches more (near a pole, where they are narrow) is covered by larger cells."""

HAIR = 1e-9
"""Degrees by which sums may be wrong."""

MOST_DIVIDED = 16
"""Where more districts than this are near, they are small themselves."""


@dataclass(frozen=True, slots=True)
class Cell:
    """`nearest_m`: no place in it is nearer than this to where it is looked at from."""

    name: str
    nearest_m: float


@dataclass(frozen=True, slots=True)
class _Square:
    """The cell in column `x` (from -180 degrees) and row `y` (from -90) of the grid of that length."""

    length: int
    x: int
    y: int

    @property
    def name(self) -> str:
        return _name(self.length, self.x, self.y)

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """South, west, north, east."""
        height, width = _size(self.length)
        south, west = self.y * height - 90, self.x * width - 180
        return south, west, south + height, west + width

    def children(self) -> Iterator[_Square]:
        """The 32 of the next length; of an odd length only (an even one's lie four by eight)."""
        for x in range(self.x * 4, self.x * 4 + 4):
            for y in range(self.y * 8, self.y * 8 + 8):
                yield _Square(self.length + 1, x, y)


@lru_cache(maxsize=10_000)
def _name(length: int, x: int, y: int) -> str:
    """Its letter within the cell that holds it, after that one's name. A letter's five bits are of x and y in turn, x first
    where the length is odd."""
    if not length:
        return ""
    first, second, of_x, of_y = (x, y, 3, 2) if length % 2 else (y, x, 2, 3)
    bits = (first & 1) | (second & 1) << 1 | (first & 2) << 1 | (second & 2) << 2 | (first & 4) << 2
    return _name(length - 1, x >> of_x, y >> of_y) + ALPHABET[bits]


def cover(here: Point, radius_m: float | None, box: Box) -> list[Cell]:
    """Cells that together hold every place of `box` that is within `radius_m` of `here` (None: every place of it), the nearest
    first. No place is in two of them."""
    reach_m = math.inf if radius_m is None else radius_m
    length = DISTRICT
    while length > 1 and _count(box, length) > MOST_DISTRICTS:
        length -= 1
    found = [
        (square, nearest_m)
        for square in _squares(box, length)
        if (nearest_m := _nearest_m(here, square)) <= reach_m
    ]
    near = [square for square, nearest_m in found if nearest_m < FINE_M]
    if length == DISTRICT and len(near) <= MOST_DIVIDED:
        found = [(square, nearest_m) for square, nearest_m in found if nearest_m >= FINE_M]
        for child in (child for square in near for child in square.children()):
            nearest_m = _nearest_m(here, child)
            if nearest_m <= reach_m and (radius_m is not None or _touches(child, box)):
                found.append((child, nearest_m))
    return sorted(
        (Cell(square.name, nearest_m) for square, nearest_m in found),
        key=lambda cell: (cell.nearest_m, cell.name),
    )


@cache
def _size(length: int) -> tuple[float, float]:
    """Height and width in degrees."""
    return 180 / (1 << length * 5 // 2), 360 / (1 << (length * 5 + 1) // 2)


def _spans(box: Box, length: int) -> tuple[range, list[range]]:
    """Rows, and columns for each range of longitudes; those at the edges too, whatever the rounding."""
    height, width = _size(length)
    rows = _between(box.south + 90, box.north + 90, height, 1 << length * 5 // 2)
    return rows, [
        _between(west + 180, east + 180, width, 1 << (length * 5 + 1) // 2)
        for west, east in box.longitudes
    ]


def _between(low: float, high: float, step: float, count: int) -> range:
    return range(
        max(0, min(count - 1, math.floor((low - HAIR) / step))),
        max(0, min(count - 1, math.floor((high + HAIR) / step))) + 1,
    )


def _count(box: Box, length: int) -> int:
    rows, columns = _spans(box, length)
    return len(rows) * sum(map(len, columns))


def _squares(box: Box, length: int) -> Iterator[_Square]:
    rows, columns = _spans(box, length)
    for x in sorted({x for span in columns for x in span}):
        for y in rows:
            yield _Square(length, x, y)


def _touches(square: _Square, box: Box) -> bool:
    south, west, north, east = square.edges
    return (
        south <= box.north
        and north >= box.south
        and any(west <= last and east >= first for first, last in box.longitudes)
    )


def _nearest_m(here: Point, square: _Square) -> float:
    """A lower bound of the distance from `here` to the cell, and never more than a millimetre below it."""
    south, west, north, east = square.edges
    if west <= here.lng <= east or (abs(here.lng) == 180.0 and 180.0 in (-west, east)):
        degrees = max(south - here.lat, here.lat - north, 0.0)
        return max(0.0, math.radians(degrees) * EARTH_RADIUS_M - 0.001)
    # On a parallel the nearest place is at an edge; so it is on the nearer of the two meridians that bound the cell.
    phi = math.radians(here.lat)
    turned = max(math.cos(math.radians(edge - here.lng)) for edge in (west, east))
    up, along = math.sin(phi), math.cos(phi) * turned
    best = math.atan2(up, along)
    low, high = math.radians(south), math.radians(north)
    if low <= best <= high:
        cosine = math.hypot(up, along)
    else:
        cosine = max(up * math.sin(lat) + along * math.cos(lat) for lat in (low, high))
    return max(0.0, math.acos(max(-1.0, min(1.0, cosine))) * EARTH_RADIUS_M - 1.0)
