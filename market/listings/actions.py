"""Doing it: each function is one transaction; its docstring names the rows it locks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from infra.action import action, table
from infra.mysql.database import Tx
from market.kernel.actor import Call
from market.kernel.errors import BadInput, Duplicate, Forbidden, NotFound
from market.kernel.geo import Point
from market.kernel.ids import Id
from market.kernel.terms import TERMS, Terms
from market.listings import review_store, store
from market.listings.commands import (
    Close,
    Draft,
    Edit,
    Open,
    Pause,
    Publish,
    Resume,
    Submit,
    Withdraw,
)
from market.listings.flags import require_live, require_move
from market.listings.rules import attributes, offer, review, shown
from market.listings.rules import listing as rules
from market.listings.rules.listing import Listing
from market.listings.rules.shown import ListingView
from market.listings.wing import Listings

EDITED_AS_GIVEN = ("title", "description", "category", "photos", "address", "attributes")


@action("listings.draft")
async def draft(listings: Listings, call: Call, command: Draft) -> ListingView:
    """Begin something to offer: nobody else sees it before it has been submitted and looked at. Locks the owner."""
    return await _create(listings, call, command, submitted=False)


@action("listings.publish")
async def publish(listings: Listings, call: Call, command: Publish) -> ListingView:
    """Draft and submit in one step: people see it as soon as it has been looked at. Locks the owner."""
    offer.check(Terms(**_terms(command)))
    return await _create(listings, call, command, submitted=True)


async def _create(
    listings: Listings, call: Call, command: Draft, *, submitted: bool
) -> ListingView:
    attributes.check(command.category, command.attributes)
    await check_photos(listings, call.actor.user_id, command.photos)

    async def body(tx: Tx) -> ListingView:
        owner = await store.lock_owner(tx, call.actor.user_id)
        await tx.claim(call, command)
        rules.may_offer(owner)
        require_live(listings, call, Point(command.lat, command.lng))
        rules.may_publish(await store.count_open(tx, owner.user_id))
        listing = Listing(
            id=tx.new_id(), version=1, terms_version=1, owner=rules.owner_card(owner),
            status="draft", title=command.title, description=command.description,
            category=command.category, photos=command.photos,
            **rules.place(Point(command.lat, command.lng), owner.place_secret),
            address=command.address, attributes=command.attributes, terms=Terms(**_terms(command)),
            published_ms=0,
        )  # fmt: skip
        if submitted:
            listing = replace(rules.submit(listing), version=1, terms_version=1)
        await store.insert(tx, listing)
        await _keep_review(tx, None, listing)
        tx.emit(shown.changed(None, listing))
        return shown.view(listing, owner.user_id)

    created = await listings.db.act(call.now_ms, body, ListingView)
    if submitted:
        listings.wake_checks()
    return created


@action("listings.edit")
async def edit(listings: Listings, call: Call, command: Edit) -> ListingView:
    """Change one's own listing. What people see of it stays until a new wording has been looked at. Locks the listing."""
    changes, new_terms, point = _changes(command), _new_terms(command), _point(command)
    await check_photos(listings, call.actor.user_id, command.photos or ())

    async def body(tx: Tx) -> ListingView:
        before = await store.lock(tx, command.listing_id)
        await tx.claim(call, command)
        rules.may_change(before, call.actor.user_id, command.version)
        moved = {}
        if point is not None:
            require_move(listings, call, before.point, point)
            moved = rules.place(point, await store.place_secret(tx, before.owner.user_id))
        after = rules.edit(before, changes | moved, new_terms)
        await save(tx, before, after)
        return shown.view(after, call.actor.user_id)

    return await _changed(listings, call, body)


@action("listings.submit")
async def submit(listings: Listings, call: Call, command: Submit) -> ListingView:
    """Have a draft, or what was rejected and mended, looked at. Locks the owner, then the listing."""

    def move(before: Listing) -> Listing:
        require_live(listings, call, before.point)
        return rules.submit(before)

    return await _move(listings, call, command, move)


@action("listings.withdraw")
async def withdraw(listings: Listings, call: Call, command: Withdraw) -> ListingView:
    """Take back what waits to be looked at: to the draft, or to what people see. Locks the listing."""
    return await _move(listings, call, command, rules.withdraw)


@action("listings.pause")
async def pause(listings: Listings, call: Call, command: Pause) -> ListingView:
    """Stop new orders for a while. Locks the listing."""
    return await _move(listings, call, command, partial(rules.move, wanted="pause"))


