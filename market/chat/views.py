"""Reading it: who may see what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from infra.action import view
from infra.mysql.database import Cursor
from infra.sealing import Unsealable
from market.chat import envelopes, store
from market.chat.commands import ListConversations, ListMessages, ListPresets, Verify
from market.chat.rules import chain, talk
from market.chat.rules.chain import START, Break, Head
from market.chat.rules.talk import Conversation, MessageView
from market.chat.rules.wording import PRESETS
from market.chat.store import Range
from market.chat.wing import Chat
from market.kernel import log
from market.kernel.actor import Call
from market.kernel.ids import MAX_ID, Id
from market.kernel.topics import Entry, Readers, Snapshot, Want, topic_id

VERIFY_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationView:
    """One of mine. `kind` is order (the id is the order's) or enquiry; `last_ms` is UTC; `read_up_to` are read marks."""

    conversation_id: Id
    kind: str
    listing_id: Id
    title: str
    buyer_id: Id
    owner_id: Id
    last_seq: int
    last_ms: int
    last_line: MessageView | None
    unread: int
    read_up_to: int
    other_read_up_to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationsView:
    """`cursor` asks for the next page; empty after the last."""

    conversations: tuple[ConversationView, ...]
    cursor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesView:
    """Oldest first. `more`: there is more in the direction that was asked for (backwards, unless `after` was given)."""

    messages: tuple[MessageView, ...]
    last_seq: int
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictView:
    """Whether the chain holds up to `last_seq`, whose hash is `head` (hex).

    Else `broken_at` is the first wrong entry, and `reason` says how: missing, unlinked, altered, or forged (the chain
    holds, but the conversation's key did not seal this entry).
    """

    ok: bool
    last_seq: int
    head: str
    broken_at: int | None
    reason: str
    erased: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetsView:
    presets: tuple[Preset, ...]


@view("chat.presets", public=True)
async def presets(chat: Chat, call: Call, query: ListPresets) -> PresetsView:
    """The phrases that can be sent by their codes."""
    return PresetsView(
        presets=tuple(Preset(code=code, text=text) for code, text in PRESETS.items())
    )


@view("chat.conversations")
async def conversations(chat: Chat, call: Call, query: ListConversations) -> ConversationsView:
    """One's own conversations, those with the newest line first, with that line and the number of unread ones."""
    before = (MAX_ID, MAX_ID)
    if query.cursor:
        last_ms, _, last_id = query.cursor.partition(".")
        before = (min(int(last_ms), MAX_ID), min(int(last_id), MAX_ID))
    async with chat.db.read() as cursor:
        found = await store.read_mine(cursor, call.actor.user_id, before, query.limit + 1)
        page = found[: query.limit]
        lines = [
            Range(m.conversation.id, m.conversation.last_line_seq - 1, m.conversation.last_line_seq)
            for m in page
            if m.conversation.last_line_seq
        ]
        entries = await store.read_entries(cursor, lines)
        keys = await store.read_keys(cursor, (e.conversation_id for e in entries))
    shown = {v.conversation_id: v for v in envelopes.open_all(chat, entries, keys, call.now_ms)}
    return ConversationsView(
        conversations=tuple(
            ConversationView(
                conversation_id=m.conversation.id, kind=m.conversation.kind, listing_id=m.conversation.listing_id,
                title=m.conversation.title, buyer_id=m.conversation.buyer_id, owner_id=m.conversation.owner_id,
                last_seq=m.conversation.last_seq, last_ms=m.last_ms, last_line=shown.get(m.conversation.id),
                unread=m.unread, read_up_to=m.read_up_to, other_read_up_to=m.other_read_up_to,
            )
            for m in page
        ),
        cursor=f"{page[-1].last_ms}.{page[-1].conversation.id}" if len(found) > len(page) else "",
    )  # fmt: skip


@view("chat.messages")
async def messages(chat: Chat, call: Call, query: ListMessages) -> MessagesView:
    """A conversation's log, read marks included, for its parties and operators."""
    async with chat.db.read() as cursor:
        found = await store.read_conversations(cursor, [query.conversation_id])
        known = talk.require_known(next(iter(found), None), query.conversation_id, call.now_ms)
        conversation = talk.require_reader(known, call.actor)
        last = conversation.last_seq
        wanted = log.page(last, query.before, query.after, query.limit)
        entries = await store.read_entries(
            cursor, [Range(conversation.id, wanted.after, wanted.up_to)]
        )
        keys = await store.read_keys(cursor, [conversation.id])
    shown = envelopes.open_all(chat, entries, keys, call.now_ms)
    return MessagesView(messages=tuple(shown), last_seq=last, more=wanted.more)


@view("chat.verify")
async def verify(chat: Chat, call: Call, query: Verify) -> VerdictView:
    """Walk the chain from its start: is anything missing, exchanged or altered? For the parties and operators."""
    async with chat.db.read() as cursor:
        found = await store.read_conversations(cursor, [query.conversation_id])
        known = talk.require_known(next(iter(found), None), query.conversation_id, call.now_ms)
        conversation = talk.require_reader(known, call.actor)
        wrapped = (await store.read_keys(cursor, [conversation.id])).get(conversation.id)
        broken = await _first_break(chat, cursor, conversation, wrapped)
    return VerdictView(
        ok=broken is None,
        last_seq=conversation.last_seq,
        head=conversation.last_hash.hex(),
        broken_at=broken.seq if broken else None,
        reason=broken.reason if broken else "",
        erased=wrapped is None,
    )


async def _first_break(
    chat: Chat, cursor: Cursor, conversation: Conversation, wrapped: bytes | None
) -> Break | None:
    """In pages; entries written since the conversation was read are left alone."""
    try:
        key = envelopes.unwrap(chat, conversation.id, wrapped) if wrapped is not None else None
    except Unsealable:
        return Break(seq=1, reason="forged")
    head = Head(seq=0, hash=START)
    while head.seq < conversation.last_seq:
        up_to = min(head.seq + VERIFY_PAGE, conversation.last_seq)
        entries = await store.read_entries(cursor, [Range(conversation.id, head.seq, up_to)])
        if not entries:
            break
        walked = chain.follow(entries, head)
        forged = key and next((e.seq for e in entries if not envelopes.opens(key, e)), None)
        if isinstance(walked, Break):
            return walked
        if forged:
            return Break(seq=forged, reason="forged")
        head = walked
    return chain.arrived(head, conversation.head)


async def snapshot(chat: Chat, wants: Sequence[Want], now_ms: int) -> list[Snapshot]:
    """`chat:ID` topics, decrypted for their two parties. Those that do not exist are left out."""
    have = {topic_id(want.topic, "chat"): want.have for want in wants}
    async with chat.db.read() as cursor:
        found = await store.read_conversations(cursor, [id_ for id_ in have if id_ is not None])
        lacking = {c.id: log.missing(c.last_seq, have[c.id]) for c in found}
        entries = await store.read_entries(
            cursor, [Range(id_, part.after, part.up_to) for id_, part in lacking.items()]
        )
        keys = await store.read_keys(cursor, (e.conversation_id for e in entries))
    lines: defaultdict[Id, list[Entry]] = defaultdict(list)
    for shown in envelopes.open_all(chat, entries, keys, now_ms):
        lines[shown.conversation_id].append(Entry(version=shown.seq, payload=shown))
    return [
        Snapshot(
            topic=f"chat:{c.id}", kind="log", version=c.last_seq, readers=talk.may_join_chat(c),
            entries=tuple(lines[c.id]), more=lacking[c.id].more,
        )
        for c in found
    ]  # fmt: skip


async def readers(chat: Chat, ids: Sequence[Id]) -> dict[Id, Readers]:
    """Who may see that somebody is here, or typing, in a conversation; those that do not exist are left out."""
    async with chat.db.read() as cursor:
        return {c.id: talk.may_join_chat(c) for c in await store.read_conversations(cursor, ids)}


TOPICS = ("chat",)
VERSIONS = {"chat": store.CONVERSATION_VERSIONS}
"""Topic prefix -> the statement that `infra.mysql.versions` compares by."""
