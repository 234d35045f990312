"""Flags at run time: who has them, where the marketplace is open, who has changed what."""

from __future__ import annotations

import asyncio
from typing import Any

import pymysql.err
import pytest

from infra.mysql.database import Tx
from infra.process import Process, now_ms
from market.kernel.actor import ANONYMOUS, Actor
from market.kernel.errors import (
    BadInput,
    RegionNotLive,
)
from market.kernel.regions import REGIONS
from market.listings import experiments, flags
from market.listings.rules.flags import REGION_LIVE
from market.listings.rules.shown import SearchView
from market.listings.setting_commands import (
    GetMyFlags,
    ListChanges,
    ListFlags,
)
from market.listings.wing import Listings, open_wing
from tests.integration.conftest import call, new_id, someone
from tests.integration.listings.conftest import publish
from tests.integration.listings.setting import (
    OPERATOR,
    WHY,
    Asked,
    do,
    region,
    search,
)
from tests.integration.listings.test_reviewing import edit
from tests.integration.listings.test_reviewing import mine as as_owner

HARBIN = {"lat": 45.80, "lng": 126.53}
"""Far from every region."""


async def test_another_node_follows_within_seconds(clean: Listings, process: Process) -> None:
    other = await open_wing(process)
    flag = await do(flags.set_flag, clean, name="new_map", version=0, on=True, reason=WHY)

    async def heard_of() -> None:
        while "new_map" not in other.live.settings.flags:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    await asyncio.wait_for(heard_of(), 5)
    assert other.live.settings.flags["new_map"] == flag


A_FLAG: Asked = {"name": "a", "version": 0, "on": True, "reason": WHY}


async def test_every_change_says_who_when_why_and_from_what_to_what(clean: Listings) -> None:
    name = f"audited_{new_id() % 1_000_000}"
    before = now_ms()
    first = await do(flags.set_flag, clean, name=name, version=0, on=False, reason="prepared")
    await do(
        flags.set_flag, clean, name=name, version=first.version, on=True, regions=["beijing"], reason="opened"
    )  # fmt: skip
    seen = await experiments.changes(clean, call(OPERATOR), ListChanges(name=f"flag:{name}"))
    newest, oldest = seen.changes
    assert [c.reason for c in seen.changes] == ["opened", "prepared"]
    assert {c.actor_id for c in seen.changes} == {OPERATOR.user_id}
    assert before <= oldest.at_ms <= newest.at_ms <= now_ms()
    assert oldest.before is None
    assert newest.before == oldest.after
    assert (newest.before["on"], newest.after["on"]) == (False, True)
    assert newest.after["regions"] == ["beijing"]
    rest = await experiments.changes(
        clean, call(OPERATOR), ListChanges(name=f"flag:{name}", before=newest.change_id)
    )
    assert rest.changes == (oldest,)


async def test_what_has_been_logged_cannot_be_changed_by_the_product(listings: Listings) -> None:
    async def rewrite(tx: Tx) -> None:
        await tx.execute("UPDATE setting_changes SET reason = 'nothing happened'")

    with pytest.raises(pymysql.err.OperationalError):
        await listings.db.act(now_ms(), rewrite, type(None))


async def closed_but_for(listings: Listings, *codes: str, users: tuple[Actor, ...] = ()) -> None:
    seen = await flags.listed(listings, call(OPERATOR), ListFlags())
    version = next((f.version for f in seen.flags if f.name == REGION_LIVE), 0)
    await do(
        flags.set_flag, listings, name=REGION_LIVE, version=version, on=True, regions=list(codes),
        users=[str(int(u.user_id)) for u in users], reason=WHY,
    )  # fmt: skip


async def mine(listings: Listings, actor: Actor, place: Asked) -> flags.MyFlagsView:
    return await flags.mine(listings, call(actor), GetMyFlags(**place))


async def test_every_place_is_live_unless_somebody_says_otherwise(listings: Listings) -> None:
    for code in (r.code for r in REGIONS):
        seen = await mine(listings, ANONYMOUS, region(code))
        assert (seen.region, seen.region_live) == (code, True)
    nowhere = await mine(listings, ANONYMOUS, HARBIN)
    assert (nowhere.region, nowhere.region_live) == ("", True)


