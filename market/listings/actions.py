"""Doing it: each function is one transaction; its docstring names the rows it locks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.action import action, table
from infra.mysql.database import Tx
from market.kernel.actor import Call
from market.kernel.errors import BadInput
from market.kernel.geo import Point
from market.kernel.ids import Id
from market.kernel.terms import TERMS, Terms
from market.listings import store
from market.listings.commands import Close, Edit, Pause, Publish, Resume
from market.listings.flags import require_live
from market.listings.rules import listing as rules
from market.listings.rules import offer, shown
from market.listings.rules.listing import Listing
from market.listings.rules.shown import ListingView
from market.listings.wing import Listings

EDITED_AS_GIVEN = ("title", "description", "category", "photos", "address")


@action("listings.publish")
async def publish(listings: Listings, call: Call, command: Publish) -> ListingView:
    """Offer something; it is live at once. Locks the owner."""
    terms = offer.check(Terms(**_terms(command)))

    async def body(tx: Tx) -> ListingView:
        owner = await store.lock_owner(tx, call.actor.user_id)
        await tx.claim(call, command)
        rules.may_offer(owner)
        require_live(listings, call, Point(command.lat, command.lng))
        rules.may_publish(await store.count_open(tx, owner.user_id))
        listing = Listing(
            id=tx.new_id(), version=1, terms_version=1, owner=rules.owner_card(owner),
            status="live", title=command.title, description=command.description,
            category=command.category, photos=command.photos,
            **rules.place(Point(command.lat, command.lng), owner.place_secret),
            address=command.address, terms=terms, published_ms=call.now_ms,
        )  # fmt: skip
        await store.insert(tx, listing)
        tx.emit(shown.changed(None, listing))
        return shown.view(listing, owner.user_id)

    return await listings.db.act(call.now_ms, body, ListingView)


@action("listings.edit")
async def edit(listings: Listings, call: Call, command: Edit) -> ListingView:
    """Change one's own listing. Locks the listing."""
    changes, new_terms, point = _changes(command), _new_terms(command), _point(command)

    async def body(tx: Tx) -> ListingView:
        before = await store.lock(tx, command.listing_id)
        await tx.claim(call, command)
        rules.may_change(before, call.actor.user_id, command.version)
        moved = {}
        if point is not None:
            moved = rules.place(point, await store.place_secret(tx, before.owner.user_id))
        after = rules.edit(before, changes | moved, new_terms)
        await save(tx, before, after)
        return shown.view(after, call.actor.user_id)

    return await listings.db.act(call.now_ms, body, ListingView)


@action("listings.pause")
async def pause(listings: Listings, call: Call, command: Pause) -> ListingView:
    """Stop new orders for a while. Locks the listing."""
    return await _move(listings, call, command, "pause")


@action("listings.resume")
async def resume(listings: Listings, call: Call, command: Resume) -> ListingView:
    """Offer a paused listing again. Locks the owner, then the listing."""
    return await _move(listings, call, command, "resume")


@action("listings.close")
async def close(listings: Listings, call: Call, command: Close) -> ListingView:
    """Take it back for good. Locks the listing."""
    return await _move(listings, call, command, "close")


async def _move(
    listings: Listings, call: Call, command: Pause | Resume | Close, move: rules.Move
) -> ListingView:
    async def body(tx: Tx) -> ListingView:
        if move == "resume":
            rules.may_offer(await store.lock_owner(tx, call.actor.user_id))
        before = await store.lock(tx, command.listing_id)
        await tx.claim(call, command)
        rules.may_change(before, call.actor.user_id, command.version)
        after = rules.move(before, move)
        await save(tx, before, after)
        return shown.view(after, call.actor.user_id)

    return await listings.db.act(call.now_ms, body, ListingView)


async def repaint(tx: Tx, before: rules.Owner, owner: rules.Owner) -> None:
    """Store what was heard of an owner, and show it on their open listings. Locks these, after the owner."""
    if owner == before:
        return
    await store.update_owner(tx, owner)
    if rules.owner_card(owner) == rules.owner_card(before):
        return
    for listing in await store.lock_open_of(tx, owner.user_id):
        await save(tx, listing, rules.repaint(listing, owner))


async def pause_all(tx: Tx, owner_id: Id) -> None:
    """Offer nothing of an owner's for the time being. Locks their open listings."""
    for listing in await store.lock_open_of(tx, owner_id):
        if listing.status == "live":
            await save(tx, listing, rules.move(listing, "pause"))


async def close_all(tx: Tx, owner_id: Id) -> None:
    """Take back for good whatever an owner offers. Locks these."""
    for listing in await store.lock_open_of(tx, owner_id):
        await save(tx, listing, rules.move(listing, "close"))


async def count_orders(tx: Tx, created: Mapping[Id, int], completed: Mapping[Id, int]) -> None:
    """Count orders, by listing, towards the deal rates. Locks the listings."""
    counted = [
        (
            before,
            rules.count_order(
                before, created=created.get(before.id, 0), completed=completed.get(before.id, 0)
            ),
        )
        for before in await store.lock_all(tx, {*created, *completed})
    ]
    store.update_counts(tx, [after for _, after in counted])
    for before, after in counted:
        if after.version != before.version:
            tx.emit(shown.changed(before, after))


async def save(tx: Tx, before: Listing, after: Listing) -> None:
    """Store what differs, and tell when the version rose. `before` is locked."""
    if after == before:
        return
    await store.update(tx, before, after)
    if after.version != before.version:
        tx.emit(shown.changed(before, after))


def _changes(command: Edit) -> dict[str, Any]:
    """The listing's fields that the command gives, but for its place and its terms."""
    return {
        name: value for name in EDITED_AS_GIVEN if (value := getattr(command, name)) is not None
    }


def _point(command: Edit) -> Point | None:
    if command.lat is None and command.lng is None:
        return None
    if command.lat is None or command.lng is None:
        raise BadInput("a place has a latitude and a longitude")
    return Point(command.lat, command.lng)


def _new_terms(command: Edit) -> dict[str, Any]:
    """The fields of the terms that the command gives or drops."""
    changes = {name: value for name, value in _terms(command).items() if value is not None}
    if command.drop_price is not None:
        name = f"price_{command.drop_price}_fen"
        if name in changes:
            raise BadInput("a price is either given or dropped")
        changes[name] = None
    return changes


def _terms(command: Publish | Edit) -> dict[str, Any]:
    return {name: getattr(command, name) for name in TERMS}


ACTIONS = table(publish, edit, pause, resume, close)
