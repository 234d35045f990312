"""Facts of other wings that matter to the chat."""

from __future__ import annotations

from collections.abc import Sequence

from infra.handlers import Handler, Together
from infra.mysql.database import Tx
from market.chat import actions, store
from market.chat.rules.talk import Conversation, Listing
from market.chat.wing import Chat
from market.kernel.facts import Heard, ListingChanged, OrderMoved


@Together
async def on_listings_changed(chat: Chat, tx: Tx, facts: Sequence[Heard]) -> None:
    """The projection that enquiries need: of each listing the newest version."""
    changes = [fact.data for fact in facts if isinstance(fact.data, ListingChanged)]
    newest = {c.listing_id: c for c in sorted(changes, key=lambda c: c.version)}
    store.upsert_listings(
        tx,
        [
            Listing(id=c.listing_id, version=c.version, owner_id=c.owner_id, title=c.title)
            for c in newest.values()
        ],
    )


@Together
async def on_orders_begun(chat: Chat, tx: Tx, facts: Sequence[Heard]) -> None:
    """An order's parties get a conversation under the order's id."""
    orders = [
        fact.data
        for fact in facts
        if isinstance(fact.data, OrderMoved) and fact.data.transition == "create"
    ]
    actions.open_conversations(
        chat,
        tx,
        [
            Conversation(
                id=order.order_id, kind="order", listing_id=order.listing_id, title=order.title,
                buyer_id=order.buyer_id, owner_id=order.owner_id,
            )
            for order in orders
        ],
    )  # fmt: skip


HANDLERS: dict[str, Handler[Chat]] = {
    "listing.changed": on_listings_changed,
    "order.requested": on_orders_begun,
    "order.pending_payment": on_orders_begun,
}
