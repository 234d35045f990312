"""Facts of other wings -> what the cards show.

Facts about a listing that this wing does not have are passed over: every listing was published here, so waiting for one
would be waiting for ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from infra.handlers import Handler, Together
from infra.mysql.database import Tx
from market.kernel.facts import (
    EXTENSION_MOVED,
    ORDER_ENDS,
    RETOLD,
    CreditChanged,
    Heard,
    ListingRated,
    OrderMoved,
    UserChanged,
)
from market.listings import actions, occupancy, setting_store, store
from market.listings.rules import listing as rules
from market.listings.wing import Listings


async def on_user(listings: Listings, tx: Tx, fact: Heard) -> None:
    """Who is gone or banned offers nothing any more. Locks the owner, then their open listings."""
    assert isinstance(fact.data, UserChanged)
    owner = await store.lock_owner(tx, fact.data.user_id)
    await actions.repaint(tx, owner, rules.hear_user(owner, fact.data))
    await setting_store.choose(tx, owner.user_id, fact.data.version, fact.data.personal)
    if fact.data.forgotten:
        await actions.close_all(tx, owner.user_id)
    elif fact.data.banned:
        await actions.pause_all(tx, owner.user_id)


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


@Together
async def on_orders(listings: Listings, tx: Tx, facts: Sequence[Heard]) -> None:
    """Note what orders take; count what has come to an end, and how much of it well, once per listing. Locks these."""
    orders = [fact.data for fact in facts if isinstance(fact.data, OrderMoved)]
    await occupancy.hear(tx, orders)
    # An order that has ended is told of again while its extension is being closed.
    moved = [fact.data for fact in facts if fact.kind != EXTENSION_MOVED]
    ends = [order for order in moved if isinstance(order, OrderMoved) and order.state in ORDER_ENDS]
    ended = Counter(order.listing_id for order in ends)
    completed = Counter(order.listing_id for order in ends if order.state == "completed")
    if ended:
        await actions.count_orders(tx, ended, completed)


@Together
async def on_retold(listings: Listings, tx: Tx, facts: Sequence[Heard]) -> None:
    """What has been heard of before counts nowhere again. Locks as `occupancy.hear` does."""
    await occupancy.hear(tx, [fact.data for fact in facts if isinstance(fact.data, OrderMoved)])


TAKING = ("requested", "pending_payment", "ready", "in_use", "returned")
"""With the ends, all states in which an order takes anything else than in the one before. What is disputed stays as it was: in use,
or given back."""

HANDLERS: dict[str, Handler[Listings]] = {
    UserChanged.KIND: on_user,
    CreditChanged.KIND: on_credit,
    ListingRated.KIND: on_rating,
    **{f"order.{state}": on_orders for state in (*TAKING, *ORDER_ENDS)},
    EXTENSION_MOVED: on_orders,
    RETOLD: on_retold,
}
