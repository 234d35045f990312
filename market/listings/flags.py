"""Grey release: flags are set by operators, and everybody may ask which of them they have."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from infra.action import action, view
from infra.mysql.database import Tx
from market.kernel import regions
from market.kernel.actor import Call, require_operator
from market.kernel.errors import RegionNotLive
from market.kernel.geo import Point
from market.listings import setting_store
from market.listings.experiments import check_regions
from market.listings.rules import flags as rules
from market.listings.rules.flags import REGION_LIVE, Campus, Flag
from market.listings.setting_commands import GetMyFlags, ListFlags, SetFlag
from market.listings.wing import Listings


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagsView:
    """By name. Where `region_live` is missing the marketplace is open everywhere."""

    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MyFlagsView:
    """`region`: the code of the place's city, empty far from all. `region_live`: whether the marketplace is open there."""

    region: str
    region_live: bool
    flags: dict[str, bool]


@action("listings.set_flag")
async def set_flag(listings: Listings, call: Call, command: SetFlag) -> Flag:
    """Operators: what is switched on for whom, on all nodes within seconds. Locks the flag."""
    require_operator(call.actor)
    check_regions(command.regions)
    wanted = Flag(
        name=command.name, version=0, on=command.on, regions=command.regions,
        campuses=tuple(Campus(**asdict(campus)) for campus in command.campuses),
        share_bp=command.share_bp, users=command.users,
    )  # fmt: skip

    async def body(tx: Tx) -> Flag:
        before = await setting_store.lock_flag(tx, command.name)
        await tx.claim(call, command)
        after = rules.change(before, wanted, command.version)
        name = setting_store.flag_name(after.name)
        setting_store.put(tx, call, name, after.version, before, after, command.reason)
        return after

    flag = await listings.db.act(call.now_ms, body, Flag)
    await listings.live.follow()
    return flag


@view("listings.flags")
async def listed(listings: Listings, call: Call, query: ListFlags) -> FlagsView:
    """Operators: every flag, with whom it is for."""
    require_operator(call.actor)
    async with listings.db.read() as cursor:
        _, _, flags = await setting_store.read_all(cursor)
    return FlagsView(flags=tuple(flags))


@view("listings.flags_mine", public=True)
async def mine(listings: Listings, call: Call, query: GetMyFlags) -> MyFlagsView:
    """What is switched on for the asker at a place, and whether the marketplace is open there."""
    place = Point(query.lat, query.lng)
    region = regions.code_of(place)
    mine = rules.of(listings.live.settings.flags, call.actor.user_id, region, place)
    mine.pop(REGION_LIVE, None)
    return MyFlagsView(
        region=region, flags=mine, region_live=listings.live.is_open(call.actor.user_id, place)
    )


def require_move(listings: Listings, call: Call, here: Point, there: Point) -> None:
    """Raise RegionNotLive for moving a thing to where it could not be published. Within a region that is not open, or not any more,
    its place may still be corrected."""
    stays = regions.code_of(here) == regions.code_of(there)
    if not stays or listings.live.is_open(call.actor.user_id, here):
        require_live(listings, call, there)


def require_live(listings: Listings, call: Call, place: Point) -> None:
    """Raise RegionNotLive where the marketplace is not open for who asks."""
    if not listings.live.is_open(call.actor.user_id, place):
        raise RegionNotLive(region=regions.code_of(place))
