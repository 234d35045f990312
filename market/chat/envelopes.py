"""Bodies in and out of their sealed form, by the conversation's own key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from infra import wire
from infra.sealing import Key, Unsealable
from market.chat.rules import chain, talk
from market.chat.rules.chain import Entry
from market.chat.rules.talk import Body, MessageView
from market.chat.wing import Chat
from market.kernel.ids import Id

log = structlog.get_logger("chat")


def new_key(chat: Chat, conversation_id: Id) -> bytes:
    """A fresh key for a conversation, wrapped."""
    return chat.vault.new_wrapped_key(chain.bound(conversation_id, 0))


def unwrap(chat: Chat, conversation_id: Id, wrapped: bytes) -> Key:
    return chat.vault.unwrap(wrapped, chain.bound(conversation_id, 0))


def seal(key: Key, conversation_id: Id, seq: int, body: Body) -> bytes:
    return key.seal(wire.msgpack(body), chain.bound(conversation_id, seq))


def unseal(key: Key, entry: Entry) -> Body:
    """Raise Unsealable when the ciphertext is not this entry's."""
    return wire.from_msgpack(
        key.open(entry.ciphertext, chain.bound(entry.conversation_id, entry.seq)), Body
    )


def opens(key: Key, entry: Entry) -> bool:
    try:
        unseal(key, entry)
    except Unsealable:
        return False
    return True


def show(chat: Chat, entry: Entry, body: Body | None, now_ms: int) -> MessageView:
    image = body.object_key if body is not None else ""
    return talk.show(entry, body, chat.objects.download_url(image, now_ms) if image else "")


def open_all(
    chat: Chat, entries: Sequence[Entry], wrapped: Mapping[Id, bytes], now_ms: int
) -> list[MessageView]:
    """The entries as their readers see them; each conversation's key is unwrapped once.

    What does not open is shown as erased: `chat.verify` says why, and the rest stays readable.
    """
    keys: dict[Id, Key] = {}
    for id_, secret in wrapped.items():
        try:
            keys[id_] = unwrap(chat, id_, secret)
        except Unsealable:
            log.error("a conversation's key does not open", conversation=id_)
    views = []
    for entry in entries:
        key, body = keys.get(entry.conversation_id), None
        if key is not None:
            try:
                body = unseal(key, entry)
            except Unsealable:
                log.error(
                    "an entry does not open", conversation=entry.conversation_id, seq=entry.seq
                )
        views.append(show(chat, entry, body, now_ms))
    return views
