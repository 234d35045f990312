"""Grey release: what is switched on for whom. Evaluated on the server, changed at run time.

A flag is on for somebody when it is switched on at all, and they are on its list; or they are in its regions or on its campuses
(where it names any), and their bucket is below its percentage. The bucket is the hash of the flag's name and the user's id, so
that who has it keeps it while the percentage rises, and another flag has other people first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from market.kernel.errors import VersionConflict
from market.kernel.geo import Point, distance_m
from market.kernel.ids import Id
from market.kernel.money import BASIS
from market.listings.rules.experiments import bucket

REGION_LIVE = "region_live"
"""The one flag that the product itself asks for: where the marketplace is open. Without a row it is open everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Campus:
    """A circle with a name."""

    name: str
    lat: float
    lng: float
    radius_m: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """`share_bp` ten-thousandths of the people; `users` have it wherever they are."""

    name: str
    version: int
    on: bool
    regions: tuple[str, ...] = ()
    campuses: tuple[Campus, ...] = ()
    share_bp: int = BASIS
    users: tuple[Id, ...] = ()


OPEN_EVERYWHERE = Flag(name=REGION_LIVE, version=0, on=True)


def change(before: Flag | None, wanted: Flag, version: int) -> Flag:
    """`version` 0: it is new."""
    known = before.version if before else 0
    if version != known:
        raise VersionConflict(version=known)
    return replace(wanted, version=version + 1)


def is_on(flag: Flag, user_id: Id, region: str, place: Point | None) -> bool:
    """`user_id` 0: nobody is logged in, and a share of the people does not contain them."""
    if not flag.on:
        return False
    if user_id and user_id in flag.users:
        return True
    if (flag.regions or flag.campuses) and not (region in flag.regions or _on_campus(flag, place)):
        return False
    if flag.share_bp >= BASIS:
        return True
    return bool(user_id) and bucket(f"flag.{flag.name}", int(user_id)) < flag.share_bp


def _on_campus(flag: Flag, place: Point | None) -> bool:
    return place is not None and any(
        distance_m(Point(c.lat, c.lng), place) <= c.radius_m for c in flag.campuses
    )


def everywhere(flag: Flag) -> bool:
    """Whether it is on for all, so that nobody need ask where they are."""
    return flag.on and not flag.regions and not flag.campuses and flag.share_bp >= BASIS


def of(flags: Mapping[str, Flag], user_id: Id, region: str, place: Point | None) -> dict[str, bool]:
    return {name: is_on(flag, user_id, region, place) for name, flag in sorted(flags.items())}
