"""What is shown of listings when others change: owners, ratings, orders; and the topics that show it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from infra.config import Config
from infra.process import now_ms, open_process
from market.kernel.errors import VersionConflict
from market.kernel.facts import (
    CreditChanged,
    Heard,
    ListingRated,
    UserChanged,
)
from market.kernel.geo import Point, cell
from market.kernel.topics import EVERYONE, Want
from market.listings import actions, views
from market.listings.commands import Close, Edit, ListMine, Pause
from market.listings.rules.shown import ListingCard
from market.listings.wing import Listings, open_wing
from tests.integration.conftest import call, new_id, someone
from tests.integration.listings.conftest import (
    facts_of,
    hear,
    heard,
    look,
    moved,
    publish,
)


async def test_who_is_forgotten_offers_nothing_any_more(listings: Listings) -> None:
    owner = someone()
    id_ = owner.user_id
    offered, paused = [(await publish(listings, owner)).listing_id for _ in range(2)]
    await actions.pause(listings, call(owner), Pause(listing_id=paused, version=2))
    gone = UserChanged(
        user_id=id_,
        version=9,
        nickname="已注销用户",
        avatar_url="",
        role="user",
        openid="o",
        forgotten=True,
    )
    await hear(listings, heard("user.changed", id_, 9, gone))
    for listing_id in (offered, paused):
        listing = await look(listings, listing_id)
        assert (listing.status, listing.owner.nickname) == ("closed", "已注销用户")


async def test_the_owners_name_and_credit_are_on_every_open_listing(listings: Listings) -> None:
    owner = someone()
    id_ = owner.user_id
    early = UserChanged(
        user_id=id_, version=1, nickname="阿明", avatar_url="/1", role="user", openid="o-secret"
    )
    await hear(listings, heard("user.changed", id_, 1, early))
    first, second, gone = [(await publish(listings, owner)).listing_id for _ in range(3)]
    assert (await look(listings, first)).owner.nickname == "阿明"
    closed = await actions.close(listings, call(owner), Close(listing_id=gone, version=2))

    credit = CreditChanged(user_id=id_, version=1, credit_centistars=467, ratings=3)
    late = UserChanged(
        user_id=id_, version=3, nickname="小明", avatar_url="/3", role="user", openid="o-secret"
    )
    stale = UserChanged(
        user_id=id_, version=2, nickname="大明", avatar_url="/2", role="user", openid="o-secret"
    )
    await hear(
        listings,
        heard("credit.changed", id_, 1, credit),
        heard("user.changed", id_, 3, late),
        heard("user.changed", id_, 2, stale),
    )
    for listing_id in (first, second):
        listing = await look(listings, listing_id)
        assert (listing.owner.nickname, listing.owner.credit_centistars) == ("小明", 467)
        assert (listing.version, listing.terms_version, listing.owner.ratings) == (4, 1, 3)
        facts = await facts_of(listings, listing_id)
        assert [f.version for f in facts] == [1, 2, 3, 4]
        assert all(b"o-secret" not in f.raw for f in facts)
    assert (await look(listings, gone)).version == closed.version

    later = await publish(listings, owner)
    assert (later.owner.nickname, later.owner.credit_centistars) == ("小明", 467)


async def test_a_rating_bumps_the_listing_once(listings: Listings) -> None:
    listing = await publish(listings, someone())
    id_ = listing.listing_id
    data = ListingRated(listing_id=id_, version=2, rating_centistars=433, ratings=2)
    older = ListingRated(listing_id=id_, version=1, rating_centistars=420, ratings=1)
    unknown = ListingRated(listing_id=new_id(), version=1, rating_centistars=420, ratings=1)
    await hear(
        listings,
        heard("listing.rated", id_, 2, data),
        heard("listing.rated", id_, 1, older),
        heard("listing.rated", unknown.listing_id, 1, unknown),
    )
    now = await look(listings, id_)
    assert (now.rating_centistars, now.ratings, now.version, now.terms_version) == (433, 2, 3, 1)


async def test_orders_move_the_deal_rate(listings: Listings) -> None:
    listing = await publish(listings, someone())
    await hear(listings, *(moved(listing, "cancelled") for _ in range(3)))
    lost = await look(listings, listing.listing_id)
    assert (lost.deal_rate_percent, lost.orders_completed) == (38, 0)
    await hear(listings, moved(listing, "completed"))
    done = await look(listings, listing.listing_id)
    assert (done.deal_rate_percent, done.orders_completed) == (44, 1)
    assert done.version == lost.version + 1


def amidst(row: int) -> float:
    """Degrees in the middle of the cells' rows and columns, which are as wide as high: no blurring leads out of the cell."""
    return (row + 0.5) * 180 / 4096


