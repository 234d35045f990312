"""The notices' SQL."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from infra.mysql.connection import many
from infra.mysql.database import Cursor, Row, Tx
from market.kernel.ids import Id
from market.notices.rules.inbox import Inbox, NoticeView
from market.notices.rules.telling import CHAT_KIND, Link

INBOX = "SELECT user_id, last_seq, read_up_to, unread, unread_chats, gone_up_to FROM inboxes"
INBOX_VERSIONS = "SELECT user_id, last_seq AS version FROM inboxes WHERE user_id IN ({})"
# Not INSERT IGNORE: its shared lock on a duplicate, raised to an exclusive one, deadlocks with another's.
BEGIN_INBOXES = (
    "INSERT INTO inboxes (user_id, last_seq, read_up_to, unread, unread_chats) VALUES {} "
    "ON DUPLICATE KEY UPDATE user_id = VALUES(user_id)"
)
# Of rows that are there, and locked: many at once.
UPDATE_INBOXES = (
    "INSERT INTO inboxes (user_id, last_seq, read_up_to, unread, unread_chats) VALUES {} "
    "ON DUPLICATE KEY UPDATE last_seq = VALUES(last_seq), read_up_to = VALUES(read_up_to), "
    "unread = VALUES(unread), unread_chats = VALUES(unread_chats)"
)
UPDATE_INBOX = "UPDATE inboxes SET last_seq = %s, read_up_to = %s, unread = %s, unread_chats = %s WHERE user_id = %s"
ENTRY = (
    "SELECT user_id, seq, kind, title, body, order_id, conversation_id, listing_id, up_to, at_ms, is_unread, "
    "unread_after, chats_after FROM entries"
)
INSERT_ENTRY = (
    "INSERT INTO entries (user_id, seq, kind, title, body, order_id, conversation_id, listing_id, up_to, at_ms, "
    "is_unread, chat_seq, unread_after, chats_after) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
UNREAD_CHAT = (
    "SELECT seq, chat_seq FROM entries "
    "WHERE user_id = %s AND conversation_id = %s AND is_unread = 1 AND kind = %s"
)
COVER = "UPDATE entries SET chat_seq = %s WHERE user_id = %s AND seq = %s"
READ_ONE = "UPDATE entries SET is_unread = 0 WHERE user_id = %s AND seq = %s"
READ_UP_TO = "UPDATE entries SET is_unread = 0 WHERE user_id = %s AND is_unread = 1 AND seq <= %s"
COUNT_UNREAD = (
    "SELECT COUNT(*), COALESCE(SUM(kind = %s), 0) FROM entries WHERE user_id = %s AND is_unread = 1"
)
OLD = "SELECT user_id, seq FROM entries FORCE INDEX (old) WHERE at_ms < %s ORDER BY at_ms LIMIT %s"
FORGET = "DELETE FROM entries WHERE user_id = %s AND seq <= %s"
GONE = "UPDATE inboxes SET gone_up_to = GREATEST(gone_up_to, %s) WHERE user_id = %s"

RANGES_A_QUERY = 50


@dataclass(frozen=True, slots=True)
class Range:
    """Entries of one inbox with after < seq <= up_to."""

    user_id: Id
    after: int
    up_to: int


@dataclass(frozen=True, slots=True)
class ChatNotice:
    """A conversation's unread notice, and the newest chat line that it stands for."""

    seq: int
    chat_seq: int


def _inbox(row: Row) -> Inbox:
    user_id, last_seq, read_up_to, unread, unread_chats, gone_up_to = row
    return Inbox(
        user_id=Id(user_id),
        last_seq=last_seq,
        read_up_to=read_up_to,
        unread=unread,
        unread_chats=unread_chats,
        gone_up_to=gone_up_to,
    )


def _id(value: int | None) -> Id | None:
    return None if value is None else Id(value)


def _entry(row: Row) -> NoticeView:
    (
        _,
        seq,
        kind,
        title,
        body,
        order_id,
        conversation_id,
        listing_id,
        up_to,
        at_ms,
        is_unread,
        unread,
        chats,
    ) = row
    link = Link(
        order_id=_id(order_id), conversation_id=_id(conversation_id), listing_id=_id(listing_id)
    )
    return NoticeView(
        seq=seq, kind=kind, title=title, body=body, link=link, up_to=up_to, at_ms=at_ms, read=not is_unread,
        unread=unread, unread_chats=chats,
    )  # fmt: skip


async def lock_inbox(tx: Tx, user_id: Id) -> Inbox:
    """The user's inbox, begun now if need be."""
    return (await lock_inboxes(tx, [user_id]))[user_id]


async def lock_inboxes(tx: Tx, user_ids: Iterable[Id]) -> dict[Id, Inbox]:
    """In ascending order, or two who lock several would wait for each other. Those that are missing are begun."""
    ids = sorted(set(user_ids))
    if not ids:
        return {}
    known = await _lock_known(tx, ids)
    missing = [user_id for user_id in ids if user_id not in known]
    if missing:
        await tx.execute(
            BEGIN_INBOXES.format(", ".join(["(%s, 0, 0, 0, 0)"] * len(missing))), *missing
        )
        known |= await _lock_known(tx, missing)
    return known


