"""Facts of other wings -> what the cards show.

Facts about a listing that this wing does not have are passed over: every listing was published here, so waiting for one
would be waiting for ever.
"""

from __future__ import annotations

from infra.handlers import Handler
from infra.mysql.database import Tx
from market.kernel.facts import CreditChanged, Heard, ListingRated, OrderMoved, UserChanged
from market.listings import actions, store
from market.listings.rules import listing as rules
from market.listings.wing import Listings


async def on_user(listings: Listings, tx: Tx, fact: Heard) -> None:
    """Locks the owner, then their open listings."""
    assert isinstance(fact.data, UserChanged)
    owner = await store.lock_owner(tx, fact.data.user_id)
    await actions.repaint(tx, owner, rules.hear_user(owner, fact.data))


async def on_credit(listings: Listings, tx: Tx, fact: Heard) -> None:
    """Locks the owner, then their open listings."""
    assert isinstance(fact.data, CreditChanged)
    owner = await store.lock_owner(tx, fact.data.user_id)
    await actions.repaint(tx, owner, rules.hear_credit(owner, fact.data))


async def on_rating(listings: Listings, tx: Tx, fact: Heard) -> None:
    """Locks the listing."""
    assert isinstance(fact.data, ListingRated)
    listing = await store.find_locked(tx, fact.data.listing_id)
    if listing is not None:
        await actions.save(tx, listing, rules.hear_rating(listing, fact.data))


async def on_order_created(listings: Listings, tx: Tx, fact: Heard) -> None:
    assert isinstance(fact.data, OrderMoved)
    await actions.count_order(tx, fact.data.listing_id, created=1)


async def on_order_completed(listings: Listings, tx: Tx, fact: Heard) -> None:
    assert isinstance(fact.data, OrderMoved)
    await actions.count_order(tx, fact.data.listing_id, completed=1)


HANDLERS: dict[str, Handler[Listings]] = {
    UserChanged.KIND: on_user,
    CreditChanged.KIND: on_credit,
    ListingRated.KIND: on_rating,
    "order.pending_payment": on_order_created,
    "order.completed": on_order_completed,
}