async def area(listings: Listings, name: str, at_ms: int | None = None) -> dict[str, ListingCard]:
    """All that a cell's snapshot says, by key."""
    (found,) = await views.snapshot(listings, [Want(topic=f"area:{name}")], at_ms or now_ms())
    cards = {}
    for entry in found.entries:
        assert isinstance(entry.payload, ListingCard)
        assert entry.key is not None
        cards[entry.key] = entry.payload
    assert len(cards) == len(found.entries)
    return cards


async def test_a_cell_remembers_for_a_day_what_was_taken_off_it(listings: Listings) -> None:
    here = {"lat": amidst(-1103), "lng": amidst(-694)}
    name = cell(Point(**here))
    owner = someone()
    stays, paused, moved_away = [
        (await publish(listings, owner, **here)).listing_id for _ in range(3)
    ]
    await actions.pause(listings, call(owner), Pause(listing_id=paused, version=2))
    away = Edit(listing_id=moved_away, version=2, lat=amidst(-1103), lng=amidst(-717))
    await actions.edit(listings, call(owner), away)
    again = Edit(listing_id=moved_away, version=3, address="again")
    await actions.edit(listings, call(owner), again)
    assert {key: (c.status, c.version) for key, c in (await area(listings, name)).items()} == {
        str(int(stays)): ("live", 2),
        str(int(paused)): ("paused", 3),
        str(int(moved_away)): ("gone", 3),
    }
    tomorrow = now_ms() + views.GONE_TOLD_MS + 1
    assert list(await area(listings, name, tomorrow)) == [str(int(stays))]


async def entries(listings: Listings, *cells: str) -> list[tuple[int, dict[str, ListingCard]]]:
    """The version of each cell, and what is live in it."""
    snapshots = await views.snapshot(
        listings, [Want(topic=f"area:{c}", have=1) for c in cells], now_ms()
    )
    by_topic = {s.topic: s for s in snapshots}
    found = []
    for c in cells:
        area = by_topic[f"area:{c}"]
        assert (area.kind, area.readers) == ("keyed", EVERYONE)
        cards: dict[str, ListingCard] = {}
        for entry in area.entries:
            assert isinstance(entry.payload, ListingCard)
            assert entry.key is not None
            assert entry.version == entry.payload.version
            if entry.payload.status == "live":
                cards[entry.key] = entry.payload
        found.append((area.version, cards))
    return found


