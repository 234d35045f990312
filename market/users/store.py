"""The users' SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from infra.mysql.connection import many
from infra.mysql.database import Cursor, Row, Tx
from market.kernel.errors import NotFound
from market.kernel.facts import ORDER_ENDS, OrderMoved
from market.kernel.ids import Id
from market.users.rules import Session, User

USER = "SELECT id, version, openid, nickname, avatar_url, role, banned, personal, agreed, forgotten FROM users"
INSERT_USER = (
    "INSERT INTO users (id, version, openid, nickname, avatar_url, role, banned, created_ms) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)
UPDATE_USER = (
    "UPDATE users SET version = %s, openid = %s, nickname = %s, avatar_url = %s, role = %s, banned = %s, "
    "personal = %s, agreed = %s, forgotten = %s WHERE id = %s AND version = %s"
)
SESSION = "SELECT id, version, user_id, generation, revoked, expires_ms FROM sessions"
SESSION_VERSIONS = "SELECT id, version FROM sessions WHERE id IN ({})"
OPEN_SESSIONS = (
    f"{SESSION} WHERE user_id = %s AND revoked = '' AND expires_ms > %s ORDER BY id FOR UPDATE"
)
INSERT_SESSION = (
    "INSERT INTO sessions (id, version, user_id, generation, revoked, expires_ms, created_ms) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s)"
)
FORGET_SESSIONS = "DELETE FROM sessions WHERE expires_ms <= %s ORDER BY expires_ms LIMIT %s"
UPDATE_SESSION = (
    "UPDATE sessions SET version = %s, generation = %s, revoked = %s, expires_ms = %s WHERE id = %s"
)
HEAR_ORDER = (
    "INSERT INTO engagements (order_id, version, buyer_id, owner_id, ended, received_fen, passed_on_fen) "
    "VALUES (%s, %s, %s, %s, %s, 0, 0)"
)
ON_NEWER = (
    " ON DUPLICATE KEY UPDATE buyer_id = VALUES(buyer_id), owner_id = VALUES(owner_id), "
    "ended = IF(VALUES(version) > version, VALUES(ended), ended), "
    "version = GREATEST(version, VALUES(version))"  # last: the others compare with what it was
)
HEAR_MONEY = (
    "INSERT INTO engagements (order_id, version, buyer_id, owner_id, ended, received_fen, passed_on_fen) "
    "VALUES (%s, 0, 0, 0, 0, %s, %s)"
)
ON_MORE = (
    " ON DUPLICATE KEY UPDATE received_fen = received_fen + VALUES(received_fen), "
    "passed_on_fen = passed_on_fen + VALUES(passed_on_fen)"
)
ENGAGED = (
    "SELECT EXISTS (SELECT 1 FROM engagements WHERE buyer_id = %s AND under_way = 1) "
    "OR EXISTS (SELECT 1 FROM engagements WHERE owner_id = %s AND under_way = 1)"
)


def _user(row: Row) -> User:
    id_, version, openid, nickname, avatar_url, role, banned, personal, agreed, forgotten = row
    return User(
        id=Id(id_), version=version, openid=openid, nickname=nickname, avatar_url=avatar_url, role=role,
        banned=bool(banned), personal=bool(personal), agreed=agreed, forgotten=bool(forgotten),
    )  # fmt: skip


def _session(row: Row) -> Session:
    id_, version, user_id, generation, revoked, expires_ms = row
    return Session(
        id=Id(id_), version=version, user_id=Id(user_id), generation=generation, revoked=revoked,
        expires_ms=expires_ms,
    )  # fmt: skip


async def lock_user_of(tx: Tx, openid: str) -> User | None:
    row = await tx.one(f"{USER} WHERE openid = %s FOR UPDATE", openid)
    return _user(row) if row else None


async def lock_user(tx: Tx, user_id: Id) -> User:
    row = await tx.one(f"{USER} WHERE id = %s FOR UPDATE", user_id)
    if row is None:
        raise NotFound("no such user")
    return _user(row)


async def read_user(cursor: Cursor, user_id: Id) -> User:
    row = await cursor.one(f"{USER} WHERE id = %s", user_id)
    if row is None:
        raise NotFound("no such user")
    return _user(row)


async def insert_user(tx: Tx, user: User) -> None:
    """Raise pymysql.err.IntegrityError when the openid has joined meanwhile."""
    await tx.execute(
        INSERT_USER, user.id, user.version, user.openid, user.nickname, user.avatar_url, user.role,
        user.banned, tx.now_ms,
    )  # fmt: skip


async def update_user(tx: Tx, user: User) -> None:
    await tx.execute(
        UPDATE_USER, user.version, user.openid, user.nickname, user.avatar_url, user.role, user.banned,
        user.personal, user.agreed, user.forgotten, user.id, user.version - 1,
    )  # fmt: skip


async def lock_session(tx: Tx, session_id: Id) -> Session | None:
    row = await tx.one(f"{SESSION} WHERE id = %s FOR UPDATE", session_id)
    return _session(row) if row else None


async def lock_open_sessions(tx: Tx, user_id: Id) -> list[Session]:
    """Those neither revoked nor run out: there may be years of the others."""
    rows = await tx.all(OPEN_SESSIONS, user_id, tx.now_ms)
    return [_session(row) for row in rows]


async def read_sessions(cursor: Cursor, ids: Sequence[Id]) -> list[Session]:
    marks = ", ".join(["%s"] * len(ids))
    return [_session(row) for row in await cursor.all(f"{SESSION} WHERE id IN ({marks})", *ids)]


async def insert_session(tx: Tx, session: Session) -> None:
    await tx.execute(
        INSERT_SESSION, session.id, session.version, session.user_id, session.generation,
        session.revoked, session.expires_ms, tx.now_ms,
    )  # fmt: skip


async def update_session(tx: Tx, session: Session) -> None:
    await tx.execute(
        UPDATE_SESSION, session.version, session.generation, session.revoked, session.expires_ms,
        session.id,
    )  # fmt: skip


async def forget_sessions(cursor: Cursor, expired_ms: int, limit: int) -> int:
    """How many of those that ran out by then."""
    return await cursor.execute(FORGET_SESSIONS, expired_ms, limit)


def hear_orders(tx: Tx, moves: Iterable[OrderMoved]) -> None:
    """Each only if it is newer. Deferred."""
    rows = sorted(
        (m.order_id, m.version, m.buyer_id, m.owner_id, m.state in ORDER_ENDS) for m in moves
    )
    if rows:
        tx.defer(many(HEAR_ORDER, len(rows)) + ON_NEWER, *chain.from_iterable(rows))


def hear_money(tx: Tx, flows: Iterable[tuple[Id, int, int]]) -> None:
    """(order, fen received, fen passed on), which add up. Deferred."""
    rows = sorted(flows)
    if rows:
        tx.defer(many(HEAR_MONEY, len(rows)) + ON_MORE, *chain.from_iterable(rows))


async def is_engaged(tx: Tx, user_id: Id) -> bool:
    """Whether an order of theirs goes on, or money of it is on its way, as far as this wing has heard."""
    row = await tx.one(ENGAGED, user_id, user_id)
    return row is not None and bool(row[0])
