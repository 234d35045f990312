"""Doing it: each function is one transaction; its docstring names the rows it locks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from infra.action import action, table
from infra.mysql.database import Tx
from market.kernel.actor import Call
from market.kernel.errors import BadInput, NotFound
from market.kernel.facts import MessageSent
from market.kernel.ids import Id
from market.notices import letter_store, store
from market.notices.commands import Allow, MarkRead, Publish, Switch
from market.notices.rules import inbox as rules
from market.notices.rules import letters, telling
from market.notices.rules.inbox import Inbox, NoticeView
from market.notices.rules.letters import CHAT_PAUSE_MS, GRACE_MS, NEWS_MS, Letter, SubscriptionView
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
        entries = _add(tx, inboxes, [(draft, tx.now_ms) for draft in drafts], set())
        return Published(told=tuple(Told(user_id=id_, seq=entry.seq) for id_, entry in entries))

    return await notices.db.act(call.now_ms, body, Published)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The kinds that were answered for, as they are now."""

    subscriptions: tuple[SubscriptionView, ...]


@action("notices.allow")
async def allow(notices: Notices, call: Call, command: Allow) -> Allowed:
    """What one has answered to WeChat's asking: each yes is good for one message. Locks one's permits of these kinds.

    It is not believed further than that: WeChat counts for itself, and refuses what it was not allowed.
    """
    user_id, kinds = call.actor.user_id, [answer.kind for answer in command.answers]
    if len(set(kinds)) < len(kinds):
        raise BadInput("each kind once")
    if not notices.templates.of.keys() >= set(kinds):
        raise NotFound("no messages of this kind are sent")

    async def body(tx: Tx) -> Allowed:
        permits = await letter_store.lock_permits(tx, user_id, kinds)
        await tx.claim(call, command)
        after = [
            letters.answered(permits[said.kind], said.answer, tx.now_ms) for said in command.answers
        ]
        for permit in after:
            letter_store.put_permit(tx, user_id, permit)
        of = notices.templates.of
        return Allowed(subscriptions=tuple(letters.view(p, of[p.kind].id) for p in after))

    return await notices.db.act(call.now_ms, body, Allowed)


@action("notices.switch", keyed=False)
async def switch(notices: Notices, call: Call, command: Switch) -> SubscriptionView:
    """Want messages of a kind, or none of them; what one has allowed is kept. Locks one's permit of this kind."""
    user_id, template = call.actor.user_id, notices.templates.of.get(command.kind)
    if template is None:
        raise NotFound("no messages of this kind are sent")

    async def body(tx: Tx) -> SubscriptionView:
        permits = await letter_store.lock_permits(tx, user_id, [command.kind])
        permit = replace(permits[command.kind], wanted=command.wanted)
        letter_store.put_permit(tx, user_id, permit)
        return letters.view(permit, template.id)

    return await notices.db.act(call.now_ms, body, SubscriptionView)


async def tell(notices: Notices, tx: Tx, drafts: Sequence[tuple[Draft, int]]) -> None:
    """Put notices, each with when it happened (UTC ms), into their users' inboxes, and on their way what WeChat is to tell. Locks
    the inboxes."""
    writing = {d.user_id for d, _ in drafts if d.letter and d.letter.kind in notices.templates.of}
    inboxes = await store.lock_inboxes(tx, [draft.user_id for draft, _ in drafts])
    allowed = await letter_store.good_permits(tx, writing)
    _add(tx, inboxes, drafts, allowed)


async def tell_of_line(
    notices: Notices, tx: Tx, draft: Draft, line: MessageSent, at_ms: int
) -> None:
    """Put a notice of a chat line into an inbox, unless there is an unread one of that chat already. Locks the inbox."""
    inbox = await store.lock_inbox(tx, draft.user_id)
    notice = await store.unread_chat(tx, draft.user_id, line.conversation_id)
    if notice is not None:
        await store.cover(tx, draft.user_id, notice, draft.chat_seq)
        await _write_of_line(notices, tx, draft.user_id, notice.seq, line, at_ms)
        return
    inbox, entry = rules.add(inbox, draft, at_ms)
    await _write_of_line(notices, tx, draft.user_id, entry.seq, line, at_ms)
    store.append(tx, inbox, entry, draft.chat_seq)
    tx.emit(rules.added(inbox, entry))


async def _write_of_line(
    notices: Notices, tx: Tx, user_id: Id, seq: int, line: MessageSent, at_ms: int
) -> None:
    """One letter for all the lines of a while; under the inbox's lock, so that two lines do not make two."""
    if "chat" not in notices.templates.of:
        return
    if (user_id, "chat") not in await letter_store.good_permits(tx, [user_id]):
        return
    sender = await letter_store.nickname_of(tx, line.sender_id)
    letter = letters.of_line(line.conversation_id, sender, at_ms)
    if not await letter_store.any_since(tx, user_id, letter.about, tx.now_ms - CHAT_PAUSE_MS):
        _write(tx, user_id, seq, letter, at_ms)


def _write(tx: Tx, user_id: Id, seq: int, letter: Letter, at_ms: int) -> None:
    until_ms = letter.until_ms or at_ms + NEWS_MS
    letter_store.put(tx, user_id, seq, letter, until_ms, tx.now_ms + GRACE_MS)


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
    tx: Tx,
    inboxes: dict[Id, Inbox],
    drafts: Sequence[tuple[Draft, int]],
    allowed: Collection[tuple[Id, str]],
) -> list[tuple[Id, NoticeView]]:
    """`allowed`: the kinds of letters that may be written, and to whom."""
    entries = []
    for draft, at_ms in drafts:
        inbox, entry = rules.add(inboxes[draft.user_id], draft, at_ms)
        inboxes[draft.user_id] = inbox
        entries.append((draft.user_id, entry))
        tx.emit(rules.added(inbox, entry))
        if draft.letter is not None and (draft.user_id, draft.letter.kind) in allowed:
            _write(tx, draft.user_id, entry.seq, draft.letter, at_ms)
    if entries:
        store.append_all(tx, inboxes.values(), entries)
    return entries


ACTIONS = table(mark_read)
"""Of the socket's. The others are REST's alone: who publishes is no phone, and what WeChat asks is asked rarely."""