async def test_a_cells_version_rises_with_every_change_in_it(listings: Listings) -> None:
    """Also when a listing leaves, comes back, and leaves again."""
    here, there = (amidst(-1080), amidst(-694)), (amidst(-1080), amidst(-671))
    a, b = cell(Point(*here)), cell(Point(*there))
    owner = someone()
    versions: dict[str, list[int]] = {a: [], b: []}

    async def note() -> tuple[dict[str, ListingCard], dict[str, ListingCard]]:
        (version_a, cards_a), (version_b, cards_b) = await entries(listings, a, b)
        versions[a].append(version_a)
        versions[b].append(version_b)
        return cards_a, cards_b

    assert await note() == ({}, {})
    listing = await publish(listings, owner, lat=here[0], lng=here[1])
    key = str(listing.listing_id)
    cards_a, cards_b = await note()
    assert (list(cards_a), list(cards_b)) == ([key], [])
    for version, (lat, lng) in enumerate((there, here, there), start=2):
        await actions.edit(
            listings,
            call(owner),
            Edit(listing_id=listing.listing_id, version=version, lat=lat, lng=lng),
        )
        cards_a, cards_b = await note()
        assert (list(cards_a), list(cards_b)) == (
            ([key], []) if (lat, lng) == here else ([], [key])
        )
    left = (await facts_of(listings, listing.listing_id))[-1].pushes[2]
    assert (left["topic"], left["key"]) == (f"area:{a}", key)
    assert left["payload"]["status"] == "gone"
    await actions.pause(listings, call(owner), Pause(listing_id=listing.listing_id, version=5))
    assert await note() == ({}, {})

    for seen in versions.values():
        changes = [n for n in range(1, len(seen)) if seen[n] != seen[n - 1]]
        assert seen == sorted(seen)
        assert changes
    assert len(set(versions[a])) == 5  # empty, published, left, back, left again
    assert len(set(versions[b])) == 5  # empty, arrived, left, back, paused


async def test_snapshots_in_one_batch(listings: Listings) -> None:
    known = await publish(listings, someone())
    other = await publish(listings, someone())
    wants: Sequence[Want] = [
        Want(topic=f"listing:{known.listing_id}", have=2),
        Want(topic=f"listing:{other.listing_id}", have=None),
        Want(topic=f"listing:{new_id()}"),
        Want(topic="listing:abc"),
        Want(topic="area:aaaaa"),
        Want(topic="area:wtw3"),
        Want(topic="session:1"),
    ]
    found = {s.topic: s for s in await views.snapshot(listings, wants, now_ms())}
    assert set(found) == {f"listing:{known.listing_id}", f"listing:{other.listing_id}"}
    assert found[f"listing:{known.listing_id}"].state is None
    state = found[f"listing:{other.listing_id}"].state
    assert state == await look(listings, other.listing_id)
    assert all(s.readers == EVERYONE for s in found.values())
    assert await views.snapshot(listings, [Want(topic="nothing")], now_ms()) == []


async def test_every_change_has_a_version_of_its_own_however_many_at_once(
    listings: Listings, environment: Mapping[str, str]
) -> None:
    """The owner edits, their name and credit change, orders and ratings come in: over two processes, at the same time."""
    owner = someone()
    first = await publish(listings, owner)
    id_, user_id = first.listing_id, owner.user_id

    def named(version: int) -> Heard:
        data = UserChanged(
            user_id=user_id,
            version=version,
            nickname=f"第{version}",
            avatar_url="",
            role="user",
            openid="o",
        )
        return heard("user.changed", user_id, version, data)

    def rated(version: int) -> Heard:
        data = ListingRated(
            listing_id=id_, version=version, rating_centistars=400 + version, ratings=version
        )
        return heard("listing.rated", id_, version, data)

    async def edit(wing: Listings, title: str) -> None:
        while True:
            version = (await look(wing, id_)).version
            try:
                await actions.edit(
                    wing, call(owner), Edit(listing_id=id_, version=version, address=title)
                )
                return
            except VersionConflict:
                continue

    async with open_process(Config.from_environment(environment)) as second:
        other = await open_wing(second)
        await asyncio.gather(
            *(edit(wing, f"题{n}") for n, wing in enumerate((listings, other))),
            *(hear(wing, named(n)) for n, wing in enumerate((listings, other, listings), start=1)),
            *(hear(wing, rated(n)) for n, wing in enumerate((other, listings, other), start=1)),
            *(hear(wing, moved(first, "completed")) for wing in (listings, other)),
            publish(other, owner),
        )
    now = await look(listings, id_)
    assert (now.owner.nickname, now.rating_centistars, now.orders_completed) == ("第3", 403, 2)
    assert [f.version for f in await facts_of(listings, id_)] == list(range(1, now.version + 1))
    mine = await views.mine(listings, call(owner), ListMine())
    assert {listing.owner.nickname for listing in mine.listings} == {"第3"}
