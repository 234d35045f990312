"""Doing it: each function is one transaction; its docstring names the rows it locks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pymysql.err

from infra.action import action, table
from infra.mysql.database import Tx
from market.kernel.actor import Actor, Call, Role, require_operator
from market.kernel.errors import OpenOrders, SessionRevoked, Unauthenticated
from market.kernel.ids import Id
from market.users import rules, store
from market.users.commands import Ban, EditProfile, Forget, Login, Logout, Refresh
from market.users.rules import MeView, ProfileView, Session, User
from market.users.wing import Users


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensView:
    """`expires_ms` is the access token's (UTC ms); refresh before it, in place."""

    access_token: str
    expires_ms: int
    refresh_token: str
    user: MeView


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Nothing more to say."""

    ok: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """What a refresh decided; tokens are derived from it, so that none is ever stored."""

    verdict: rules.Refreshing
    user: MeView
    session_id: Id
    generation: int
    issued_ms: int
    """The access token counts from here, also when the answer is repeated."""


@action("users.login", keyed=False, public=True)
async def login(users: Users, call: Call, command: Login) -> TokensView:
    """Trade a wx.login code for tokens; a new openid becomes a user. Locks the user."""
    identity = await users.login.code_to_session(command.code)
    operator = identity.openid in users.operators

    async def body(tx: Tx) -> Rotation:
        user = await store.lock_user_of(tx, identity.openid)
        if user is None:
            user = rules.join(tx.new_id(), identity.openid, operator)
            try:
                await store.insert_user(tx, user)
            except pymysql.err.IntegrityError as error:  # joined on another device this very moment
                raise pymysql.err.OperationalError(1213, "joined meanwhile") from error
            tx.emit(rules.changed(user))
        else:
            before, user = user, rules.log_in(user, operator)
            if user is not before:
                await store.update_user(tx, user)
                tx.emit(rules.changed(user))
        session = Session(
            id=tx.new_id(), version=1, user_id=user.id, generation=1, revoked="",
            expires_ms=call.now_ms + rules.SESSION_MS,
        )  # fmt: skip
        await store.insert_session(tx, session)
        return Rotation(
            verdict="rotate", user=rules.me(user), session_id=session.id, generation=1,
            issued_ms=call.now_ms,
        )  # fmt: skip

    return _tokens(users, await users.db.act(call.now_ms, body, Rotation))


@action("users.refresh", public=True)
async def refresh(users: Users, call: Call, command: Refresh) -> TokensView:
    """New tokens for a refresh token. An old one revokes its whole family. Locks the session, then the user if the
    configuration has made them an operator, or no longer does.

    The same key gives the same tokens again, so that a lost answer does not look like theft; but only while these are
    the newest, and never once the session is over.
    """
    session_id, generation = users.tokens.open_refresh(command.refresh_token)
    # The key belongs to the session, since nobody is logged in yet.
    call = replace(call, actor=Actor(user_id=session_id, role="anonymous"))

    async def body(tx: Tx) -> Rotation:
        session = await store.lock_session(tx, session_id)
        if session is None:
            raise Unauthenticated("no such session")
        user = await store.read_user(tx, session.user_id)
        verdict = rules.refreshing(session, generation, call.now_ms)
        if verdict == "revoked":
            raise SessionRevoked
        if rules.may_repeat(session, generation):
            await tx.claim(call, command)
        if verdict == "reused":
            session, fact = rules.revoke(session, "refresh token used twice")
            await store.update_session(tx, session)
            tx.emit(fact)
        else:
            session = rules.rotate(session, call.now_ms)
            await store.update_session(tx, session)
            operator = user.openid in users.operators
            if rules.as_configured(user, operator) is not user:
                before = await store.lock_user(tx, user.id)
                user = rules.as_configured(before, operator)
                if user is not before:  # another session's refresh may have been first
                    await store.update_user(tx, user)
                    tx.emit(rules.changed(user))
        return Rotation(
            verdict=verdict,
            user=rules.me(user),
            session_id=session.id,
            generation=session.generation,
            issued_ms=call.now_ms,
        )

    rotation = await users.db.act(call.now_ms, body, Rotation)
    if rotation.verdict != "rotate":
        raise SessionRevoked
    return _tokens(users, rotation)


@action("users.logout")
async def logout(users: Users, call: Call, command: Logout) -> Done:
    """End this session, or all of the user's. Their sockets close on every hub. Locks the sessions."""

    async def body(tx: Tx) -> Done:
        sessions = await store.lock_open_sessions(tx, call.actor.user_id)
        await tx.claim(call, command)
        for session in sessions:
            if command.everywhere or session.id == call.actor.session_id:
                await _revoke(tx, session, "logged out")
        return Done()

    return await users.db.act(call.now_ms, body, Done)


