"""Facts of other wings that a user is told of."""

from __future__ import annotations

from collections.abc import Sequence

from infra.handlers import Handler, Together
from infra.mysql.database import Tx
from market.kernel.facts import ORDER_KINDS, RETOLD, Heard, MessageSent, OrderMoved, UserChanged
from market.notices import actions, letter_store
from market.notices.rules import letters, telling
from market.notices.wing import Notices


@Together
async def on_facts(notices: Notices, tx: Tx, facts: Sequence[Heard]) -> None:
    """Tell whom they concern."""
    await actions.tell(
        notices,
        tx,
        [(draft, f.occurred_ms) for f in facts for draft in telling.drafts(f.kind, f.data)],
    )


@Together
async def on_orders(notices: Notices, tx: Tx, facts: Sequence[Heard]) -> None:
    """Tell whom they concern, and what is ahead of each order as of its last move: first, as who reminds locks that first."""
    _look_ahead(tx, facts)
    await on_facts.run(notices, tx, facts)


@Together
async def on_retold(notices: Notices, tx: Tx, facts: Sequence[Heard]) -> None:
    """What is ahead of orders that began before anybody was reminded."""
    _look_ahead(tx, facts)


def _look_ahead(tx: Tx, facts: Sequence[Heard]) -> None:
    ahead = {
        f.data.order_id: letters.reminder_of(f.data, f.occurred_ms)
        for f in facts
        if isinstance(f.data, OrderMoved)
    }
    letter_store.put_reminders(tx, sorted(ahead), filter(None, ahead.values()))


async def on_user(notices: Notices, tx: Tx, fact: Heard) -> None:
    user = fact.data
    assert isinstance(user, UserChanged)
    openid = "" if user.forgotten else user.openid
    await letter_store.put_person(tx, user.user_id, user.version, openid, user.nickname)
    if user.forgotten:
        letter_store.forget(tx, user.user_id)


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
            await actions.tell_of_line(notices, tx, draft, sent, fact.occurred_ms)


HANDLERS: dict[str, Handler[Notices]] = {
    UserChanged.KIND: on_user,
    **dict.fromkeys(ORDER_KINDS, on_orders),
    RETOLD: on_retold,
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
