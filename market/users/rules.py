"""What follows for users and their sessions. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from market.kernel.errors import Forbidden, VersionConflict
from market.kernel.facts import Fact, SessionRevoked, UserChanged
from market.kernel.ids import Id
from market.kernel.topics import Push, Readers

SESSION_MS = 30 * 24 * 3600 * 1000
DEFAULT_NICKNAME = "微信用户"
FORGOTTEN_NICKNAME = "已注销用户"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    id: Id
    version: int
    openid: str
    nickname: str
    avatar_url: str
    role: str
    banned: bool
    personal: bool = True
    agreed: str = ""
    """The day of the privacy text that was agreed to; empty: none yet."""
    forgotten: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One login on one device, and the family of its refresh tokens. `generation` is the number of the newest."""

    id: Id
    version: int
    user_id: Id
    generation: int
    revoked: str
    """Empty, or why."""
    expires_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileView:
    user_id: Id
    version: int
    nickname: str
    avatar_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeView:
    """`agreed`: the day of the privacy text agreed to, empty for none. `personal`: what one did before may shape one's results."""

    user_id: Id
    version: int
    nickname: str
    avatar_url: str
    role: str
    personal: bool
    agreed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """The payload of `session:ID`."""

    revoked: bool
    reason: str


def join(user_id: Id, openid: str, operator: bool) -> User:
    return User(
        id=user_id, version=1, openid=openid, nickname=DEFAULT_NICKNAME, avatar_url="",
        role="operator" if operator else "user", banned=False,
    )  # fmt: skip


def log_in(user: User, operator: bool) -> User:
    """The user as of this login: configuration decides the role."""
    if user.banned:
        raise Forbidden("this account is banned")
    return as_configured(user, operator)


def as_configured(user: User, operator: bool) -> User:
    """The very same user when the role is right already."""
    role = "operator" if operator else "user"
    return user if user.role == role else replace(user, role=role, version=user.version + 1)


def edit(user: User, version: int, changes: Mapping[str, Any]) -> User:
    """`changes` are fields of User."""
    if version != user.version:
        raise VersionConflict(version=user.version)
    return replace(user, version=user.version + 1, **changes)


def forget(user: User, version: int) -> User:
    """Who was here is nobody's business any more; whoever logs in by the same openid later is somebody new."""
    if version != user.version:
        raise VersionConflict(version=user.version)
    return replace(
        user, version=user.version + 1, openid=f"forgotten:{user.id}", nickname=FORGOTTEN_NICKNAME,
        avatar_url="", role="user", personal=False, agreed="", forgotten=True,
    )  # fmt: skip


def changed(user: User) -> Fact:
    data = UserChanged(
        user_id=user.id, version=user.version, nickname=user.nickname, avatar_url=user.avatar_url,
        role=user.role, openid=user.openid, forgotten=user.forgotten, personal=user.personal,
        banned=user.banned,
    )  # fmt: skip
    return Fact(kind=UserChanged.KIND, entity=user.id, version=user.version, data=data)


Refreshing = Literal["rotate", "reused", "revoked"]


def refreshing(session: Session, generation: int, now_ms: int) -> Refreshing:
    """What a refresh token of that generation deserves. An old one has been stolen, or its thief was faster."""
    if session.revoked or now_ms >= session.expires_ms:
        return "revoked"
    return "rotate" if generation == session.generation else "reused"


def may_repeat(session: Session, generation: int) -> bool:
    """Whether a refresh with that generation may be the repetition of the last one, whose answer got lost."""
    return generation >= session.generation - 1


def rotate(session: Session, now_ms: int) -> Session:
    return replace(session, generation=session.generation + 1, expires_ms=now_ms + SESSION_MS)


def revoke(session: Session, reason: str) -> tuple[Session, Fact]:
    session = replace(session, revoked=reason, version=session.version + 1)
    push = Push(
        topic=f"session:{session.id}",
        kind="state",
        version=session.version,
        payload=session_state(session),
    )
    data = SessionRevoked(session_id=session.id, user_id=session.user_id, reason=reason)
    fact = Fact(
        kind=SessionRevoked.KIND,
        entity=session.id,
        version=session.version,
        data=data,
        pushes=(push,),
    )
    return session, fact


def session_state(session: Session) -> SessionState:
    return SessionState(revoked=bool(session.revoked), reason=session.revoked)


def may_join_session(session: Session) -> Readers:
    return Readers(users=frozenset({session.user_id}))


def profile(user: User) -> ProfileView:
    return ProfileView(
        user_id=user.id, version=user.version, nickname=user.nickname, avatar_url=user.avatar_url
    )


def me(user: User) -> MeView:
    return MeView(
        user_id=user.id, version=user.version, nickname=user.nickname, avatar_url=user.avatar_url,
        role=user.role, personal=user.personal, agreed=user.agreed,
    )  # fmt: skip
