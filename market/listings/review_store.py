"""The SQL of what is looked at before people see it: reviews, their checks, and what photos look like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra import wire
from infra.images import LOOK_CHARACTERS, look_of
from infra.mysql.database import Cursor, Row, Tx
from market.kernel.geo import Point
from market.kernel.ids import Id
from market.listings.rules.listing import Listing, Wording
from market.listings.rules.review import SAME_LOOK_BITS, Check, Reason, Twin, parts_of

NEVER_MS = 2**62
DIGEST_CHARACTERS = 22

BEGIN = (
    "INSERT INTO reviews (listing_id, version, state, reasons, submitted_ms) VALUES (%s, %s, 'checking', %s, %s) "
    "ON DUPLICATE KEY UPDATE version = VALUES(version), state = VALUES(state), reasons = VALUES(reasons), "
    "submitted_ms = VALUES(submitted_ms)"
)
QUEUE = "UPDATE reviews SET state = 'queued', reasons = %s WHERE listing_id = %s"
END = "DELETE FROM reviews WHERE listing_id = %s"
REASONS = "SELECT reasons, submitted_ms, state FROM reviews WHERE listing_id = %s"
FORGET_CHECKS = (
    "DELETE FROM checks WHERE listing_id = %s AND NOT (verdict = 'pass' AND part IN ({marks}))"
)
ADD_CHECKS = (
    "INSERT IGNORE INTO checks (listing_id, part, version, verdict, label, trace_id, attempts, asked_ms, due_ms) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
CHECKS = "SELECT part, verdict, label FROM checks WHERE listing_id = %s ORDER BY part"
FORGET_UNPASSED = (
    "DELETE FROM checks WHERE listing_id = %s AND (verdict <> 'pass' OR part = 'text')"
)
PASS_ALL = f"UPDATE checks SET verdict = 'pass', due_ms = {NEVER_MS} WHERE listing_id = %s"
DUE = (
    "SELECT listing_id, part, checks.version, trace_id, attempts, due_ms, owners.openid FROM checks "
    "JOIN listings ON listings.id = listing_id JOIN owners ON owners.user_id = listings.owner_id "
    "WHERE due_ms <= %s ORDER BY due_ms LIMIT %s"
)
TAKE = (
    "UPDATE checks SET due_ms = %s, attempts = attempts + 1 WHERE listing_id = %s AND part = %s AND version = %s "
    "AND due_ms = %s AND verdict = ''"
)
LATER = "UPDATE checks SET due_ms = %s WHERE listing_id = %s AND part = %s AND version = %s AND verdict = ''"
ASKED = (
    "UPDATE checks SET trace_id = %s, asked_ms = %s, due_ms = %s WHERE listing_id = %s AND part = %s AND version = %s "
    "AND verdict = ''"
)
SAY = (
    f"UPDATE checks SET verdict = %s, label = %s, due_ms = {NEVER_MS} WHERE listing_id = %s AND part = %s "
    "AND version = %s AND verdict = ''"
)
BY_TRACE = "SELECT listing_id, part, version FROM checks WHERE trace_id = %s AND trace_id <> ''"
QUEUED = (
    "SELECT listing_id, reasons, submitted_ms FROM reviews WHERE state = 'queued' "
    "ORDER BY submitted_ms, listing_id LIMIT %s"
)
COUNTS = "SELECT state, COUNT(*), MIN(submitted_ms) FROM reviews GROUP BY state"
FORGET_LOOKS = "DELETE FROM looks WHERE listing_id = %s"
ADD_LOOKS = (
    "INSERT INTO looks (listing_id, place, owner_id, digest, look) VALUES (%s, %s, %s, %s, %s)"
)
SAME_LOOKS = (
    "SELECT DISTINCT looks.listing_id, looks.owner_id, title, category, lat, lng FROM looks "
    "JOIN listings ON listings.id = looks.listing_id WHERE looks.listing_id <> %s AND status <> 'closed' AND ({alike}) "
    "LIMIT 50"
)
ALIKE = (
    "digest = %s OR (band_a = %s OR band_b = %s OR band_c = %s OR band_d = %s) "
    f"AND BIT_COUNT(look ^ %s) <= {SAME_LOOK_BITS}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A part that WeChat has to be asked about (again), or whose answer is overdue (then it has a trace id)."""

    listing_id: Id
    part: str
    version: int
    trace_id: str
    attempts: int
    due_ms: int
    openid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    listing_id: Id
    reasons: tuple[Reason, ...]
    submitted_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a photo's key says of it: what it is, and what it seems (64 bits)."""

    digest: str
    look: int

    @classmethod
    def of(cls, key: str) -> Look:
        name = key.rpartition("/")[2]
        return cls(
            digest=name[LOOK_CHARACTERS:],
            look=look_of(name),
        )

    @staticmethod
    def is_said_by(key: str) -> bool:
        """Those of before say nothing."""
        return len(key.rpartition("/")[2]) == LOOK_CHARACTERS + DIGEST_CHARACTERS

    @property
    def bands(self) -> tuple[int, ...]:
        return tuple(self.look >> shift & 0xFFFF for shift in (48, 32, 16, 0))


# --- all of these under the listing's lock ----------------------------------------------------------------------------------


