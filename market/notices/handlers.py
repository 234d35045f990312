"""Facts of other wings that a user is told of."""

from __future__ import annotations

from collections.abc import Sequence

from infra.handlers import Handler, Together
from infra.mysql.database import Tx
from market.kernel.facts import ORDER_KINDS, Heard, MessageSent
from market.notices import actions
from market.notices.rules import telling
from market.notices.wing import Notices


@Together
async def on_facts(notices: Notices, tx: Tx, facts: Sequence[Heard]) -> None:
    """Tell whom they concern."""
    await actions.tell(
        tx,
        [(draft, f.occurred_ms) for f in facts for draft in telling.drafts(f.kind, f.data)],
    )


async def on_message_sent(notices: Notices, tx: Tx, fact: Heard) -> None:
    """A line is told to its recipient; a read mark takes its reader's notice away."""
    sent = fact.data
    assert isinstance(sent, MessageSent)
    if sent.message_kind == "read":
        await actions.chat_was_read(
            tx, sent.sender_id, sent.conversation_id, sent.up_to, fact.occurred_ms
        )
    else:
        for draft in telling.drafts(fact.kind, sent):
            await actions.tell_of_line(tx, draft, sent.conversation_id, fact.occurred_ms)


HANDLERS: dict[str, Handler[Notices]] = {
    **dict.fromkeys(ORDER_KINDS, on_facts),
    "order.evidence_added": on_facts,
    "listing.reviewed": on_facts,
    "payment.refunded": on_facts,
    "payment.settled": on_facts,
    "payment.onboarding": on_facts,
    "rating.given": on_facts,
    "ratings.revealed": on_facts,
    "credit.changed": on_facts,
    "chat.message_sent": on_message_sent,
}