async def test_a_region_that_is_not_live_says_so(clean: Listings) -> None:
    tester = someone()
    there = await publish(clean, someone(), **region("xiamen"))
    await closed_but_for(clean, "shanghai", users=(tester,))
    stranger = someone()
    for place, live in (("shanghai", True), ("xiamen", False)):
        assert (await mine(clean, stranger, region(place))).region_live is live
        assert (await search(clean, stranger, **region(place))).region_live is live
    assert await search(clean, stranger, **region("xiamen")) == SearchView(
        hits=(), next=None, candidates=0, region_live=False
    )
    with pytest.raises(RegionNotLive) as refused:
        await publish(clean, stranger, **region("xiamen"))
    assert refused.value.data == {"region": "xiamen"}
    await publish(clean, stranger, **region("shanghai"))
    seen = await search(clean, tester, **region("xiamen"))
    assert there.listing_id in {h.listing.listing_id for h in seen.hits}
    await publish(clean, tester, **region("xiamen"))


async def test_nothing_is_moved_to_where_it_could_not_be_published(clean: Listings) -> None:
    owner, tester = someone(), someone()
    here, there = region("shanghai"), region("xiamen")
    listing = await publish(clean, owner, **here)
    early = await publish(clean, owner, title="早就在那里", **there)
    tried = await publish(clean, tester, **here)
    await closed_but_for(clean, "shanghai", users=(tester,))
    with pytest.raises(RegionNotLive) as refused:
        await edit(clean, owner, listing.listing_id, **there)
    assert refused.value.data == {"region": "xiamen"}
    assert await as_owner(clean, owner, listing.listing_id) == listing
    # what is there already may be corrected there, and moved to where all is open
    nudged = {"lat": there["lat"] + 0.001, "lng": there["lng"]}
    assert (await edit(clean, owner, early.listing_id, **nudged)).lat == nudged["lat"]
    assert (await edit(clean, owner, early.listing_id, **here)).region == "shanghai"
    with pytest.raises(RegionNotLive):
        await edit(clean, owner, early.listing_id, **there)
    assert (await edit(clean, tester, tried.listing_id, **there)).region == "xiamen"


async def test_flags_by_campus_share_and_list(clean: Listings) -> None:
    on, off = someone(), someone()
    campus = {"name": "东校区", **region("wuhan"), "radius_m": 1_000}
    await do(
        flags.set_flag, clean, name="by_campus", version=0, on=True, campuses=[campus], reason=WHY
    )
    await do(
        flags.set_flag, clean, name="by_list", version=0, on=True, share_bp=0, users=[str(int(on.user_id))], reason=WHY
    )  # fmt: skip
    await do(flags.set_flag, clean, name="by_share", version=0, on=True, share_bp=5_000, reason=WHY)
    there = await mine(clean, on, region("wuhan"))
    assert (there.flags["by_campus"], there.flags["by_list"]) == (True, True)
    elsewhere = await mine(clean, off, region("beijing"))
    assert (elsewhere.flags["by_campus"], elsewhere.flags["by_list"]) == (False, False)
    having = [(await mine(clean, someone(), HARBIN)).flags["by_share"] for _ in range(200)]
    assert 50 < sum(having) < 150
    assert REGION_LIVE not in there.flags


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Not A Name"},
        {"name": "x" * 33},
        {"regions": ["atlantis"]},
        {"share_bp": 10_001},
        {"users": ["-1"]},
        {"users": ["5"] * 1_001},
        {"campuses": [{"name": "x", "lat": 91, "lng": 0, "radius_m": 5}]},
        {"campuses": [{"name": "x", "lat": float("nan"), "lng": 0, "radius_m": 5}]},
        {"on": "yes"},
        {"version": -1},
        {"reason": ""},
    ],
)
async def test_a_flag_that_makes_no_sense_is_refused(
    listings: Listings, body: dict[str, Any]
) -> None:
    with pytest.raises(BadInput):
        await do(flags.set_flag, listings, **(A_FLAG | body))
