"""Doing it: each function is one transaction; its docstring names the rows it locks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra.action import action, table
from infra.mysql.database import Tx
from market.kernel.actor import Call
from market.kernel.ids import Id
from market.notices import store
from market.notices.commands import MarkRead, Publish
from market.notices.rules import inbox as rules
from market.notices.rules import telling
from market.notices.rules.inbox import Inbox, NoticeView
from market.notices.rules.telling import Draft, Link
from market.notices.wing import Notices


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """The badges after this."""

    unread: int
    unread_chats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The notice's number in that user's inbox."""

    user_id: Id
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """By user id; who was named twice is told once."""

    told: tuple[Told, ...]


@action("notices.mark_read", keyed=False)
async def mark_read(notices: Notices, call: Call, command: MarkRead) -> Unread:
    """Mark one's notices as read, up to a number. A mark that covers no unread one changes nothing. Locks the inbox."""
    user_id = call.actor.user_id

    async def body(tx: Tx) -> Unread:
        inbox = await store.lock_known_inbox(tx, user_id) or Inbox(user_id=user_id)
        rules.check_mark(inbox, command.up_to)
        if await store.read_all_up_to(tx, user_id, command.up_to):
            unread, chats = await store.count_unread(tx, user_id)
            inbox, entry = rules.mark(inbox, command.up_to, unread, chats, tx.now_ms)
            store.append(tx, inbox, entry)
            tx.emit(rules.added(inbox, entry))
        return Unread(unread=inbox.unread, unread_chats=inbox.unread_chats)

    return await notices.db.act(call.now_ms, body, Unread)


@action("notices.publish")
async def publish(notices: Notices, call: Call, command: Publish) -> Published:
    """Operators and other systems: tell users something, all of them or none. Locks their inboxes.

    An inbox waits for whoever has its id, so that nobody learns here who exists: a notice to an id that is no user's is
    kept, and read by nobody.
    """
    rules.check_publisher(call.actor)
    link = Link(
        order_id=command.order_id, conversation_id=command.conversation_id, listing_id=command.listing_id
    )  # fmt: skip
    drafts = telling.published(
        command.user_ids, command.category, command.title, command.body, link
    )

    async def body(tx: Tx) -> Published:
        inboxes = await store.lock_inboxes(tx, [draft.user_id for draft in drafts])
        await tx.claim(call, command)
        entries = _add(tx, inboxes, [(draft, tx.now_ms) for draft in drafts])
        return Published(told=tuple(Told(user_id=id_, seq=entry.seq) for id_, entry in entries))

    return await notices.db.act(call.now_ms, body, Published)


async def tell(tx: Tx, drafts: Sequence[tuple[Draft, int]]) -> None:
    """Put notices, each with when it happened (UTC ms), into their users' inboxes. Locks these."""
    inboxes = await store.lock_inboxes(tx, [draft.user_id for draft, _ in drafts])
    _add(tx, inboxes, drafts)


async def tell_of_line(tx: Tx, draft: Draft, conversation_id: Id, at_ms: int) -> None:
    """Put a notice of a chat line into an inbox, unless there is an unread one of that chat already. Locks the inbox."""
    inbox = await store.lock_inbox(tx, draft.user_id)
    notice = await store.unread_chat(tx, draft.user_id, conversation_id)
    if notice is not None:
        await store.cover(tx, draft.user_id, notice, draft.chat_seq)
        return
    inbox, entry = rules.add(inbox, draft, at_ms)
    store.append(tx, inbox, entry, draft.chat_seq)
    tx.emit(rules.added(inbox, entry))


async def chat_was_read(tx: Tx, user_id: Id, conversation_id: Id, up_to: int, at_ms: int) -> None:
    """The user has read a conversation: its notice is read with it, if that covers all it stands for. Locks the inbox."""
    inbox = await store.lock_inbox(tx, user_id)
    notice = await store.unread_chat(tx, user_id, conversation_id)
    if notice is None or notice.chat_seq > up_to:
        return
    await store.read_one(tx, user_id, notice.seq)
    inbox, entry = rules.mark_chat(inbox, notice.seq, conversation_id, at_ms)
    store.append(tx, inbox, entry)
    tx.emit(rules.added(inbox, entry))


def _add(
    tx: Tx, inboxes: dict[Id, Inbox], drafts: Sequence[tuple[Draft, int]]
) -> list[tuple[Id, NoticeView]]:
    entries = []
    for draft, at_ms in drafts:
        inbox, entry = rules.add(inboxes[draft.user_id], draft, at_ms)
        inboxes[draft.user_id] = inbox
        entries.append((draft.user_id, entry))
        tx.emit(rules.added(inbox, entry))
    if entries:
        store.append_all(tx, inboxes.values(), entries)
    return entries


ACTIONS = table(mark_read)
"""Of the socket's. `publish` is REST's alone: who publishes is no phone."""