@action("listings.resume")
async def resume(listings: Listings, call: Call, command: Resume) -> ListingView:
    """Offer a paused listing again. Locks the owner, then the listing."""
    return await _move(listings, call, command, partial(rules.move, wanted="resume"))


@action("listings.close")
async def close(listings: Listings, call: Call, command: Close) -> ListingView:
    """Take it back for good. Locks the listing."""
    return await _move(listings, call, command, rules.close)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    ok: bool = True


@action("listings.open", keyed=False)
async def open_(listings: Listings, call: Call, command: Open) -> Opened:
    """Say that one looks at a listing's page, for its owner's numbers. Each counts once a day; owners themselves do not. Locks
    nothing."""
    async with listings.db.read() as cursor:
        found = await store.read(cursor, [command.listing_id])
    if not found or not shown.may_read(found[0], call.actor.user_id):
        raise NotFound("no such listing")
    if found[0].owner.user_id != call.actor.user_id:
        await listings.openings.count(found[0].id, call.actor.user_id, call.now_ms)
    return Opened()


async def _move(
    listings: Listings,
    call: Call,
    command: Submit | Withdraw | Pause | Resume | Close,
    move: Callable[[Listing], Listing],
) -> ListingView:
    async def body(tx: Tx) -> ListingView:
        if isinstance(command, Submit | Resume):
            rules.may_offer(await store.lock_owner(tx, call.actor.user_id))
        before = await store.lock(tx, command.listing_id)
        await tx.claim(call, command)
        rules.may_change(before, call.actor.user_id, command.version)
        after = move(before)
        await save(tx, before, after)
        return shown.view(after, call.actor.user_id)

    return await _changed(listings, call, body)


async def _changed(
    listings: Listings, call: Call, body: Callable[[Tx], Awaitable[ListingView]]
) -> ListingView:
    after = await listings.db.act(call.now_ms, body, ListingView)
    if after.status == "review" or after.pending is not None:
        listings.wake_checks()
    return after


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
    """Offer nothing of an owner's for the time being, nor have it looked at. Locks their open listings."""
    for listing in await store.lock_open_of(tx, owner_id):
        if listing.status == "live":
            await save(tx, listing, rules.move(listing, "pause"))
        elif listing.status == "review":
            await save(tx, listing, rules.withdraw(listing))


async def close_all(tx: Tx, owner_id: Id) -> None:
    """Take back for good whatever an owner offers. Locks these."""
    for listing in await store.lock_open_of(tx, owner_id):
        await save(tx, listing, rules.close(listing))


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
    await _keep_review(tx, before, after)
    if after.version != before.version:
        tx.emit(shown.changed(before, after))


async def _keep_review(tx: Tx, before: Listing | None, after: Listing) -> None:
    """Begin to have a new wording looked at, or stop. Raise Duplicate."""
    said = rules.in_review(after)
    if said is not None and (before is None or rules.in_review(before) != said):
        twins = await review_store.same_looks(tx, after.id, said.photos)
        for twin in twins:
            if review.is_duplicate(after, said, twin):
                raise Duplicate(listing_id=twin.listing_id)
        others = any(twin.owner_id != after.owner.user_id for twin in twins)
        await review_store.begin(tx, after, said, ("photo_of_other",) if others else ())
    elif said is None and before is not None and rules.in_review(before) is not None:
        await review_store.end(tx, after.id)
    if after.status == "closed":
        review_store.forget_looks(tx, after.id)


async def check_photos(listings: Listings, owner_id: Id, photos: Sequence[str]) -> None:
    """Raise Forbidden for what somebody else has uploaded, NotFound for what nobody has."""
    if len(set(photos)) != len(photos):
        raise BadInput("a photo is given twice")
    if any(key.split("/")[1] != str(int(owner_id)) for key in photos):
        raise Forbidden("the photo is somebody else's")
    if not all(await asyncio.gather(*map(listings.objects.exists, photos))):
        raise NotFound("there is no such photo")


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
    dropped = {f"price_{unit}_fen": None for unit in command.drop_prices}
    if dropped.keys() & changes.keys():
        raise BadInput("a price is either given or dropped")
    return changes | dropped


def _terms(command: Draft | Edit) -> dict[str, Any]:
    return {name: getattr(command, name) for name in TERMS}


ACTIONS = table(draft, publish, edit, submit, withdraw, pause, resume, close, open_)
