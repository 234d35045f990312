"""Facts of other wings that matter to the chat."""

from __future__ import annotations

from infra.handlers import Handler
from infra.mysql.database import Tx
from market.chat import actions, store
from market.chat.rules.talk import Conversation, Listing
from market.chat.wing import Chat
from market.kernel.facts import Heard, ListingChanged, OrderMoved


async def on_listing_changed(chat: Chat, tx: Tx, fact: Heard) -> None:
    """The projection that enquiries need."""
    assert isinstance(fact.data, ListingChanged)
    listing = Listing(
        id=fact.data.listing_id,
        version=fact.data.version,
        owner_id=fact.data.owner_id,
        title=fact.data.title,
    )
    await store.upsert_listing(tx, listing)


async def on_order_begun(chat: Chat, tx: Tx, fact: Heard) -> None:
    """An order's parties get a conversation under the order's id."""
    order = fact.data
    assert isinstance(order, OrderMoved)
    conversation = Conversation(
        id=order.order_id, kind="order", listing_id=order.listing_id, title=order.title,
        buyer_id=order.buyer_id, owner_id=order.owner_id,
    )  # fmt: skip
    await actions.open_conversation(chat, tx, conversation)


HANDLERS: dict[str, Handler[Chat]] = {
    "listing.changed": on_listing_changed,
    "order.pending_payment": on_order_begun,
}
