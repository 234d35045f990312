"""The chain that makes a conversation evidence: each entry carries the hash of the one before it.

    hash = SHA-256("sharehub chat 1\\0" || conversation:8 || seq:8 || sender:8 || at_ms:8 || prev_hash:32
                   || len(kind):4 || kind || len(ciphertext):4 || ciphertext)

Numbers are big-endian. Every part is of fixed width or preceded by its length, so no two entries have one encoding. The
hash covers the ciphertext: the chain still holds after the key, and with it what was said, has been erased.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from market.kernel.ids import Id

START = bytes(32)
"""What the first entry carries as the hash before it."""

_DOMAIN = b"sharehub chat 1\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line or read mark as it is stored."""

    conversation_id: Id
    seq: int
    sender_id: Id
    kind: str
    at_ms: int
    ciphertext: bytes
    prev_hash: bytes
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of a chain: the number and the hash of the last entry."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """Where a chain breaks, and how: missing, unlinked or altered."""

    seq: int
    reason: str


def bound(conversation_id: int, seq: int) -> bytes:
    """What an entry's ciphertext is bound to: its place. The conversation's key is bound to seq 0."""
    return _DOMAIN + struct.pack(">QQ", conversation_id, seq)


def entry_hash(
    conversation_id: int,
    seq: int,
    sender_id: int,
    kind: str,
    at_ms: int,
    ciphertext: bytes,
    prev_hash: bytes,
) -> bytes:
    name = kind.encode()
    return hashlib.sha256(
        _DOMAIN
        + struct.pack(">QQQQ32s", conversation_id, seq, sender_id, at_ms, prev_hash)
        + struct.pack(">I", len(name)) + name
        + struct.pack(">I", len(ciphertext)) + ciphertext
    ).digest()  # fmt: skip


def append(
    conversation_id: Id, after: Head, sender_id: Id, kind: str, at_ms: int, ciphertext: bytes
) -> Entry:
    """The entry that follows `after`."""
    seq = after.seq + 1
    return Entry(
        conversation_id=conversation_id, seq=seq, sender_id=sender_id, kind=kind, at_ms=at_ms,
        ciphertext=ciphertext, prev_hash=after.hash,
        hash=entry_hash(conversation_id, seq, sender_id, kind, at_ms, ciphertext, after.hash),
    )  # fmt: skip


def follow(entries: Iterable[Entry], head: Head) -> Head | Break:
    """Walk on from `head`: the new head, or the first break."""
    for entry in entries:
        if entry.seq != head.seq + 1:
            return Break(seq=head.seq + 1, reason="missing")
        if entry.prev_hash != head.hash:
            return Break(seq=entry.seq, reason="unlinked")
        if entry.hash != entry_hash(
            entry.conversation_id,
            entry.seq,
            entry.sender_id,
            entry.kind,
            entry.at_ms,
            entry.ciphertext,
            entry.prev_hash,
        ):
            return Break(seq=entry.seq, reason="altered")
        head = Head(seq=entry.seq, hash=entry.hash)
    return head


def arrived(walked: Head, claimed: Head) -> Break | None:
    """Whether the walk ends where the conversation says it does: no entry cut off at the end, none exchanged."""
    if walked.seq < claimed.seq:
        return Break(seq=walked.seq + 1, reason="missing")
    if walked != claimed:
        return Break(seq=claimed.seq, reason="unlinked")
    return None