@action("users.edit_profile")
async def edit_profile(users: Users, call: Call, command: EditProfile) -> MeView:
    """Change one's own profile and choices. Locks the user."""
    given = {name: getattr(command, name) for name in EDITED}
    changes = {name: value for name, value in given.items() if value is not None}

    async def body(tx: Tx) -> MeView:
        user = await store.lock_user(tx, call.actor.user_id)
        await tx.claim(call, command)
        user = rules.edit(user, command.version, changes)
        await store.update_user(tx, user)
        tx.emit(rules.changed(user))
        return rules.me(user)

    return await users.db.act(call.now_ms, body, MeView)


@action("users.forget")
async def forget(users: Users, call: Call, command: Forget) -> Done:
    """Delete one's account, for good: name, picture and WeChat identity go, what one offers is taken back, every session
    ends. OpenOrders while one has an order under way or money on its way, as buyer or as owner; orders cancel what was made
    meanwhile and nobody has paid for. Locks the user, then the sessions."""

    async def body(tx: Tx) -> Done:
        user = await store.lock_user(tx, call.actor.user_id)
        await tx.claim(call, command)
        user = rules.forget(user, command.version)
        if await store.is_engaged(tx, user.id):
            raise OpenOrders
        await store.update_user(tx, user)
        tx.emit(rules.changed(user))
        for session in await store.lock_open_sessions(tx, user.id):
            await _revoke(tx, session, "account deleted")
        return Done()

    return await users.db.act(call.now_ms, body, Done)


@action("users.ban")
async def ban(users: Users, call: Call, command: Ban) -> ProfileView:
    """Operators: lock somebody out, everywhere and at once. Locks the user, then the sessions."""
    require_operator(call.actor)

    async def body(tx: Tx) -> ProfileView:
        user: User = await store.lock_user(tx, command.user_id)
        await tx.claim(call, command)
        if not user.banned:
            user = replace(user, banned=True, version=user.version + 1)
            await store.update_user(tx, user)
            tx.emit(rules.changed(user))
        for session in await store.lock_open_sessions(tx, user.id):
            await _revoke(tx, session, f"banned: {command.reason}"[:200])
        return rules.profile(user)

    return await users.db.act(call.now_ms, body, ProfileView)


async def _revoke(tx: Tx, session: Session, reason: str) -> None:
    session, fact = rules.revoke(session, reason)
    await store.update_session(tx, session)
    tx.emit(fact)


def _tokens(users: Users, rotation: Rotation) -> TokensView:
    role: Role = "operator" if rotation.user.role == "operator" else "user"
    actor = Actor(user_id=rotation.user.user_id, role=role, session_id=rotation.session_id)
    return TokensView(
        access_token=users.tokens.access(actor, rotation.issued_ms),
        expires_ms=rotation.issued_ms + users.tokens.access_s * 1000,
        refresh_token=users.tokens.refresh(rotation.session_id, rotation.generation),
        user=rotation.user,
    )


EDITED = ("nickname", "avatar_url", "personal", "agreed")
ACTIONS = table(login, refresh, logout, edit_profile, forget, ban)
