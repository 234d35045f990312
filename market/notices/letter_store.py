"""The SQL of letters: whom they go to, what is allowed, what is on its way, and what is to be reminded of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from infra import wire
from infra.mysql.connection import many
from infra.mysql.database import Cursor, Row, Tx
from market.kernel.ids import Id
from market.kernel.period import DAY_MS
from market.notices.rules.letters import Letter, Permit, Reminder

KEPT_MS = DAY_MS
"""How long a letter that has ended is kept: longer than any pause between two."""

PUT_PERSON = (
    "INSERT INTO people (user_id, version, openid, nickname) VALUES (%s, %s, %s, %s) ON DUPLICATE KEY UPDATE "
    "openid = IF(VALUES(version) > version, VALUES(openid), openid), "
    "nickname = IF(VALUES(version) > version, VALUES(nickname), nickname), "
    "version = GREATEST(version, VALUES(version))"
)
NICKNAME = "SELECT nickname FROM people WHERE user_id = %s"
FORGET_LETTERS = "DELETE FROM letters WHERE user_id = %s"
FORGET_PERMITS = "DELETE FROM permits WHERE user_id = %s"

PERMIT = "SELECT user_id, kind, remaining, wanted, declined_ms FROM permits"
GOOD = f"{PERMIT} WHERE user_id IN ({{}}) AND remaining > 0 AND wanted = 1"
# As for inboxes: not INSERT IGNORE, which deadlocks.
BEGIN_PERMITS = (
    "INSERT INTO permits (user_id, kind, remaining, wanted, declined_ms) VALUES {} "
    "ON DUPLICATE KEY UPDATE user_id = VALUES(user_id)"
)
UPDATE_PERMIT = "UPDATE permits SET remaining = %s, wanted = %s, declined_ms = %s WHERE user_id = %s AND kind = %s"

INSERT_LETTER = (
    "INSERT INTO letters (id, user_id, kind, notice_seq, about, page, said, made_ms, until_ms, due_ms, looks, attempts, "
    "spent, outcome) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0, 0, 0, '')"
)
SINCE = "SELECT 1 FROM letters WHERE user_id = %s AND about = %s AND made_ms > %s LIMIT 1"
DUE = (
    "SELECT letters.id, letters.user_id, letters.kind, page, said, until_ms, due_ms, looks, attempts, spent, outcome, "
    "COALESCE(openid, ''), COALESCE(is_unread, 0) FROM letters LEFT JOIN people ON people.user_id = letters.user_id "
    "LEFT JOIN entries ON entries.user_id = letters.user_id AND seq = notice_seq WHERE due_ms <= %s ORDER BY due_ms LIMIT %s"
)
TAKE = "UPDATE letters SET due_ms = %s, attempts = attempts + 1, spent = 1 WHERE id = %s AND due_ms = %s AND outcome = ''"
LATER = "UPDATE letters SET due_ms = %s, looks = %s WHERE id = %s AND due_ms = %s AND outcome = ''"
END = "UPDATE letters SET outcome = %s, due_ms = %s WHERE id = %s AND outcome = ''"
FORGET = "DELETE FROM letters WHERE id = %s AND outcome <> ''"
WAITING = "SELECT COUNT(*), MIN(due_ms) FROM letters WHERE due_ms <= %s AND outcome = ''"

FORGET_REMINDERS = "DELETE FROM reminders WHERE order_id IN ({})"
PUT_REMINDER = (
    "REPLACE INTO reminders (order_id, kind, due_ms, buyer_id, owner_id, title, start_ms, end_ms) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)
REMINDER = (
    "SELECT order_id, kind, due_ms, buyer_id, owner_id, title, start_ms, end_ms FROM reminders"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A letter to look at. `outcome` is empty until it has ended; then it is to be forgotten. `spent`: a permit has gone for it."""

    id: Id
    user_id: Id
    kind: str
    page: str
    values: tuple[str, ...]
    until_ms: int
    due_ms: int
    looks: int
    attempts: int
    spent: bool
    outcome: str
    openid: str
    unread: bool


async def put_person(tx: Tx, user_id: Id, version: int, openid: str, nickname: str) -> None:
    """Unless a newer version is known."""
    await tx.execute(PUT_PERSON, user_id, version, openid, nickname)


async def nickname_of(tx: Tx, user_id: Id) -> str:
    row = await tx.one(NICKNAME, user_id)
    return str(row[0]) if row else ""


def forget(tx: Tx, user_id: Id) -> None:
    tx.defer(FORGET_LETTERS, user_id)
    tx.defer(FORGET_PERMITS, user_id)


# --- permits ----------------------------------------------------------------------------------------------------------


def _permit(row: Row) -> Permit:
    _, kind, remaining, wanted, declined_ms = row
    return Permit(kind=kind, remaining=remaining, wanted=bool(wanted), declined_ms=declined_ms)


async def good_permits(tx: Tx, user_ids: Collection[Id]) -> set[tuple[Id, str]]:
    """Which kinds of letters these users allow now; not locked."""
    if not user_ids:
        return set()
    marks = ", ".join(["%s"] * len(user_ids))
    return {(Id(row[0]), row[1]) for row in await tx.all(GOOD.format(marks), *user_ids)}


