"""What is shown of listings when others change: owners, ratings, orders; and the topics that show it."""

from __future__ import annotations

from collections.abc import Sequence

from infra.process import now_ms
from market.kernel.facts import (
    CreditChanged,
    ListingRated,
    UserChanged,
)
from market.kernel.geo import Point, cell
from market.kernel.topics import EVERYONE, Want
from market.listings import actions, views
from market.listings.commands import Close, Edit, Pause
from market.listings.rules.shown import ListingCard
from market.listings.wing import Listings
from tests.integration.conftest import call, new_id, someone
from tests.integration.listings.conftest import (
    facts_of,
    hear,
    heard,
    look,
    moved,
    publish,
)


async def test_the_owners_name_and_credit_are_on_every_open_listing(listings: Listings) -> None:
    owner = someone()
    id_ = owner.user_id
    early = UserChanged(
        user_id=id_, version=1, nickname="阿明", avatar_url="/1", role="user", openid="o-secret"
    )
    await hear(listings, heard("user.changed", id_, 1, early))
    first, second, gone = [(await publish(listings, owner)).listing_id for _ in range(3)]
    assert (await look(listings, first)).owner.nickname == "阿明"
    closed = await actions.close(listings, call(owner), Close(listing_id=gone, version=1))

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
        assert (listing.version, listing.terms_version, listing.owner.ratings) == (3, 1, 3)
        facts = await facts_of(listings, listing_id)
        assert [f.version for f in facts] == [1, 2, 3]
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
    assert (now.rating_centistars, now.ratings, now.version, now.terms_version) == (433, 2, 2, 1)


async def test_orders_move_the_deal_rate(listings: Listings) -> None:
    listing = await publish(listings, someone())
    await hear(listings, *(moved(listing, "pending_payment") for _ in range(3)))
    created = await look(listings, listing.listing_id)
    assert (created.deal_rate_percent, created.orders_completed) == (38, 0)
    await hear(listings, moved(listing, "completed"))
    done = await look(listings, listing.listing_id)
    assert (done.deal_rate_percent, done.orders_completed) == (50, 1)
    assert done.version == created.version + 1


async def entries(listings: Listings, *cells: str) -> list[tuple[int, dict[str, ListingCard]]]:
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
            cards[entry.key] = entry.payload
        found.append((area.version, cards))
    return found


async def test_a_cells_version_rises_with_every_change_in_it(listings: Listings) -> None:
    """Also when a listing leaves, comes back, and leaves again."""
    here, there = (-47.5, -30.5), (-47.5, -29.5)
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
    for version, (lat, lng) in enumerate((there, here, there), start=1):
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
    await actions.pause(listings, call(owner), Pause(listing_id=listing.listing_id, version=4))
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
        Want(topic=f"listing:{known.listing_id}", have=1),
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
