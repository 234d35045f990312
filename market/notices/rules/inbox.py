"""A user's inbox: one log of notices and read marks, so that all of the user's devices agree.

Kinds of entries: a fact's kind (order.ready, payment.refunded, ...), `chat.message`, or `notice.CATEGORY` (published by an
operator or another system) for notices; `read` says that all
up to `up_to` has been read; `chat_read` says that the one chat notice numbered `up_to` has, because its conversation has.
A conversation has at most one unread notice: further lines are covered by it until it is read, so that a lively chat does
not flood the inbox.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from market.kernel.actor import Actor, require_user
from market.kernel.errors import BadInput, Forbidden
from market.kernel.facts import Fact, NoticeAdded
from market.kernel.ids import Id
from market.kernel.topics import Push, Readers
from market.notices.rules.telling import CHAT_KIND, Draft, Link

READ = "read"
CHAT_READ = "chat_read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """`unread` counts unread notices, `unread_chats` those of them that stand for a conversation. Entries up to `gone_up_to` were so
    old that they are forgotten."""

    user_id: Id
    last_seq: int = 0
    read_up_to: int = 0
    unread: int = 0
    unread_chats: int = 0
    gone_up_to: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeView:
    """An entry. `unread` and `unread_chats` are the badges as of this entry; `up_to` is a read mark's; `read` is as of now."""

    seq: int
    kind: str
    title: str
    body: str
    link: Link
    up_to: int
    at_ms: int
    read: bool
    unread: int
    unread_chats: int


def add(inbox: Inbox, draft: Draft, at_ms: int) -> tuple[Inbox, NoticeView]:
    inbox = replace(
        inbox,
        last_seq=inbox.last_seq + 1,
        unread=inbox.unread + 1,
        unread_chats=inbox.unread_chats + (draft.kind == CHAT_KIND),
    )
    entry = NoticeView(
        seq=inbox.last_seq, kind=draft.kind, title=draft.title, body=draft.body, link=draft.link, up_to=0,
        at_ms=at_ms, read=False, unread=inbox.unread, unread_chats=inbox.unread_chats,
    )  # fmt: skip
    return inbox, entry


def check_mark(inbox: Inbox, up_to: int) -> None:
    if up_to > inbox.last_seq:
        raise BadInput("there is no such entry yet", last_seq=inbox.last_seq)


def mark(
    inbox: Inbox, up_to: int, unread: int, unread_chats: int, at_ms: int
) -> tuple[Inbox, NoticeView]:
    """All up to `up_to` is read; so many notices beyond it are not."""
    inbox = replace(
        inbox, last_seq=inbox.last_seq + 1, read_up_to=max(inbox.read_up_to, up_to), unread=unread,
        unread_chats=unread_chats,
    )  # fmt: skip
    return inbox, _mark(inbox, READ, up_to, Link(), at_ms)


def mark_chat(
    inbox: Inbox, notice_seq: int, conversation_id: Id, at_ms: int
) -> tuple[Inbox, NoticeView]:
    """The one notice of a conversation is read."""
    inbox = replace(
        inbox,
        last_seq=inbox.last_seq + 1,
        unread=inbox.unread - 1,
        unread_chats=inbox.unread_chats - 1,
    )
    return inbox, _mark(inbox, CHAT_READ, notice_seq, Link(conversation_id=conversation_id), at_ms)


def _mark(inbox: Inbox, kind: str, up_to: int, link: Link, at_ms: int) -> NoticeView:
    return NoticeView(
        seq=inbox.last_seq, kind=kind, title="", body="", link=link, up_to=up_to, at_ms=at_ms, read=True,
        unread=inbox.unread, unread_chats=inbox.unread_chats,
    )  # fmt: skip


def added(inbox: Inbox, entry: NoticeView) -> Fact:
    push = Push(topic=f"user:{inbox.user_id}", kind="log", version=entry.seq, payload=entry)
    data = NoticeAdded(user_id=inbox.user_id, seq=entry.seq)
    return Fact(
        kind=NoticeAdded.KIND, entity=inbox.user_id, version=entry.seq, data=data, pushes=(push,)
    )


def check_publisher(actor: Actor) -> None:
    require_user(actor)
    if actor.role not in ("operator", "service"):
        raise Forbidden("operators and services only")


def may_join_user(user_id: Id) -> Readers:
    """The user alone. The topic exists for every id, so nobody learns from it who exists."""
    return Readers(users=frozenset({user_id}))
