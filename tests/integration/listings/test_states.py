"""What the map says of a listing as orders come, begin, end and pass; and that who is banned offers nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from infra.mysql.database import Tx
from infra.process import now_ms
from market.kernel.errors import Forbidden
from market.kernel.facts import (
    EXTENSION_MOVED,
    Heard,
    ListingStateChanged,
    OrderMoved,
)
from market.kernel.geo import Point, cell
from market.kernel.ids import Id
from market.kernel.period import DAY_MS, HOUR_MS, MINUTE_MS, Period
from market.kernel.topics import Entry, Want
from market.listings import actions, handlers, occupancy, taking_store, views
from market.listings.commands import Close, GetListing, Pause, Resume
from market.listings.rules.shown import ListingCard, ListingView
from market.listings.rules.takings import AHEAD_MS
from market.listings.wing import Listings
from tests.integration.conftest import call, new_id, someone
from tests.integration.listings.conftest import ban, facts_of, hear, heard, look, publish
from workers import listing_states

NOW_MS = now_ms()
FOREVER_MS = NOW_MS + 10**11


class Booking:
    """An order of a listing, as it tells of itself."""

    def __init__(self, listing: ListingView, start_ms: int, hours: int = 1, seats: int = 1) -> None:
        self.listing = listing
        self.order_id = new_id()
        self.version = 0
        self.start_ms = start_ms
        self.end_ms = start_ms + hours * HOUR_MS
        self.seats = seats

    def tells(self, state: str) -> Heard:
        self.version += 1
        listing = self.listing
        free = state in ("declined", "expired", "cancelled", "refunded")
        data = OrderMoved(
            order_id=self.order_id, version=self.version, transition="", state=state, by="buyer",
            listing_id=listing.listing_id, buyer_id=new_id(), owner_id=listing.owner.user_id, title="",
            start_ms=self.start_ms, end_ms=self.end_ms, rent_fen=0, deposit_fen=0, fee_fen=0, total_fen=0,
            refund_fen=0, refund_deposit_fen=0, owner_fen=0, pay_by_ms=0, tells=(),
            taken_seats=0 if free else self.seats, taken_until_ms=self.end_ms,
        )  # fmt: skip
        return heard(f"order.{state}", self.order_id, self.version, data)


async def entry_of(listings: Listings, listing_id: Id) -> Entry:
    """What the snapshot of its cell says."""
    seen = await look(listings, listing_id)
    name = cell(Point(seen.lat, seen.lng))
    (found,) = await views.snapshot(listings, [Want(topic=f"area:{name}")], now_ms())
    (entry,) = [e for e in found.entries if e.key == str(int(listing_id))]
    return entry


async def state_of(listings: Listings, listing_id: Id) -> str:
    payload = (await entry_of(listings, listing_id)).payload
    assert isinstance(payload, ListingCard)
    return payload.state


async def pass_time(listings: Listings, until_ms: int) -> None:
    while await listing_states.run_once(listings, until_ms):
        pass


async def kept(listings: Listings, listing_id: Id) -> int:
    async with listings.db.read() as cursor:
        row = await cursor.one("SELECT COUNT(*) FROM takings WHERE listing_id = %s", listing_id)
    assert row is not None
    return int(row[0])


def place(n: int) -> dict[str, Any]:
    """Cells of their own, so that a snapshot is small."""
    return {"lat": -49.5, "lng": -20.0 + n}


async def test_a_life_of_an_order_on_the_map(listings: Listings) -> None:
    listing = await publish(listings, someone(), **place(0))
    id_ = listing.listing_id
    order = Booking(listing, NOW_MS + HOUR_MS)
    seen = [await entry_of(listings, id_)]
    for state in ("requested", "pending_payment", "ready", "in_use", "disputed", "completed"):
        fact = order.tells(state)
        if fact.kind in handlers.HANDLERS:  # the others say nothing new
            await hear(listings, fact)
        seen.append(await entry_of(listings, id_))
    assert [entry.payload.state for entry in seen] == [
        "free", "held", "held", "held", "in_use", "in_use", "held",
    ]  # fmt: skip
    versions = [entry.version for entry in seen]
    assert versions == sorted(versions)
    pushed = {
        push["version"]: push["payload"]["state"]
        for fact in await facts_of(listings, id_)
        for push in fact.pushes
        if push["topic"].startswith("area:")
    }
    assert list(pushed) == list(range(versions[0], versions[-1] + 1))
    assert all(pushed[entry.version] == entry.payload.state for entry in seen)
    counted = await look(listings, id_)
    # What orders do to the map is no change of the listing, but for being counted.
    assert counted.version == listing.version + 1
    assert counted.terms_version == 1


async def test_nobody_else_is_told_of_a_state(listings: Listings) -> None:
    listing = await publish(listings, someone(), **place(1))
    await hear(listings, Booking(listing, NOW_MS).tells("ready"))
    last = (await facts_of(listings, listing.listing_id))[-1]
    assert (last.kind, [p["topic"][:5] for p in last.pushes]) == (
        ListingStateChanged.KIND,
        ["area:"],
    )


async def test_time_alone_changes_what_the_map_says(listings: Listings) -> None:
    listing = await publish(listings, someone(), **place(2))
    id_ = listing.listing_id
    order = Booking(listing, NOW_MS + 5 * DAY_MS)
    await hear(listings, order.tells("ready"))
    await pass_time(listings, NOW_MS + HOUR_MS)
    assert await state_of(listings, id_) == "free"
    await pass_time(listings, order.start_ms - AHEAD_MS)
    assert await state_of(listings, id_) == "free"
    await pass_time(listings, order.start_ms - AHEAD_MS + 1)
    assert await state_of(listings, id_) == "held"
    await pass_time(listings, order.end_ms - 1)
    assert await state_of(listings, id_) == "held"
    await pass_time(listings, order.end_ms)
    assert await state_of(listings, id_) == "free"
    assert await kept(listings, id_) == 0


async def test_what_is_not_given_back_stays_in_use_however_late(listings: Listings) -> None:
    listing = await publish(listings, someone(), **place(3))
    id_ = listing.listing_id
    order = Booking(listing, NOW_MS - 5 * HOUR_MS)
    await hear(listings, order.tells("in_use"))
    await pass_time(listings, NOW_MS + 5 * DAY_MS)
    assert await state_of(listings, id_) == "in_use"
    await hear(listings, order.tells("returned"))
    assert await state_of(listings, id_) == "free"
    await pass_time(listings, now_ms())
    assert await kept(listings, id_) == 0


async def test_handed_over_before_its_time_and_given_back_before_it_too(listings: Listings) -> None:
    listing = await publish(listings, someone(), **place(4))
    order = Booking(listing, NOW_MS + DAY_MS)
    await hear(listings, order.tells("ready"), order.tells("in_use"))
    assert await state_of(listings, listing.listing_id) == "in_use"
    await hear(listings, order.tells("returned"))
    assert await state_of(listings, listing.listing_id) == "free"


async def test_seats(listings: Listings) -> None:
    listing = await publish(listings, someone(), capacity=3, **place(5))
    id_ = listing.listing_id
    one, two = Booking(listing, NOW_MS), Booking(listing, NOW_MS + 30 * MINUTE_MS, seats=2)
    await hear(listings, one.tells("in_use"))
    assert await state_of(listings, id_) == "free"
    await hear(listings, two.tells("ready"))
    assert await state_of(listings, id_) == "in_use"
    await hear(listings, two.tells("cancelled"))
    assert await state_of(listings, id_) == "free"
    await pass_time(listings, two.end_ms)
    assert await kept(listings, id_) == 1


async def test_a_cells_version_rises_when_a_state_changes_and_when_its_listing_leaves(
    listings: Listings,
) -> None:
    owner = someone()
    listing = await publish(listings, owner, **place(6))
    order = Booking(listing, NOW_MS)
    name = cell(Point(listing.lat, listing.lng))

    async def version() -> int:
        (found,) = await views.snapshot(listings, [Want(topic=f"area:{name}")], now_ms())
        return found.version

    seen = [await version()]
    for state in ("ready", "in_use", "returned", "cancelled"):
        await hear(listings, order.tells(state))
        seen.append(await version())
    id_ = listing.listing_id
    count = (await look(listings, id_)).version
    await actions.pause(listings, call(owner), Pause(listing_id=id_, version=count))
    seen.append(await version())
    await hear(listings, Booking(listing, NOW_MS).tells("ready"))
    seen.append(await version())
    await actions.resume(listings, call(owner), Resume(listing_id=id_, version=count + 1))
    assert await state_of(listings, id_) == "held"
    await actions.close(listings, call(owner), Close(listing_id=id_, version=count + 2))
    seen.append(await version())
    assert seen == sorted(set(seen))


async def test_who_is_banned_offers_nothing(listings: Listings) -> None:
    owner = someone()
    live, paused, closed = [await publish(listings, owner, **place(7)) for _ in range(3)]
    seen = live.version
    pause = Pause(listing_id=paused.listing_id, version=seen)
    await actions.pause(listings, call(owner), pause)
    await actions.close(listings, call(owner), Close(listing_id=closed.listing_id, version=seen))
    await ban(listings, owner)
    now = [await look(listings, view.listing_id) for view in (live, paused, closed)]
    assert [(view.status, view.version) for view in now] == [
        ("paused", seen + 1),
        ("paused", seen + 1),
        ("closed", seen + 1),
    ]
    assert (await entry_of(listings, live.listing_id)).payload.status == "paused"
    with pytest.raises(Forbidden):
        await publish(listings, owner)
    resume = Resume(listing_id=live.listing_id, version=seen + 1)
    with pytest.raises(Forbidden):
        await actions.resume(listings, call(owner), resume)


async def test_facts_about_listings_that_are_not_here_hurt_nobody(listings: Listings) -> None:
    listing = await publish(listings, someone(), **place(8))
    stranger = Booking(listing, NOW_MS).tells("ready")
    assert isinstance(stranger.data, OrderMoved)
    other = Booking(await publish(listings, someone(), **place(8)), NOW_MS)
    async with listings.db.read() as cursor:
        await cursor.execute("DELETE FROM listings WHERE id = %s", other.listing.listing_id)
    await hear(listings, other.tells("ready"), stranger)
    assert await state_of(listings, listing.listing_id) == "held"
    assert await occupancy.pass_time(listings, NOW_MS - DAY_MS) == 0


async def test_what_is_disputed_is_in_use_or_not_as_before_though_its_extension_ends(
    listings: Listings,
) -> None:
    for n, before in enumerate(("in_use", "returned")):
        listing = await publish(listings, someone(), **place(9 + n))
        order = Booking(listing, NOW_MS - 3 * HOUR_MS, hours=2)
        order.end_ms += 10 * HOUR_MS  # with an extension
        facts = [order.tells("in_use"), order.tells(before)]
        order.end_ms -= 10 * HOUR_MS
        closed = order.tells("disputed")
        last = heard(EXTENSION_MOVED, order.order_id, closed.version, closed.data)
        assert closed.kind not in handlers.HANDLERS
        batch = [*facts, last]

        async def body(tx: Tx, batch: list[Heard] = batch) -> None:
            await handlers.on_orders.run(listings, tx, batch)

        await listings.db.act(NOW_MS, body, type(None))
        expected = "in_use" if before == "in_use" else "free"
        assert await state_of(listings, listing.listing_id) == expected
        after = Period(NOW_MS, NOW_MS + HOUR_MS)
        async with listings.db.read() as cursor:
            free = await taking_store.still_free(cursor, [listing.listing_id], after, 1, NOW_MS)
        assert free == {listing.listing_id}
        await pass_time(listings, NOW_MS)
        assert await kept(listings, listing.listing_id) == (before == "in_use")


async def test_an_order_that_is_used_longer_takes_longer_and_counts_once(
    listings: Listings,
) -> None:
    """Its extension may be closed when the order itself has ended."""
    owner = someone()
    listing = await publish(listings, owner)
    booking = Booking(listing, NOW_MS + DAY_MS)
    after = Period(booking.end_ms, booking.end_ms + HOUR_MS)

    async def is_free() -> bool:
        ids = [listing.listing_id]
        async with listings.db.read() as cursor:
            return bool(await taking_store.still_free(cursor, ids, after, 1, NOW_MS))

    def extension(state: str, until_ms: int) -> Heard:
        told = booking.tells(state)
        assert isinstance(told.data, OrderMoved)
        data = replace(told.data, taken_until_ms=until_ms)
        return heard(EXTENSION_MOVED, booking.order_id, booking.version, data)

    await hear(listings, booking.tells("ready"))
    assert await is_free()
    await hear(listings, extension("ready", after.end_ms))
    assert not await is_free()
    ended = booking.tells("completed")
    await hear(listings, ended, extension("completed", booking.end_ms))
    assert await is_free()
    mine = await views.get(listings, call(owner), GetListing(listing_id=listing.listing_id))
    assert mine.orders_created == 1