async def begin(tx: Tx, listing: Listing, said: Wording, reasons: Sequence[Reason]) -> None:
    """Have a wording looked at, instead of what was before. Photos that have passed need not pass again."""
    parts = parts_of(said)
    kept = parts[1:] or ("",)
    tx.defer(BEGIN, listing.id, listing.version, wire.json(reasons).decode(), tx.now_ms)
    tx.defer(FORGET_CHECKS.format(marks=", ".join(["%s"] * len(kept))), listing.id, *kept)
    rows = [(listing.id, part, listing.version, "", 0, "", 0, 0, tx.now_ms) for part in parts]
    await tx.execute_many(ADD_CHECKS, rows)
    await note_looks(tx, listing, said)


async def end(tx: Tx, listing_id: Id) -> None:
    """Nothing waits any more. What has passed stays known."""
    tx.defer(END, listing_id)
    await tx.execute(FORGET_UNPASSED, listing_id)


async def note_looks(tx: Tx, listing: Listing, said: Wording) -> None:
    tx.defer(FORGET_LOOKS, listing.id)
    photos = dict.fromkeys((*listing.photos, *said.photos))
    seen = [Look.of(key) for key in photos if Look.is_said_by(key)]
    rows = [
        (listing.id, place, listing.owner.user_id, look.digest, look.look)
        for place, look in enumerate(seen)
    ]
    await tx.execute_many(ADD_LOOKS, rows)


def forget_looks(tx: Tx, listing_id: Id) -> None:
    tx.defer(FORGET_LOOKS, listing_id)


async def same_looks(tx: Tx, listing_id: Id, photos: Sequence[str]) -> list[Twin]:
    """Other open listings with a photo that looks like one of these."""
    looks = [Look.of(key) for key in photos if Look.is_said_by(key)]
    if not looks:
        return []
    alike = " OR ".join([ALIKE] * len(looks))
    args = [value for look in looks for value in (look.digest, *look.bands, look.look)]
    rows = await tx.all(SAME_LOOKS.format(alike=alike), listing_id, *args)
    return [
        Twin(
            listing_id=Id(id_), owner_id=Id(owner_id), title=title, category=category, point=Point(lat, lng)
        )
        for id_, owner_id, title, category, lat, lng in rows
    ]  # fmt: skip


async def say(tx: Tx, listing_id: Id, part: str, version: int, check: Check) -> bool:
    """False: that version of the part is not asked about any more, or has been answered."""
    return bool(await tx.execute(SAY, check.verdict, check.label, listing_id, part, version))


async def checks(tx: Tx, listing_id: Id) -> list[Check]:
    return [
        Check(part=part, verdict=verdict, label=label)
        for part, verdict, label in await tx.all(CHECKS, listing_id)
    ]


async def reasons(tx: Tx, listing_id: Id) -> tuple[Reason, ...]:
    row = await tx.one(REASONS, listing_id)
    return wire.from_json(row[0], tuple[Reason, ...]) if row else ()


async def is_queued(tx: Tx, listing_id: Id) -> bool:
    row = await tx.one(REASONS, listing_id)
    return row is not None and row[2] == "queued"


async def queue(tx: Tx, listing_id: Id, why: Sequence[Reason]) -> None:
    await tx.execute(QUEUE, wire.json(why).decode(), listing_id)


def pass_all(tx: Tx, listing_id: Id) -> None:
    """People have looked at it, and think that it is well."""
    tx.defer(PASS_ALL, listing_id)


# --- outside of transactions ------------------------------------------------------------------------------------------------


async def due(cursor: Cursor, now_ms: int, limit: int) -> list[Due]:
    return [
        Due(
            listing_id=Id(id_), part=part, version=version, trace_id=trace_id, attempts=attempts,
            due_ms=due_ms, openid=openid,
        )
        for id_, part, version, trace_id, attempts, due_ms, openid in await cursor.all(DUE, now_ms, limit)
    ]  # fmt: skip


async def take(cursor: Cursor, what: Due, until_ms: int) -> bool:
    """Nobody else asks before then. False: somebody does."""
    args = (until_ms, what.listing_id, what.part, what.version, what.due_ms)
    return bool(await cursor.execute(TAKE, *args))


async def later(cursor: Cursor, what: Due, due_ms: int) -> None:
    await cursor.execute(LATER, due_ms, what.listing_id, what.part, what.version)


async def asked(cursor: Cursor, what: Due, trace_id: str, now_ms: int, overdue_ms: int) -> None:
    args = (trace_id, now_ms, overdue_ms, what.listing_id, what.part, what.version)
    await cursor.execute(ASKED, *args)


async def by_trace(cursor: Cursor, trace_id: str) -> tuple[Id, str, int] | None:
    row = await cursor.one(BY_TRACE, trace_id)
    return (Id(row[0]), row[1], row[2]) if row else None


async def queued(cursor: Cursor, limit: int) -> list[Queued]:
    """What people have to look at, what has waited longest first."""
    return [_queued(row) for row in await cursor.all(QUEUED, limit)]


def _queued(row: Row) -> Queued:
    listing_id, why, submitted_ms = row
    return Queued(
        listing_id=Id(listing_id), reasons=wire.from_json(why, tuple[Reason, ...]), submitted_ms=submitted_ms
    )  # fmt: skip


async def waiting(cursor: Cursor) -> dict[str, tuple[int, int]]:
    """State -> how many wait in it, and since when the first (UTC ms)."""
    return {state: (count, since) for state, count, since in await cursor.all(COUNTS)}
