"""Who may say and see what."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from market.chat.rules.chain import START, Entry, Head
from market.chat.rules.wording import PRESETS
from market.kernel.actor import Actor
from market.kernel.errors import BadInput, Forbidden, NotFound, NotYet
from market.kernel.facts import Fact, MessageSent
from market.kernel.ids import Id, made_ms
from market.kernel.topics import Push, Readers

HEARD_WITHIN_MS = 60_000

READ = "read"
"""The kind of an entry that says how far its sender has read. All other kinds are lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What the chat knows of a listing."""

    id: Id
    version: int
    owner_id: Id
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """`kind` is order (then `id` is the order's) or enquiry. `last_line_seq` is the newest entry that is no read mark."""

    id: Id
    kind: str
    listing_id: Id
    title: str
    buyer_id: Id
    owner_id: Id
    last_seq: int = 0
    last_line_seq: int = 0
    last_hash: bytes = START

    @property
    def parties(self) -> tuple[Id, Id]:
        return self.buyer_id, self.owner_id

    @property
    def head(self) -> Head:
        return Head(seq=self.last_seq, hash=self.last_hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What an entry says, before it is sealed: the field of its kind is filled."""

    text: str = ""
    preset: str = ""
    object_key: str = ""
    up_to: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """An entry for those who may read it. `text` holds a preset's phrase too; `image_url` (signed) expires.

    `up_to` is a read mark's. When `erased`, the key is gone and nothing but who and when is left.
    """

    conversation_id: Id
    seq: int
    kind: str
    sender_id: Id
    at_ms: int
    text: str
    preset: str
    object_key: str
    image_url: str
    up_to: int
    erased: bool


def enquiry(id_: Id, listing: Listing | None, asker: Id) -> Conversation:
    """Raise NotYet for a listing we have not heard of, whether it exists or not; Forbidden for one's own."""
    if listing is None:
        raise NotYet("the chat has not heard of this listing")
    if listing.owner_id == asker:
        raise Forbidden("this listing is your own")
    return Conversation(
        id=id_,
        kind="enquiry",
        listing_id=listing.id,
        title=listing.title,
        buyer_id=asker,
        owner_id=listing.owner_id,
    )


def require_known(conversation: Conversation | None, id_: Id, now_ms: int) -> Conversation:
    """An order's conversation begins when we hear of the order: raise NotYet while an id is that young, NotFound later."""
    if conversation is None and abs(now_ms - made_ms(id_)) < HEARD_WITHIN_MS:
        raise NotYet("no such conversation, or not yet")
    if conversation is None:
        raise NotFound("no such conversation")
    return conversation


def require_party(conversation: Conversation, actor: Actor) -> Conversation:
    if actor.user_id not in conversation.parties:
        raise NotFound("no such conversation")
    return conversation


def require_reader(conversation: Conversation, actor: Actor) -> Conversation:
    """Parties, and operators (a dispute is decided by what was said)."""
    if actor.is_operator:
        return conversation
    return require_party(conversation, actor)


def may_join_chat(conversation: Conversation) -> Readers:
    """The two parties alone: operators read by the view, and get no live feed."""
    return Readers(users=frozenset(conversation.parties))


def other(conversation: Conversation, user_id: Id) -> Id:
    return conversation.owner_id if user_id == conversation.buyer_id else conversation.buyer_id


def line(
    conversation_id: Id, sender_id: Id, kind: str, text: str, preset: str, object_key: str
) -> Body:
    """The line's body. Raise BadInput unless exactly the field of its kind is filled, and rightly."""
    body = Body(text=text, preset=preset, object_key=object_key)
    filled = {
        name for name, value in (("text", text), ("preset", preset), ("image", object_key)) if value
    }
    if filled != {kind}:
        raise BadInput("fill exactly the field of the line's kind", kind=kind)
    if kind == "text" and not text.strip():
        raise BadInput("a line says something")
    if kind == "preset" and preset not in PRESETS:
        raise BadInput("there is no such preset", preset=preset)
    if kind == "image" and not re.fullmatch(
        rf"chat/{conversation_id}/{sender_id}/[A-Za-z0-9_-]+", object_key
    ):
        raise BadInput("this image was not uploaded by its sender for this conversation")
    return body


def readable(conversation: Conversation, up_to: int) -> None:
    if up_to > conversation.last_seq:
        raise BadInput("there is no such entry yet", last_seq=conversation.last_seq)


def grown(conversation: Conversation, entry: Entry) -> Conversation:
    return replace(
        conversation,
        last_seq=entry.seq,
        last_hash=entry.hash,
        last_line_seq=conversation.last_line_seq if entry.kind == READ else entry.seq,
    )


def show(entry: Entry, body: Body | None, image_url: str = "") -> MessageView:
    """`body` None: erased."""
    said = body or Body()
    return MessageView(
        conversation_id=entry.conversation_id, seq=entry.seq, kind=entry.kind, sender_id=entry.sender_id,
        at_ms=entry.at_ms, text=PRESETS.get(said.preset, said.preset) if said.preset else said.text,
        preset=said.preset, object_key=said.object_key, image_url=image_url, up_to=said.up_to,
        erased=body is None,
    )  # fmt: skip


def sent(conversation: Conversation, view: MessageView) -> Fact:
    """The conversation's version is the number of its last entry."""
    push = Push(topic=f"chat:{conversation.id}", kind="log", version=view.seq, payload=view)
    data = MessageSent(
        conversation_id=conversation.id, seq=view.seq, sender_id=view.sender_id,
        recipient_id=other(conversation, view.sender_id), message_kind=view.kind, up_to=view.up_to,
    )  # fmt: skip
    return Fact(
        kind=MessageSent.KIND, entity=conversation.id, version=view.seq, data=data, pushes=(push,)
    )
