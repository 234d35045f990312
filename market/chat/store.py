"""The chat's SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from infra.mysql.connection import many
from infra.mysql.database import Cursor, Row, Tx
from market.chat.rules.chain import Entry
from market.chat.rules.talk import READ, Conversation, Listing
from market.kernel.ids import Id

LISTING = "SELECT id, version, owner_id, title FROM listings WHERE id = %s FOR UPDATE"
UPSERT_LISTINGS = (
    "INSERT INTO listings (id, version, owner_id, title) VALUES {} "
    "ON DUPLICATE KEY UPDATE "
    "owner_id = IF(VALUES(version) > version, VALUES(owner_id), owner_id), "
    "title = IF(VALUES(version) > version, VALUES(title), title), "
    "version = GREATEST(version, VALUES(version))"
)
_CONVERSATION = "c.id, c.kind, c.listing_id, c.title, c.buyer_id, c.owner_id, c.last_seq, c.last_line_seq, c.last_hash"
CONVERSATION = f"SELECT {_CONVERSATION} FROM conversations c"
CONVERSATION_VERSIONS = "SELECT id, last_seq AS version FROM conversations WHERE id IN ({})"
INSERT_CONVERSATION = (
    "INSERT INTO conversations (id, kind, listing_id, enquiry_listing_id, title, buyer_id, owner_id, last_seq, "
    "last_line_seq, last_hash, created_ms) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
UPDATE_CONVERSATION = (
    "UPDATE conversations SET last_seq = %s, last_line_seq = %s, last_hash = %s WHERE id = %s"
)
INSERT_MEMBERS = "INSERT INTO members (conversation_id, user_id, read_up_to, unread, last_ms) VALUES (%s, %s, %s, %s, %s)"
TOUCH_MEMBERS = (
    "UPDATE members SET last_ms = GREATEST(last_ms, %s), unread = unread + (user_id <> %s) "
    "WHERE conversation_id = %s"
)
READ_UP_TO = "SELECT read_up_to FROM members WHERE conversation_id = %s AND user_id = %s"
UPDATE_READ = (
    "UPDATE members SET read_up_to = %s, unread = %s WHERE conversation_id = %s AND user_id = %s"
)
CLEAR_UNREAD = "UPDATE members SET unread = 0 WHERE conversation_id = %s"
MINE = (
    f"SELECT {_CONVERSATION}, m.last_ms, m.unread, m.read_up_to, o.read_up_to FROM members m "
    "JOIN conversations c ON c.id = m.conversation_id "
    "JOIN members o ON o.conversation_id = m.conversation_id AND o.user_id <> m.user_id "
    "WHERE m.user_id = %s AND (m.last_ms < %s OR (m.last_ms = %s AND m.conversation_id < %s)) "
    "ORDER BY m.last_ms DESC, m.conversation_id DESC LIMIT %s"
)
LAST_FOREIGN_LINE = (
    "SELECT MAX(seq) FROM messages WHERE conversation_id = %s AND seq > %s AND seq <= %s "
    "AND sender_id <> %s AND kind <> %s"
)
FOREIGN_LINES_AFTER = "SELECT COUNT(*) FROM messages WHERE conversation_id = %s AND seq > %s AND sender_id <> %s AND kind <> %s"
INSERT_KEY = "INSERT INTO conversation_keys (conversation_id, wrapped) VALUES (%s, %s)"
KEYS = "SELECT conversation_id, wrapped FROM conversation_keys WHERE conversation_id IN ({})"
DELETE_KEY = "DELETE FROM conversation_keys WHERE conversation_id = %s"
ENTRY = (
    "SELECT conversation_id, seq, sender_id, kind, at_ms, ciphertext, prev_hash, hash FROM messages"
)
INSERT_ENTRY = (
    "INSERT INTO messages (conversation_id, seq, sender_id, kind, at_ms, ciphertext, prev_hash, hash) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)

RANGES_A_QUERY = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine:
    """A conversation as one party has it. `last_ms` (UTC) is the last line's, or the opening's."""

    conversation: Conversation
    last_ms: int
    unread: int
    read_up_to: int
    other_read_up_to: int


@dataclass(frozen=True, slots=True)
class Range:
    """Entries of one conversation with after < seq <= up_to."""

    conversation_id: Id
    after: int
    up_to: int


def _conversation(row: Row) -> Conversation:
    id_, kind, listing_id, title, buyer_id, owner_id, last_seq, last_line_seq, last_hash = row
    return Conversation(
        id=Id(id_), kind=kind, listing_id=Id(listing_id), title=title, buyer_id=Id(buyer_id),
        owner_id=Id(owner_id), last_seq=last_seq, last_line_seq=last_line_seq, last_hash=bytes(last_hash),
    )  # fmt: skip


def _entry(row: Row) -> Entry:
    conversation_id, seq, sender_id, kind, at_ms, ciphertext, prev_hash, hash_ = row
    return Entry(
        conversation_id=Id(conversation_id), seq=seq, sender_id=Id(sender_id), kind=kind, at_ms=at_ms,
        ciphertext=bytes(ciphertext), prev_hash=bytes(prev_hash), hash=bytes(hash_),
    )  # fmt: skip


def _marks(count: int) -> str:
    return ", ".join(["%s"] * count)


async def lock_listing(tx: Tx, listing_id: Id) -> Listing | None:
    row = await tx.one(LISTING, listing_id)
    if row is None:
        return None
    return Listing(id=Id(row[0]), version=row[1], owner_id=Id(row[2]), title=row[3])


def upsert_listings(tx: Tx, listings: Sequence[Listing]) -> None:
    """Kept only when newer. Deferred."""
    tx.defer(
        UPSERT_LISTINGS.format(", ".join(["(%s, %s, %s, %s)"] * len(listings))),
        *(v for one in listings for v in (one.id, one.version, one.owner_id, one.title[:255])),
    )


async def lock_conversation(tx: Tx, conversation_id: Id) -> Conversation | None:
    row = await tx.one(f"{CONVERSATION} WHERE c.id = %s FOR UPDATE", conversation_id)
    return _conversation(row) if row else None


async def find_enquiry(tx: Tx, listing_id: Id, asker: Id) -> Conversation | None:
    row = await tx.one(
        f"{CONVERSATION} WHERE c.enquiry_listing_id = %s AND c.buyer_id = %s", listing_id, asker
    )
    return _conversation(row) if row else None


async def read_conversations(cursor: Cursor, ids: Sequence[Id]) -> list[Conversation]:
    if not ids:
        return []
    rows = await cursor.all(f"{CONVERSATION} WHERE c.id IN ({_marks(len(ids))})", *ids)
    return [_conversation(row) for row in rows]


def insert_conversations(tx: Tx, conversations: Sequence[tuple[Conversation, bytes]]) -> None:
    """Each with its wrapped key. Deferred."""
    if not conversations:
        return
    rows: list[object] = []
    members: list[object] = []
    keys: list[object] = []
    for c, wrapped in conversations:
        rows += (
            c.id, c.kind, c.listing_id, c.listing_id if c.kind == "enquiry" else None, c.title[:255],
            c.buyer_id, c.owner_id, c.last_seq, c.last_line_seq, c.last_hash, tx.now_ms,
        )  # fmt: skip
        for user_id in c.parties:
            members += (c.id, user_id, 0, 0, tx.now_ms)
        keys += (c.id, wrapped)
    tx.defer(many(INSERT_CONVERSATION, len(conversations)), *rows)
    tx.defer(many(INSERT_MEMBERS, 2 * len(conversations)), *members)
    tx.defer(many(INSERT_KEY, len(conversations)), *keys)


async def append(tx: Tx, conversation: Conversation, entry: Entry) -> None:
    """Write the entry, and the conversation as it is with it (under the conversation's lock)."""
    e = entry
    await tx.execute(
        INSERT_ENTRY,
        e.conversation_id,
        e.seq,
        e.sender_id,
        e.kind,
        e.at_ms,
        e.ciphertext,
        e.prev_hash,
        e.hash,
    )
    await tx.execute(
        UPDATE_CONVERSATION, conversation.last_seq, conversation.last_line_seq, conversation.last_hash,
        conversation.id,
    )  # fmt: skip
    if e.kind != READ:
        await tx.execute(TOUCH_MEMBERS, e.at_ms, e.sender_id, e.conversation_id)


async def newly_read(tx: Tx, conversation_id: Id, reader: Id, up_to: int) -> int | None:
    """The last of the other's lines that a mark up to there covers, or None when it covers no new one."""
    row = await tx.one(READ_UP_TO, conversation_id, reader)
    assert row is not None
    found = await tx.one(LAST_FOREIGN_LINE, conversation_id, row[0], up_to, reader, READ)
    return int(found[0]) if found and found[0] is not None else None


async def set_read(tx: Tx, conversation_id: Id, reader: Id, up_to: int) -> None:
    row = await tx.one(FOREIGN_LINES_AFTER, conversation_id, up_to, reader, READ)
    assert row is not None
    await tx.execute(UPDATE_READ, up_to, row[0], conversation_id, reader)


async def read_keys(cursor: Cursor, ids: Iterable[Id]) -> dict[Id, bytes]:
    """conversation -> wrapped key; erased ones are missing."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    rows = await cursor.all(KEYS.format(_marks(len(wanted))), *wanted)
    return {Id(id_): bytes(wrapped) for id_, wrapped in rows}


async def erase_key(tx: Tx, conversation_id: Id) -> None:
    await tx.execute(DELETE_KEY, conversation_id)
    await tx.execute(CLEAR_UNREAD, conversation_id)


async def read_mine(cursor: Cursor, user_id: Id, before: tuple[int, int], limit: int) -> list[Mine]:
    """Newest first; `before` is (last_ms, conversation id), exclusive."""
    rows = await cursor.all(MINE, user_id, before[0], before[0], before[1], limit)
    return [
        Mine(
            conversation=_conversation(row[:9]), last_ms=row[9], unread=row[10], read_up_to=row[11],
            other_read_up_to=row[12],
        )
        for row in rows
    ]  # fmt: skip


async def read_entries(cursor: Cursor, ranges: Sequence[Range]) -> list[Entry]:
    """By conversation and number; many ranges in one query."""
    entries = []
    wanted = [r for r in ranges if r.after < r.up_to]
    for start in range(0, len(wanted), RANGES_A_QUERY):
        batch = wanted[start : start + RANGES_A_QUERY]
        where = " OR ".join(["(conversation_id = %s AND seq > %s AND seq <= %s)"] * len(batch))
        numbers = [number for r in batch for number in (r.conversation_id, r.after, r.up_to)]
        rows = await cursor.all(f"{ENTRY} WHERE {where} ORDER BY conversation_id, seq", *numbers)
        entries += [_entry(row) for row in rows]
    return entries
