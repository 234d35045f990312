"""The cities in which the market may be opened: a place belongs to the nearest of their centres."""

from __future__ import annotations

import math
from dataclasses import dataclass

from market.kernel.geo import EARTH_RADIUS_M, Point, distance_m

REACH_M = 100_000
"""What is farther from every centre belongs to no region."""

REACH_DEGREES = math.degrees(REACH_M / EARTH_RADIUS_M) * 1.001
"""Of latitude: who is farther north or south is too far, whatever the longitude."""

NOWHERE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """`code` is stable: flags, experiments and stored listings speak of it. `center` is in WGS-84 degrees."""

    code: str
    label: str
    center: Point


def _region(code: str, label: str, lat: float, lng: float) -> Region:
    return Region(code=code, label=label, center=Point(lat, lng))


REGIONS: tuple[Region, ...] = (
    _region("beijing", "北京", 39.9042, 116.4074),
    _region("shanghai", "上海", 31.2304, 121.4737),
    _region("guangzhou", "广州", 23.1291, 113.2644),
    _region("shenzhen", "深圳", 22.5431, 114.0579),
    _region("chengdu", "成都", 30.5728, 104.0668),
    _region("hangzhou", "杭州", 30.2741, 120.1551),
    _region("wuhan", "武汉", 30.5928, 114.3055),
    _region("xian", "西安", 34.3416, 108.9398),
    _region("chongqing", "重庆", 29.5630, 106.5516),
    _region("nanjing", "南京", 32.0603, 118.7969),
    _region("tianjin", "天津", 39.3434, 117.3616),
    _region("suzhou", "苏州", 31.2990, 120.5853),
    _region("changsha", "长沙", 28.2282, 112.9388),
    _region("zhengzhou", "郑州", 34.7466, 113.6254),
    _region("qingdao", "青岛", 36.0671, 120.3826),
    _region("shenyang", "沈阳", 41.8057, 123.4315),
    _region("xiamen", "厦门", 24.4798, 118.0894),
    _region("kunming", "昆明", 24.8801, 102.8329),
    _region("hefei", "合肥", 31.8206, 117.2272),
    _region("jinan", "济南", 36.6512, 117.1201),
)


def nearest(point: Point) -> Region | None:
    """The region of a place; None when it is farther than `REACH_M` from all centres."""
    metres, region = min(
        (
            (distance_m(point, region.center), region)
            for region in REGIONS
            if abs(region.center.lat - point.lat) <= REACH_DEGREES
        ),
        key=lambda found: found[0],
        default=(math.inf, None),
    )
    return region if metres <= REACH_M else None


def code_of(point: Point) -> str:
    """The code of the place's region, `NOWHERE` when it has none."""
    region = nearest(point)
    return NOWHERE if region is None else region.code
