"""Reading it: one's own inbox, and nobody else's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from infra.action import view
from market.kernel.actor import Call
from market.kernel.errors import BadInput
from market.kernel.ids import Id
from market.kernel.topics import Entry, Snapshot, Want, topic_id
from market.notices import store
from market.notices.commands import ListInbox
from market.notices.rules import inbox as rules
from market.notices.rules.inbox import Inbox, NoticeView
from market.notices.store import Range
from market.notices.wing import Notices

NEWCOMER_ENTRIES = 50
SNAPSHOT_ENTRIES = 200


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
    if query.before is not None and query.after is not None:
        raise BadInput("give before or after, not both")
    user_id = call.actor.user_id
    async with notices.db.read() as cursor:
        mine = (await store.read_inboxes(cursor, [user_id])).get(user_id, Inbox(user_id=user_id))
        last = mine.last_seq
        if query.after is not None:
            after = min(query.after, last)
            wanted = Range(user_id, after, min(after + query.limit, last))
            more = wanted.up_to < last
        else:
            up_to = last if query.before is None else min(query.before - 1, last)
            wanted = Range(user_id, max(0, up_to - query.limit), up_to)
            more = wanted.after > 0
        entries = await store.read_entries(cursor, [wanted])
    return InboxView(
        entries=tuple(entry for _, entry in entries), last_seq=last, read_up_to=mine.read_up_to,
        unread=mine.unread, unread_chats=mine.unread_chats, more=more,
    )  # fmt: skip


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
        ranges = {i.user_id: _missing(i, have[i.user_id]) for i in found}
        log: defaultdict[Id, list[Entry]] = defaultdict(list)
        for user_id, entry in await store.read_entries(cursor, list(ranges.values())):
            log[user_id].append(Entry(version=entry.seq, payload=entry))
    return [
        Snapshot(
            topic=f"user:{i.user_id}", kind="log", version=i.last_seq, readers=rules.may_join_user(i.user_id),
            entries=tuple(log[i.user_id]), more=ranges[i.user_id].up_to < i.last_seq,
        )
        for i in found
    ]  # fmt: skip


def _missing(inbox: Inbox, have: int | None) -> Range:
    """What an asker lacks, the oldest first when it is much; the newest for one who has nothing."""
    last = inbox.last_seq
    if have is None:
        return Range(inbox.user_id, max(0, last - NEWCOMER_ENTRIES), last)
    after = min(have, last)
    return Range(inbox.user_id, after, min(after + SNAPSHOT_ENTRIES, last))


TOPICS = ("user",)
