"""Reading it: one's own inbox, and nobody else's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from infra.action import view
from infra.mysql.database import Cursor
from market.kernel import log
from market.kernel.actor import Call
from market.kernel.ids import Id
from market.kernel.topics import Entry, Snapshot, Want, topic_id
from market.notices import letter_store, store
from market.notices.commands import ListInbox, ListSubscriptions
from market.notices.rules import inbox as rules
from market.notices.rules import letters
from market.notices.rules.inbox import Inbox, NoticeView
from market.notices.rules.letters import Permit, SubscriptionView
from market.notices.store import Range
from market.notices.wing import Notices


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxView:
    """`entries` are the log, read marks included, oldest first. `more`: there is more in the direction asked for
    (backwards, unless `after` was given)."""

    entries: tuple[NoticeView, ...]
    last_seq: int
    read_up_to: int
    unread: int
    unread_chats: int
    more: bool


@view("notices.inbox")
async def inbox(notices: Notices, call: Call, query: ListInbox) -> InboxView:
    """One's notices, with the badges."""
    user_id = call.actor.user_id

    async def read(cursor: Cursor) -> InboxView:
        mine = (await store.read_inboxes(cursor, [user_id])).get(user_id, Inbox(user_id=user_id))
        wanted = log.page(mine.last_seq, query.before, query.after, query.limit, mine.gone_up_to)
        entries = await store.read_entries(cursor, [Range(user_id, wanted.after, wanted.up_to)])
        return InboxView(
            entries=tuple(entry for _, entry in entries), last_seq=mine.last_seq, read_up_to=mine.read_up_to,
            unread=mine.unread, unread_chats=mine.unread_chats, more=wanted.more,
        )  # fmt: skip

    return await notices.db.as_new_as(query.seen, read, lambda inbox: inbox.last_seq)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionsView:
    """Every kind of message that WeChat may be asked for; none where no templates are configured."""

    subscriptions: tuple[SubscriptionView, ...]


@view("notices.subscriptions")
async def subscriptions(
    notices: Notices, call: Call, query: ListSubscriptions
) -> SubscriptionsView:
    """What one may be told by WeChat's subscribe messages, and how much of it one has allowed."""
    async with notices.db.read() as cursor:
        permits = await letter_store.read_permits(cursor, call.actor.user_id)
    return SubscriptionsView(
        subscriptions=tuple(
            letters.view(permits.get(kind, Permit(kind=kind)), notices.templates.of[kind].id)
            for kind in letters.FIELDS
            if kind in notices.templates.of
        )
    )


async def snapshot(notices: Notices, wants: Sequence[Want], now_ms: int) -> list[Snapshot]:
    """`user:ID` topics. One that nothing has been told to yet has version 0."""
    have: dict[Id, int | None] = {}
    for want in wants:
        user_id = topic_id(want.topic, "user")
        if user_id is not None:
            have[user_id] = want.have
    async with notices.db.read() as cursor:
        known = await store.read_inboxes(cursor, list(have))
        found = [known.get(user_id, Inbox(user_id=user_id)) for user_id in have]
        lacking = {i.user_id: log.missing(i.last_seq, have[i.user_id], i.gone_up_to) for i in found}
        ranges = [Range(id_, part.after, part.up_to) for id_, part in lacking.items()]
        lines: defaultdict[Id, list[Entry]] = defaultdict(list)
        for user_id, entry in await store.read_entries(cursor, ranges):
            lines[user_id].append(Entry(version=entry.seq, payload=entry))
    return [
        Snapshot(
            topic=f"user:{i.user_id}", kind="log", version=i.last_seq, readers=rules.may_join_user(i.user_id),
            entries=tuple(lines[i.user_id]), more=lacking[i.user_id].more,
        )
        for i in found
    ]  # fmt: skip


TOPICS = ("user",)
VERSIONS = {"user": store.INBOX_VERSIONS}
"""Topic prefix -> the statement that `infra.mysql.versions` compares by."""