async def lock_permits(tx: Tx, user_id: Id, kinds: Iterable[str]) -> dict[str, Permit]:
    """Begun now if need be; in one order, or two who lock several would wait for each other."""
    wanted = sorted(set(kinds))
    rows = [value for kind in wanted for value in (user_id, kind)]
    await tx.execute(BEGIN_PERMITS.format(", ".join(["(%s, %s, 0, 1, 0)"] * len(wanted))), *rows)
    marks = ", ".join(["%s"] * len(wanted))
    known = await tx.all(
        f"{PERMIT} WHERE user_id = %s AND kind IN ({marks}) ORDER BY kind FOR UPDATE", user_id, *wanted
    )  # fmt: skip
    return {row[1]: _permit(row) for row in known}


def put_permit(tx: Tx, user_id: Id, p: Permit) -> None:
    tx.defer(UPDATE_PERMIT, p.remaining, p.wanted, p.declined_ms, user_id, p.kind)


async def read_permits(cursor: Cursor, user_id: Id) -> dict[str, Permit]:
    rows = await cursor.all(f"{PERMIT} WHERE user_id = %s", user_id)
    return {row[1]: _permit(row) for row in rows}


# --- letters ----------------------------------------------------------------------------------------------------------


def put(tx: Tx, user_id: Id, seq: int, letter: Letter, until_ms: int, due_ms: int) -> None:
    """A letter that goes with the notice of that number. Deferred."""
    said = wire.json(letter.values).decode()
    tx.defer(
        INSERT_LETTER, tx.new_id(), user_id, letter.kind, seq, letter.about, letter.page, said, tx.now_ms, until_ms,
        due_ms,
    )  # fmt: skip


async def any_since(tx: Tx, user_id: Id, about: str, since_ms: int) -> bool:
    return await tx.one(SINCE, user_id, about, since_ms) is not None


async def due(cursor: Cursor, now_ms: int, limit: int) -> list[Due]:
    return [_due(row) for row in await cursor.all(DUE, now_ms, limit)]


def _due(row: Row) -> Due:
    (
        id_,
        user_id,
        kind,
        page,
        said,
        until_ms,
        due_ms,
        looks,
        attempts,
        spent,
        outcome,
        openid,
        unread,
    ) = row
    return Due(
        id=Id(id_), user_id=Id(user_id), kind=kind, page=page, values=wire.from_json(said, tuple[str, ...]),
        until_ms=until_ms, due_ms=due_ms, looks=looks, attempts=attempts, spent=bool(spent), outcome=outcome,
        openid=openid, unread=bool(unread),
    )  # fmt: skip


async def take(tx: Tx, letter: Due, until_ms: int) -> bool:
    """Nobody else sends it before then. False: somebody does."""
    return bool(await tx.execute(TAKE, until_ms, letter.id, letter.due_ms))


async def later(cursor: Cursor, letter: Due, seen_ms: int, due_ms: int, looks: int) -> None:
    """Unless it is not due at `seen_ms` any more."""
    await cursor.execute(LATER, due_ms, looks, letter.id, seen_ms)


async def end(tx: Tx, letter: Due, outcome: str) -> bool:
    """False: it had ended before."""
    return bool(await tx.execute(END, outcome, tx.now_ms + KEPT_MS, letter.id))


async def drop(cursor: Cursor, letter: Due) -> None:
    await cursor.execute(FORGET, letter.id)


async def waiting(cursor: Cursor, now_ms: int) -> tuple[int, int]:
    """(how many are due, since when the first, UTC ms)."""
    row = await cursor.one(WAITING, now_ms)
    assert row is not None
    return int(row[0]), int(row[1] or now_ms)


# --- reminders --------------------------------------------------------------------------------------------------------


def put_reminders(tx: Tx, order_ids: Sequence[Id], found: Iterable[Reminder]) -> None:
    """These orders' reminders are the found ones, and no others. Deferred."""
    tx.defer(FORGET_REMINDERS.format(", ".join(["%s"] * len(order_ids))), *order_ids)
    rows = [
        (r.order_id, r.kind, r.due_ms, r.buyer_id, r.owner_id, r.title, r.start_ms, r.end_ms) for r in found
    ]  # fmt: skip
    if rows:
        tx.defer(many(PUT_REMINDER, len(rows)), *(value for row in rows for value in row))


async def due_reminders(cursor: Cursor, now_ms: int, limit: int) -> list[Id]:
    rows = await cursor.all(
        "SELECT order_id FROM reminders WHERE due_ms <= %s ORDER BY due_ms LIMIT %s", now_ms, limit
    )
    return [Id(row[0]) for row in rows]


async def lock_reminder(tx: Tx, order_id: Id) -> Reminder | None:
    row = await tx.one(f"{REMINDER} WHERE order_id = %s FOR UPDATE", order_id)
    if row is None:
        return None
    id_, kind, due_ms, buyer_id, owner_id, title, start_ms, end_ms = row
    return Reminder(
        order_id=Id(id_), kind=kind, due_ms=due_ms, buyer_id=Id(buyer_id), owner_id=Id(owner_id), title=title,
        start_ms=start_ms, end_ms=end_ms,
    )  # fmt: skip
