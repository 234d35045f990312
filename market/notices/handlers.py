"""Facts of other wings that a user is told of."""

from __future__ import annotations

from infra.handlers import Handler
from infra.mysql.database import Tx
from market.kernel.facts import ORDER_STATES, Heard, MessageSent
from market.notices import actions
from market.notices.rules import telling
from market.notices.wing import Notices


async def on_fact(notices: Notices, tx: Tx, fact: Heard) -> None:
    """Tell whom it concerns."""
    for draft in telling.drafts(fact.kind, fact.data):
        await actions.tell(tx, draft, fact.occurred_ms)


async def on_message_sent(notices: Notices, tx: Tx, fact: Heard) -> None:
    """A line is told to its recipient; a read mark takes its reader's notice away."""
    sent = fact.data
    assert isinstance(sent, MessageSent)
    if sent.message_kind == "read":
        await actions.chat_was_read(
            tx, sent.sender_id, sent.conversation_id, sent.up_to, fact.occurred_ms
        )
    else:
        await on_fact(notices, tx, fact)


HANDLERS: dict[str, Handler[Notices]] = {
    **{f"order.{state}": on_fact for state in ORDER_STATES},
    "payment.refunded": on_fact,
    "payment.settled": on_fact,
    "rating.given": on_fact,
    "ratings.revealed": on_fact,
    "credit.changed": on_fact,
    "chat.message_sent": on_message_sent,
}
