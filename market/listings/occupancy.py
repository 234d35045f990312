"""What orders take of listings: heard of, forgotten when it is over, and shown on the map meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from infra.mysql.database import Tx
from market.kernel.facts import OrderMoved
from market.kernel.ids import Id
from market.listings import store, taking_store
from market.listings.rules import shown, takings
from market.listings.wing import Listings

BATCH = 500


async def hear(tx: Tx, orders: Iterable[OrderMoved]) -> None:
    """Locks the takings, then the listings that may be in another state now; most orders are for later."""
    newest = {
        (
            order.order_id,
            order.state == "disputed",
        ): order  # which does not say whether it is in use
        for order in sorted(orders, key=lambda order: order.version)
    }.values()
    taking_store.save(tx, [takings.heard(order) for order in newest])
    touched = (order.listing_id for order in newest if takings.touches_now(order, tx.now_ms))
    await _look_again(tx, {*touched})


async def pass_time(listings: Listings, now_ms: int) -> int:
    """What comes near, and what is over. How many takings that were. Locks these, then their listings."""
    async with listings.db.read() as cursor:
        due = await taking_store.due(cursor, now_ms, BATCH)
    if not due:
        return 0

    async def body(tx: Tx) -> None:
        taking_store.pass_on(tx, due)
        await _look_again(tx, {*due.values()})

    await listings.db.act(now_ms, body, type(None))
    return len(due)


async def _look_again(tx: Tx, listing_ids: Collection[Id]) -> None:
    if not listing_ids:
        return
    states = {
        listing_id: state
        for listing_id, before, capacity, near in await taking_store.lock_states(tx, listing_ids)
        if (state := takings.state_of(near, capacity, tx.now_ms)) != before
    }
    if not states:
        return
    taking_store.set_states(tx, states)
    for listing in await store.lock_all(tx, states):
        tx.emit(shown.state_changed(listing))
