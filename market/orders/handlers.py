"""Facts of other wings -> this wing's actions."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from infra.handlers import Handler, Together
from infra.mysql.database import Tx
from market.kernel.actor import Actor
from market.kernel.errors import Conflict
from market.kernel.facts import (
    CalendarChanged,
    CreditChanged,
    Fact,
    FactData,
    Heard,
    ListingChanged,
    PaymentClosed,
    PaymentReceived,
    UserChanged,
)
from market.kernel.ids import Id
from market.orders import store
from market.orders.desk import Desk
from market.orders.rules import order as rules
from market.orders.rules.booking import Bookable
from market.orders.rules.deciding import Closed, Move, Paid
from market.orders.wing import Orders


@Together
async def on_listings_changed(orders: Orders, tx: Tx, facts: Sequence[Heard]) -> None:
    """Keep the bookable rows, each as last heard; tell the calendars' watchers when what is offered has changed.

    Most changes of a listing are none of what is booked by. These lock nothing: people are ordering, and this handler alone
    writes what it compares.
    """
    changes = [fact.data for fact in facts if isinstance(fact.data, ListingChanged)]
    newest = {data.listing_id: data for data in sorted(changes, key=lambda data: data.version)}
    known = {b.listing_id: b for b in await store.read_bookables(tx, [*newest])}
    changed: set[Id] = set()
    unchanged: dict[Id, int] = {}
    for listing_id, data in newest.items():
        before = known.get(listing_id)
        if before is None or _heard(data, before.version) != replace(
            before, listing_version=data.version
        ):
            changed.add(listing_id)
        elif before.listing_version < data.version:
            unchanged[listing_id] = data.version
    store.note_listing_versions(tx, unchanged)
    if changed:
        locked = {b.listing_id: b for b in await store.lock_bookables(tx, changed)}
        for listing_id in sorted(changed):
            await _hear(tx, newest[listing_id], locked.get(listing_id))


async def _hear(tx: Tx, data: ListingChanged, known: Bookable | None) -> None:
    if known is not None and known.listing_version >= data.version:
        return
    offer_changed = known is None or known.terms_version != data.terms_version
    bookable = _heard(data, (known.version if known else 0) + offer_changed)
    await store.save_bookable(tx, bookable)
    if offer_changed:
        tx.emit(
            Fact(
                kind=CalendarChanged.KIND, entity=bookable.listing_id, version=bookable.version,
                data=CalendarChanged(listing_id=bookable.listing_id, version=bookable.version),
                pushes=(rules.calendar_push(bookable.listing_id, bookable.version),),
            )
        )  # fmt: skip


def _heard(data: ListingChanged, version: int) -> Bookable:
    return Bookable(
        listing_id=data.listing_id, version=version, listing_version=data.version,
        terms_version=data.terms_version, owner_id=data.owner_id, status=data.status, title=data.title,
        category=data.category, address=data.address, terms=data.terms, cell=data.cell,
        place=data.place,
    )  # fmt: skip


@Together
async def on_payments(orders: Orders, tx: Tx, facts: Sequence[Heard]) -> None:
    """Paid -> ready, or used longer; closed unpaid -> expired, or not. Money that comes too late is payments' to give back: it
    hears of the end itself."""
    await _decide([_told(fact.data, tx.now_ms) for fact in facts], tx)


async def _decide(wishes: Sequence[Paid | Closed | Move], tx: Tx) -> None:
    """Each that its order still allows."""
    desk = Desk(wishes)
    await desk.load(await tx.together(*desk.locks), tx)
    for wish in wishes:
        with contextlib.suppress(Conflict):
            desk.decide(wish, tx)
    desk.write(tx)


def _told(data: FactData, now_ms: int) -> Paid | Closed:
    if isinstance(data, PaymentReceived):
        return Paid(
            order_id=data.order_id, amount_fen=data.amount_fen, now_ms=now_ms, extension=data.extension
        )  # fmt: skip
    assert isinstance(data, PaymentClosed)
    return Closed(order_id=data.order_id, now_ms=now_ms, extension=data.extension)


@Together
async def on_credits_changed(orders: Orders, tx: Tx, facts: Sequence[Heard]) -> None:
    """Remember whom to trust without a deposit."""
    await store.save_credits(tx, (f.data for f in facts if isinstance(f.data, CreditChanged)))


async def on_user(orders: Orders, tx: Tx, fact: Heard) -> None:
    """Who is gone orders nothing more. The users' wing lets nobody go with an order under way that it has heard of: what was made
    meanwhile is cancelled in their name. Locks the bookables, then the orders."""
    assert isinstance(fact.data, UserChanged)
    if not fact.data.forgotten:
        return
    gone = Actor(user_id=fact.data.user_id, role="user")
    await store.note_gone(tx, gone.user_id)
    wishes = [
        Move(order_id=order_id, name="cancel", actor=gone, fresh=rules.Codes(start="", give_back=""), now_ms=tx.now_ms)
        for order_id in await store.unpaid_with(tx, gone.user_id)
    ]  # fmt: skip
    if wishes:
        await _decide(wishes, tx)


HANDLERS: dict[str, Handler[Orders]] = {
    ListingChanged.KIND: on_listings_changed,
    PaymentReceived.KIND: on_payments,
    PaymentClosed.KIND: on_payments,
    CreditChanged.KIND: on_credits_changed,
    UserChanged.KIND: on_user,
}
