"""Doing it: each function is one transaction; its docstring names the rows it locks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra.action import action, table
from infra.mysql.database import Tx
from market.chat import envelopes, store
from market.chat.commands import Erase, MarkRead, OpenEnquiry, Send
from market.chat.rules import chain, talk
from market.chat.rules.talk import READ, Body, Conversation, MessageView
from market.chat.wing import Chat
from market.kernel.actor import Call, require_operator
from market.kernel.errors import Conflict, NotFound
from market.kernel.ids import Id


@dataclass(frozen=True, slots=True, kw_only=True)
class EnquiryView:
    conversation_id: Id
    listing_id: Id
    title: str
    owner_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of a line. It does not repeat what was said: answers are kept for a week, in clear."""

    conversation_id: Id
    seq: int
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Nothing more to say."""

    ok: bool = True


@action("chat.open_enquiry")
async def open_enquiry(chat: Chat, call: Call, command: OpenEnquiry) -> EnquiryView:
    """Ask a listing's owner. One conversation per listing and asker: asking again gives the same. Locks the listing."""
    asker = call.actor.user_id

    async def body(tx: Tx) -> EnquiryView:
        listing = await store.lock_listing(tx, command.listing_id)
        await tx.claim(call, command)
        conversation = talk.enquiry(tx.new_id(), listing, asker)
        known = await store.find_enquiry(tx, command.listing_id, asker)
        if known is None:
            open_conversations(chat, tx, [conversation])
        conversation = known or conversation
        return EnquiryView(
            conversation_id=conversation.id, listing_id=conversation.listing_id, title=conversation.title,
            owner_id=conversation.owner_id,
        )  # fmt: skip

    return await chat.db.act(call.now_ms, body, EnquiryView)


@action("chat.send")
async def send(chat: Chat, call: Call, command: Send) -> Sent:
    """Say a line: text, a preset phrase, or an image uploaded for this conversation. Locks the conversation."""
    sender = call.actor.user_id
    said = talk.line(
        command.conversation_id,
        sender,
        command.kind,
        command.text,
        command.preset,
        command.object_key,
    )
    there = not said.object_key or await chat.objects.exists(said.object_key)

    async def body(tx: Tx) -> Sent:
        conversation = talk.require_party(await _lock(tx, call, command), call.actor)
        await tx.claim(call, command)
        if not there:
            raise NotFound("the image has not been uploaded")
        view = await _append(chat, tx, conversation, sender, command.kind, said)
        return Sent(conversation_id=conversation.id, seq=view.seq, at_ms=view.at_ms)

    return await chat.db.act(call.now_ms, body, Sent)


@action("chat.mark_read", keyed=False)
async def mark_read(chat: Chat, call: Call, command: MarkRead) -> Done:
    """Say how far one has read: an entry of the log, since it is evidence. Locks the conversation.

    A mark that covers no new line of the other party changes nothing (so marks do not answer marks for ever).
    """
    reader = call.actor.user_id

    async def body(tx: Tx) -> Done:
        conversation = talk.require_party(await _lock(tx, call, command), call.actor)
        talk.readable(conversation, command.up_to)
        up_to = await store.newly_read(tx, conversation.id, reader, command.up_to)
        if up_to is not None:
            await store.set_read(tx, conversation.id, reader, up_to)
            await _append(chat, tx, conversation, reader, READ, Body(up_to=up_to))
        return Done()

    return await chat.db.act(call.now_ms, body, Done)


@action("chat.erase")
async def erase(chat: Chat, call: Call, command: Erase) -> Done:
    """Operators: forget what was said by erasing the conversation's key, for good. Locks the conversation.

    Who wrote when, and the chain, stay. Nothing can be said in the conversation any more. Its images stay in the object store,
    but nobody is told their keys any more.
    """
    require_operator(call.actor)

    async def body(tx: Tx) -> Done:
        await _lock(tx, call, command)
        await tx.claim(call, command)
        await store.erase_key(tx, command.conversation_id)
        return Done()

    return await chat.db.act(call.now_ms, body, Done)


def open_conversations(chat: Chat, tx: Tx, conversations: Sequence[Conversation]) -> None:
    store.insert_conversations(tx, [(c, envelopes.new_key(chat, c.id)) for c in conversations])


async def _lock(tx: Tx, call: Call, command: Send | MarkRead | Erase) -> Conversation:
    found = await store.lock_conversation(tx, command.conversation_id)
    return talk.require_known(found, command.conversation_id, call.now_ms)


async def _append(
    chat: Chat, tx: Tx, conversation: Conversation, sender: Id, kind: str, said: Body
) -> MessageView:
    """The next entry, sealed and chained, under the conversation's lock."""
    wrapped = (await store.read_keys(tx, [conversation.id])).get(conversation.id)
    if wrapped is None:
        raise Conflict("this conversation has been erased")
    key = envelopes.unwrap(chat, conversation.id, wrapped)
    sealed = envelopes.seal(key, conversation.id, conversation.last_seq + 1, said)
    entry = chain.append(conversation.id, conversation.head, sender, kind, tx.now_ms, sealed)
    grown = talk.grown(conversation, entry)
    await store.append(tx, grown, entry)
    view = envelopes.show(chat, entry, said, tx.now_ms)
    tx.emit(talk.sent(grown, view))
    return view


ACTIONS = table(open_enquiry, send, mark_read, erase)
