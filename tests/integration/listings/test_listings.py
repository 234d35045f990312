"""Publishing and changing listings, against a real database."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from infra import wire
from infra.process import now_ms
from market.kernel.actor import Actor
from market.kernel.errors import (
    BadInput,
    Forbidden,
    IllegalTransition,
    KeyReused,
    NotFound,
    Unauthenticated,
    VersionConflict,
)
from market.kernel.geo import Point, cell
from market.kernel.ids import Id
from market.kernel.terms import TERMS
from market.listings import actions, store, views
from market.listings.commands import Close, Edit, GetListing, ListMine, Pause, Resume
from market.listings.rules import shown
from market.listings.rules.shown import ListingView
from market.listings.wing import Listings
from tests.integration.conftest import call, new_id, someone
from tests.integration.listings.conftest import (
    BODY,
    PLAN,
    facts_of,
    look,
    publish,
)


async def test_what_is_published_is_live_when_it_has_been_looked_at(listings: Listings) -> None:
    owner = someone()
    listing = await publish(listings, owner)
    assert (listing.status, listing.version, listing.terms_version) == ("live", 2, 1)
    assert listing.category_label == "工具"
    assert listing.address == "南京东路 1 号"
    mine = await views.get(listings, call(owner), GetListing(listing_id=listing.listing_id))
    assert mine == listing
    assert (await look(listings, listing.listing_id)).address == ""

    drafted, fact = await facts_of(listings, listing.listing_id)
    assert (drafted.kind, drafted.version) == ("listing.drafted", 1)
    assert [p["topic"] for p in drafted.pushes] == [f"listing:{listing.listing_id}"]
    assert (fact.kind, fact.version) == ("listing.changed", 2)
    shown_at = await look(listings, listing.listing_id)
    assert [(p["topic"], p["kind"], p["key"]) for p in fact.pushes] == [
        (f"listing:{listing.listing_id}", "state", None),
        (f"area:{cell(Point(shown_at.lat, shown_at.lng))}", "keyed", str(listing.listing_id)),
    ]
    assert [p["payload"].get("address", "") for p in fact.pushes] == ["", ""]


@pytest.mark.parametrize(
    "changes",
    [
        {"price_hour_fen": None, "price_day_fen": None},
        {"category": "weapons"},
        {"title": " "},
        {"title": "x" * 61},
        {"photos": ["p.jpg"] * 10},
        {"photos": ["javascript:alert(1)"]},
        {"lat": 90.1},
        {"lng": float("nan")},
        {"price_hour_fen": -1},
        {"deposit_fen": 2**40},
        {"plan": {"weekly": [[]] * 6}},
        {"plan": {"weekly": [[[10, 5]]] * 7}},
        {"plan": None},
        {"surcharge_bp": [0] * 6},
        {"surcharge_bp": [0] * 6 + [10_001]},
        {"policy": "generous"},
        {"booking": "maybe"},
        {"capacity": 0},
        {"buffer_minutes": -1},
        {"horizon_days": 91},
        {"shortest_minutes": 14},
        {"shortest_minutes": 120, "longest_minutes": 60},
        {"notice_minutes": 2000, "horizon_days": 1},
        {"minimum_fen": 100_000_000},
    ],
)
async def test_bad_input_is_refused_and_leaves_nothing(
    listings: Listings, changes: dict[str, Any]
) -> None:
    owner = someone()
    with pytest.raises(BadInput):
        await publish(listings, owner, **changes)
    assert (await views.mine(listings, call(owner), ListMine())).listings == ()


@pytest.mark.allow_blocking  # a zone that is not cached is looked for in the system's files
async def test_an_unknown_time_zone_is_refused(listings: Listings) -> None:
    with pytest.raises(BadInput):
        await publish(listings, someone(), plan=PLAN | {"time_zone": "Mars/Olympus"})


async def test_nobody_publishes_unseen(listings: Listings) -> None:
    with pytest.raises(Unauthenticated):
        await publish(listings, Actor(user_id=Id(0), role="anonymous"))


async def test_the_same_key_publishes_once(listings: Listings) -> None:
    owner, key = someone(), str(new_id())
    answers = await asyncio.gather(
        *(actions.publish.perform(listings, owner, now_ms(), key, BODY) for _ in range(5))
    )
    assert len({a.listing_id for a in answers}) == 1
    assert len((await views.mine(listings, call(owner), ListMine())).listings) == 1
    with pytest.raises(KeyReused):
        await actions.publish.perform(listings, owner, now_ms(), key, BODY | {"title": "锤子"})


async def test_edit_changes_what_is_given_and_no_more(listings: Listings) -> None:
    owner = someone()
    before = await publish(listings, owner)
    id_ = before.listing_id
    titled = await actions.edit(
        listings, call(owner), Edit(listing_id=id_, version=2, address="锤路 1 号")
    )
    assert (titled.address, titled.version, titled.terms_version) == ("锤路 1 号", 3, 1)
    assert titled.plan == before.plan
    priced = await actions.edit(
        listings, call(owner), Edit(listing_id=id_, version=3, drop_prices=("hour",), deposit_fen=0)
    )
    assert (priced.price_hour_fen, priced.price_day_fen, priced.deposit_fen) == (None, 3000, 0)
    assert (priced.version, priced.terms_version) == (4, 2)
    with pytest.raises(BadInput):
        await actions.edit(
            listings, call(owner), Edit(listing_id=id_, version=4, drop_prices=("day",))
        )
    with pytest.raises(BadInput):
        await actions.edit(
            listings, call(owner), Edit(listing_id=id_, version=4, price_week_fen=1, drop_prices=("week",))
        )  # fmt: skip
    with pytest.raises(BadInput):
        await actions.edit(listings, call(owner), Edit(listing_id=id_, version=4, lat=1.0))
    same = await actions.edit(
        listings, call(owner), Edit(listing_id=id_, version=4, address="锤路 1 号")
    )
    assert same.version == 4
    assert [f.version for f in await facts_of(listings, id_)] == [1, 2, 3, 4]


async def test_terms_are_kept_as_given(listings: Listings) -> None:
    owner = someone()
    given: dict[str, Any] = {
        "price_hour_fen": None, "price_day_fen": None, "price_week_fen": 9_000, "surcharge_bp": [0, 0, 0, 0, 500, 1000, 1000],
        "minimum_fen": 100, "waives_deposit": True, "policy": "strict", "booking": "request", "capacity": 4,
        "buffer_minutes": 30, "notice_minutes": 60, "horizon_days": 30, "shortest_minutes": 60,
        "longest_minutes": 2880, "plan": PLAN | {"blocks": [[1, 2]]},
    }  # fmt: skip
    listing = await publish(listings, owner, **given)
    assert listing.plan.blocks == ((1, 2),)
    shown_terms = msgspec.json.decode(wire.json(listing))
    del given["plan"]
    assert {name: shown_terms[name] for name in given} == given
    seen = await look(listings, listing.listing_id)
    assert [getattr(seen, n) for n in TERMS] == [getattr(listing, n) for n in TERMS]
    async with listings.db.read() as cursor:
        prices = await cursor.one(
            "SELECT price_hour_fen, price_day_fen, price_week_fen FROM listings WHERE id = %s", listing.listing_id
        )  # fmt: skip
    assert prices == (None, None, 9_000)
    edit = Edit(
        listing_id=listing.listing_id, version=2, price_day_fen=2_000, drop_prices=("week",)
    )
    assert (await actions.edit(listings, call(owner), edit)).price_week_fen is None


async def test_strangers_and_stale_screens_are_refused(listings: Listings) -> None:
    owner = someone()
    id_ = (await publish(listings, owner)).listing_id
    with pytest.raises(Forbidden):
        await actions.edit(listings, call(someone()), Edit(listing_id=id_, version=2, title="x"))
    with pytest.raises(Forbidden):
        await actions.pause(listings, call(someone()), Pause(listing_id=id_, version=2))
    with pytest.raises(Forbidden):
        await actions.close(listings, call(someone()), Close(listing_id=id_, version=2))
    assert (await look(listings, id_)).version == 2
    with pytest.raises(VersionConflict) as refused:
        await actions.pause(listings, call(owner), Pause(listing_id=id_, version=3))
    assert refused.value.data["version"] == 2
    with pytest.raises(NotFound):
        await actions.pause(listings, call(owner), Pause(listing_id=new_id(), version=2))
    with pytest.raises(NotFound):
        await look(listings, new_id())


async def test_pause_resume_close(listings: Listings) -> None:
    owner = someone()
    id_ = (await publish(listings, owner)).listing_id
    paused = await actions.pause(listings, call(owner), Pause(listing_id=id_, version=2))
    assert (paused.status, paused.terms_version) == ("paused", 2)
    live = await actions.resume(listings, call(owner), Resume(listing_id=id_, version=3))
    assert (live.status, live.terms_version) == ("live", 3)
    closed = await actions.close(listings, call(owner), Close(listing_id=id_, version=4))
    assert (closed.status, closed.version) == ("closed", 5)
    with pytest.raises(IllegalTransition):
        await actions.resume(listings, call(owner), Resume(listing_id=id_, version=5))
    with pytest.raises(IllegalTransition):
        await actions.edit(listings, call(owner), Edit(listing_id=id_, version=5, title="x"))


async def test_of_many_edits_of_one_version_one_wins(listings: Listings) -> None:
    owner = someone()
    id_ = (await publish(listings, owner)).listing_id
    answers = await asyncio.gather(
        *(
            actions.edit(listings, call(owner), Edit(listing_id=id_, version=2, address=f"第{n}"))
            for n in range(6)
        ),
        return_exceptions=True,
    )
    won = [a for a in answers if isinstance(a, ListingView)]
    assert len(won) == 1
    assert sum(isinstance(a, VersionConflict) for a in answers) == 5
    assert await look(listings, id_) == shown.view(await _stored(listings, id_))
    assert (await _stored(listings, id_)).address == won[0].address


async def _stored(listings: Listings, id_: Id) -> Any:
    async with listings.db.read() as cursor:
        return (await store.read(cursor, [id_]))[0]


async def test_mine_is_read_page_by_page(listings: Listings) -> None:
    owner = someone()
    ids = [(await publish(listings, owner)).listing_id for _ in range(5)]
    await publish(listings, someone())
    await actions.close(listings, call(owner), Close(listing_id=ids[0], version=2))
    seen: list[Id] = []
    before: Id | None = None
    pages = 0
    while pages < 10:
        pages += 1
        page = await views.mine(listings, call(owner), ListMine(before=before, limit=2))
        seen += [listing.listing_id for listing in page.listings]
        before = page.next
        if before is None:
            break
    assert pages == 3
    assert seen == sorted(ids, reverse=True)