async def lock_known_inbox(tx: Tx, user_id: Id) -> Inbox | None:
    return (await _lock_known(tx, [user_id])).get(user_id)


async def _lock_known(tx: Tx, ids: Sequence[Id]) -> dict[Id, Inbox]:
    marks = ", ".join(["%s"] * len(ids))
    rows = await tx.all(f"{INBOX} WHERE user_id IN ({marks}) ORDER BY user_id FOR UPDATE", *ids)
    return {Id(row[0]): _inbox(row) for row in rows}


async def read_inboxes(cursor: Cursor, user_ids: Sequence[Id]) -> dict[Id, Inbox]:
    """Those that have begun."""
    if not user_ids:
        return {}
    marks = ", ".join(["%s"] * len(user_ids))
    rows = await cursor.all(f"{INBOX} WHERE user_id IN ({marks})", *user_ids)
    return {Id(row[0]): _inbox(row) for row in rows}


def append(tx: Tx, inbox: Inbox, entry: NoticeView, chat_seq: int = 0) -> None:
    """Write the entry, and the inbox as it is with it (under the inbox's lock). Deferred."""
    tx.defer(INSERT_ENTRY, *_values(inbox.user_id, entry, chat_seq))
    tx.defer(
        UPDATE_INBOX,
        inbox.last_seq,
        inbox.read_up_to,
        inbox.unread,
        inbox.unread_chats,
        inbox.user_id,
    )


def append_all(
    tx: Tx, inboxes: Collection[Inbox], entries: Sequence[tuple[Id, NoticeView]]
) -> None:
    """Write the entries, each with whose it is, and the inboxes as they are with them (under the inboxes' locks).
    Deferred."""
    values = [value for user_id, entry in entries for value in _values(user_id, entry, 0)]
    tx.defer(many(INSERT_ENTRY, len(entries)), *values)
    rows = [(i.user_id, i.last_seq, i.read_up_to, i.unread, i.unread_chats) for i in inboxes]
    tx.defer(
        UPDATE_INBOXES.format(", ".join(["(%s, %s, %s, %s, %s)"] * len(rows))),
        *(value for row in rows for value in row),
    )


def _values(user_id: Id, e: NoticeView, chat_seq: int) -> tuple[object, ...]:
    return (
        user_id, e.seq, e.kind, e.title, e.body, e.link.order_id, e.link.conversation_id, e.link.listing_id,
        e.up_to, e.at_ms, not e.read, chat_seq, e.unread, e.unread_chats,
    )  # fmt: skip


async def unread_chat(tx: Tx, user_id: Id, conversation_id: Id) -> ChatNotice | None:
    row = await tx.one(UNREAD_CHAT, user_id, conversation_id, CHAT_KIND)
    return ChatNotice(seq=row[0], chat_seq=row[1]) if row else None


async def cover(tx: Tx, user_id: Id, notice: ChatNotice, chat_seq: int) -> None:
    """The notice now stands for that line, too."""
    await tx.execute(COVER, chat_seq, user_id, notice.seq)


async def read_one(tx: Tx, user_id: Id, seq: int) -> None:
    await tx.execute(READ_ONE, user_id, seq)


async def read_all_up_to(tx: Tx, user_id: Id, up_to: int) -> int:
    """How many notices became read."""
    return await tx.execute(READ_UP_TO, user_id, up_to)


async def count_unread(tx: Tx, user_id: Id) -> tuple[int, int]:
    """(unread notices, those of them that stand for a conversation)."""
    row = await tx.one(COUNT_UNREAD, CHAT_KIND, user_id)
    assert row is not None
    return int(row[0]), int(row[1])


async def read_entries(cursor: Cursor, ranges: Sequence[Range]) -> list[tuple[Id, NoticeView]]:
    """(user, entry) by user and number; many ranges in one query."""
    entries = []
    wanted = [r for r in ranges if r.after < r.up_to]
    for start in range(0, len(wanted), RANGES_A_QUERY):
        batch = wanted[start : start + RANGES_A_QUERY]
        where = " OR ".join(["(user_id = %s AND seq > %s AND seq <= %s)"] * len(batch))
        numbers = [number for r in batch for number in (r.user_id, r.after, r.up_to)]
        rows = await cursor.all(f"{ENTRY} WHERE {where} ORDER BY user_id, seq", *numbers)
        entries += [(Id(row[0]), _entry(row)) for row in rows]
    return entries


async def old_entries(cursor: Cursor, before_ms: int, limit: int) -> dict[Id, int]:
    """By user, up to which number something is older: of some, the oldest."""
    old: dict[Id, int] = {}
    for user_id, seq in await cursor.all(OLD, before_ms, limit):
        old[Id(user_id)] = max(seq, old.get(Id(user_id), 0))
    return old


def forget(tx: Tx, user_id: Id, up_to: int) -> None:
    """Under the inbox's lock. Deferred."""
    tx.defer(FORGET, user_id, up_to)
    tx.defer(GONE, up_to, user_id)
