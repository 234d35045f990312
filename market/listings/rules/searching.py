"""What a search asks for, what is found, and what has been shown of it before."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from market.kernel.errors import BadInput
from market.kernel.geo import EARTH_RADIUS_M, Box, Point, box_around
from market.kernel.ids import MAX_ID, Id
from market.kernel.period import Period
from market.listings.rules.ranking import DEFAULT, Merits, Weights

Sort = Literal["match", "distance", "price", "rating"]

MAX_SHOWN = 400
"""What one search shows, over all of its pages: who has not found it by then had better ask for something else."""

WIDEST_M = 100_000.0
"""A box is no higher and no wider: as far as the largest radius reaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Where: within `radius_m` (None: no limit) of `here`, and within `box`."""

    here: Point
    radius_m: float | None
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which listings, and in what order. `words`: each in the title or the description. `attributes`: name and value."""

    area: Area
    category: str | None = None
    words: tuple[str, ...] = ()
    min_day_fen: int | None = None
    max_day_fen: int | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    sort: Sort = "match"
    weights: Weights = DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A live listing that fits a wish. `point` is where everybody is shown that it is."""

    id: Id
    owner_id: Id
    point: Point
    metres: float
    merits: Merits


Edges = tuple[float | None, float | None, float | None, float | None]


def area_of(lat: float | None, lng: float | None, radius_m: float, edges: Edges) -> Area:
    """`edges`: south, west, north, east. Raise BadInput for a search that says not where, or not all of where."""
    if (lat is None) != (lng is None):
        raise BadInput("a place has a latitude and a longitude")
    here = None if lat is None or lng is None else Point(lat, lng)
    south, west, north, east = edges
    if south is not None and west is not None and north is not None and east is not None:
        return within(south, west, north, east, here)
    if any(edge is not None for edge in edges):
        raise BadInput("a box has four edges")
    if here is None:
        raise BadInput("say where: lat and lng, or a box")
    return around(here, radius_m)


def around(here: Point, radius_m: float) -> Area:
    return Area(here=here, radius_m=radius_m, box=box_around(here, radius_m))


def within(south: float, west: float, north: float, east: float, here: Point | None = None) -> Area:
    """`west` > `east`: across the antimeridian. Raise BadInput for one that is upside down or too large."""
    if south >= north:
        raise BadInput("a box has its south below its north")
    width = (east - west) % 360.0
    middle = Point((south + north) / 2, (west + width / 2 + 180.0) % 360.0 - 180.0)
    widest = 0.0 if south <= 0.0 <= north else min(abs(south), abs(north))
    height_m = math.radians(north - south) * EARTH_RADIUS_M
    width_m = math.radians(width) * EARTH_RADIUS_M * math.cos(math.radians(widest))
    if width == 0 or max(height_m, width_m) > WIDEST_M:
        raise BadInput("a box has a width, and is no larger than the limit", limit_m=int(WIDEST_M))
    longitudes = ((west, east),) if west < east else ((west, 180.0), (-180.0, east))
    return Area(here=here or middle, radius_m=None, box=Box(south, north, longitudes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Free:
    """That so many seats can be booked for a period."""

    period: Period
    seats: int


def period_of(start_ms: int | None, end_ms: int | None, seats: int) -> Free | None:
    """Raise BadInput for a period that has a start or an end only, or ends before it starts."""
    if start_ms is None and end_ms is None:
        return None
    if start_ms is None or end_ms is None:
        raise BadInput("a period has a start and an end")
    return Free(period=Period(start_ms, end_ms), seats=seats)


def cursor(shown: Sequence[Id]) -> str | None:
    """What asks for the page after these; None when there is to be none."""
    if len(shown) >= MAX_SHOWN:
        return None
    raw = b"".join(int(id_).to_bytes(8, "big") for id_ in shown)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def shown_before(cursor: str | None) -> tuple[Id, ...]:
    """Raise BadInput for what `cursor` has not made."""
    text = cursor or ""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise BadInput("that is no cursor", path="cursor") from None
    ids = [int.from_bytes(raw[at : at + 8], "big") for at in range(0, len(raw), 8)]
    if len(raw) % 8 or len(ids) > MAX_SHOWN or any(id_ > MAX_ID for id_ in ids):
        raise BadInput("that is no cursor", path="cursor")
    return tuple(Id(id_) for id_ in ids)


def attributes_of(text: str | None) -> tuple[tuple[str, str], ...]:
    """Of "name:value,name:value"."""
    pairs = (pair.partition(":") for pair in text.split(",")) if text else ()
    return tuple((name, value) for name, _, value in pairs)
