"""Login and sessions against a real database."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from typing import Any

import pytest

from infra import wire
from infra.mysql import outbox
from infra.process import Process, now_ms
from market.kernel.actor import ANONYMOUS, Actor, Call
from market.kernel.errors import (
    BadInput,
    BadLoginCode,
    Forbidden,
    KeyRequired,
    KeyReused,
    NotFound,
    SessionRevoked,
    Unauthenticated,
)  # fmt: skip
from market.kernel.period import DAY_MS
from market.kernel.topics import Push, Want
from market.users import actions, rules, store, views
from market.users.actions import TokensView
from market.users.commands import (
    Ban,
    Login,
    Logout,
    Refresh,
)
from market.users.wing import Users, open_rows
from tests.integration.conftest import call, new_id, someone
from workers import old_sessions

NOW_MS = now_ms()


def fresh_code() -> str:
    return secrets.token_hex(8)


async def login(users: Users, code: str | None = None, at_ms: int = NOW_MS) -> TokensView:
    return await actions.login(
        users, Call(actor=ANONYMOUS, now_ms=at_ms), Login(code=code or fresh_code())
    )


async def refresh(
    users: Users, tokens: TokensView | str, key: str | None = None, at_ms: int = NOW_MS
) -> TokensView:
    token = tokens if isinstance(tokens, str) else tokens.refresh_token
    return await actions.refresh(users, call(ANONYMOUS, key, at_ms), Refresh(refresh_token=token))


def actor(users: Users, tokens: TokensView, at_ms: int = NOW_MS) -> Actor:
    return users.tokens.verify(tokens.access_token, at_ms).actor


async def facts(users: Users, entity: int) -> list[outbox.Published]:
    async with users.db.read() as cursor:
        found = [item for item in await outbox.waiting(cursor, 100_000) if item.entity == entity]
        for item in found:
            item.pushes = wire.from_msgpack(item.pushes_raw, tuple[Push, ...])
        return found


async def state(users: Users, session: int) -> Any:
    (found,) = await views.snapshot(users, [Want(topic=f"session:{session}")], NOW_MS)
    return found.state


# --- login --------------------------------------------------------------------------------------------------------------


async def test_a_new_openid_becomes_a_user_and_stays_the_same_one(users: Users) -> None:
    code = fresh_code()
    first, second = await login(users, code), await login(users, code)
    assert first.user == second.user
    assert (first.user.version, first.user.role) == (1, "user")
    one, other = actor(users, first), actor(users, second)
    assert one.user_id == other.user_id == first.user.user_id
    assert one.session_id != other.session_id  # each device has its own
    assert first.expires_ms == NOW_MS + users.tokens.access_s * 1000
    assert [(f.kind, f.version) for f in await facts(users, one.user_id)] == [("user.changed", 1)]


async def test_one_openid_logging_in_many_times_at_once_is_one_user(users: Users) -> None:
    code = fresh_code()
    tokens = await asyncio.gather(*(login(users, code) for _ in range(8)))
    assert len({t.user.user_id for t in tokens}) == 1
    assert len({actor(users, t).session_id for t in tokens}) == 8
    assert len(await facts(users, tokens[0].user.user_id)) == 1


async def test_a_code_that_wechat_does_not_know(users: Users) -> None:
    with pytest.raises(BadLoginCode):
        await login(users, "bad")


async def test_the_configuration_makes_operators(users: Users) -> None:
    before = await login(replace(users, operators=frozenset()), "boss")
    boss = await login(users, "boss")
    assert (before.user.role, boss.user.role) == ("user", "operator")
    assert actor(users, boss).is_operator
    after = await login(replace(users, operators=frozenset()), "boss")
    assert (after.user.role, after.user.version) == ("user", boss.user.version + 1)


# --- refresh ------------------------------------------------------------------------------------------------------------


async def test_a_refresh_rotates(users: Users) -> None:
    tokens = await login(users)
    later = NOW_MS + 600_000
    second = await refresh(users, tokens, at_ms=later)
    assert second.refresh_token != tokens.refresh_token
    assert second.expires_ms == later + users.tokens.access_s * 1000
    assert actor(users, second, later) == actor(users, tokens)
    assert (await refresh(users, second, at_ms=later)).user == tokens.user


async def test_who_is_no_operator_any_more_is_none_after_a_refresh(users: Users) -> None:
    boss = await login(users, "boss")
    assert actor(users, boss).is_operator
    dismissed = await refresh(replace(users, operators=frozenset()), boss)
    assert (dismissed.user.role, dismissed.user.version) == ("user", boss.user.version + 1)
    assert not actor(users, dismissed).is_operator
    assert (await refresh(users, dismissed)).user.role == "operator"


async def test_a_lost_answer_is_given_again_under_its_key(users: Users) -> None:
    tokens = await login(users)
    first, again = await refresh(users, tokens, "k"), await refresh(users, tokens, "k")
    assert again == first
    await refresh(users, again)  # and is good


async def test_many_repetitions_at_once_are_one_rotation(users: Users) -> None:
    tokens = await login(users)
    answers = await asyncio.gather(*(refresh(users, tokens, "k") for _ in range(6)))
    assert len({a.refresh_token for a in answers}) == 1


async def test_an_old_token_ends_its_whole_family(users: Users) -> None:
    tokens = await login(users)
    session = actor(users, tokens).session_id
    newest = await refresh(users, tokens, "k1")
    with pytest.raises(SessionRevoked):
        await refresh(users, tokens, "k2")
    with pytest.raises(SessionRevoked):
        await refresh(users, newest)
    assert (await state(users, session)).revoked
    (fact,) = await facts(users, session)
    assert (fact.kind, fact.pushes[0].topic) == ("session.revoked", f"session:{session}")
    assert fact.pushes[0].payload == {"revoked": True, "reason": "refresh token used twice"}


async def test_two_devices_are_two_families(users: Users) -> None:
    code = fresh_code()
    stolen, other = await login(users, code), await login(users, code)
    await refresh(users, stolen, "k1")
    with pytest.raises(SessionRevoked):
        await refresh(users, stolen, "k2")
    await refresh(users, other)


async def test_a_repetition_gives_nothing_once_the_session_is_over(users: Users) -> None:
    """The answer is stored for seven days; a banned user must not live on it."""
    tokens = await login(users)
    await refresh(users, tokens, "k")
    await actions.logout(users, call(actor(users, tokens)), Logout())
    with pytest.raises(SessionRevoked):
        await refresh(users, tokens, "k")


async def test_a_repetition_of_what_has_long_been_answered_is_theft(users: Users) -> None:
    tokens = await login(users)
    second = await refresh(users, tokens, "k1")
    third = await refresh(users, second, "k2")
    with pytest.raises(SessionRevoked):
        await refresh(users, tokens, "k1")
    with pytest.raises(SessionRevoked):
        await refresh(users, third, "k3")


async def test_the_key_of_one_refresh_is_not_another_ones(users: Users) -> None:
    tokens = await login(users)
    second = await refresh(users, tokens, "k")
    with pytest.raises(KeyReused):
        await refresh(users, second, "k")


async def test_a_session_ends_after_thirty_quiet_days(users: Users) -> None:
    tokens = await login(users)
    with pytest.raises(SessionRevoked):
        await refresh(users, tokens, at_ms=NOW_MS + rules.SESSION_MS)
    await refresh(users, tokens, at_ms=NOW_MS + rules.SESSION_MS - 1)


@pytest.mark.parametrize("token", ["x", "1.1.x", "", "...", "9" * 300])
async def test_what_is_no_refresh_token(users: Users, token: str) -> None:
    with pytest.raises((Unauthenticated, BadInput)):
        await actions.refresh.perform(users, ANONYMOUS, NOW_MS, "k", {"refresh_token": token})


async def test_a_refresh_token_of_a_session_that_never_was(users: Users) -> None:
    with pytest.raises(Unauthenticated):
        await refresh(users, users.tokens.refresh(new_id(), 1))


async def test_a_refresh_needs_a_key_and_nobody_logged_in(users: Users) -> None:
    tokens = await login(users)
    body = {"refresh_token": tokens.refresh_token}
    with pytest.raises(KeyRequired):
        await actions.refresh.perform(users, ANONYMOUS, NOW_MS, None, body)
    answer = await actions.refresh.perform(users, ANONYMOUS, NOW_MS, "k", body)
    assert answer.user == tokens.user


# --- logout and ban -----------------------------------------------------------------------------------------------------


async def test_logging_out_ends_this_session(users: Users) -> None:
    code = fresh_code()
    here, there = await login(users, code), await login(users, code)
    await actions.logout(users, call(actor(users, here)), Logout())
    with pytest.raises(SessionRevoked):
        await refresh(users, here)
    await refresh(users, there)
    assert (await state(users, actor(users, here).session_id)).revoked
    assert not (await state(users, actor(users, there).session_id)).revoked


async def test_logging_out_everywhere_ends_all_of_ones_own(users: Users) -> None:
    code = fresh_code()
    mine = [await login(users, code) for _ in range(3)]
    other = await login(users)
    await actions.logout(users, call(actor(users, mine[0])), Logout(everywhere=True))
    for tokens in mine:
        with pytest.raises(SessionRevoked):
            await refresh(users, tokens)
        (fact,) = await facts(users, actor(users, tokens).session_id)
        assert fact.kind == "session.revoked"
    await refresh(users, other)


async def test_what_has_run_out_by_itself_is_not_revoked_once_more(users: Users) -> None:
    code = fresh_code()
    old, later = await login(users, code), NOW_MS + rules.SESSION_MS
    new = await login(users, code, later)
    everywhere = call(actor(users, new, later), at_ms=later)
    await actions.logout(users, everywhere, Logout(everywhere=True))
    assert await facts(users, actor(users, old).session_id) == []
    assert len(await facts(users, actor(users, new, later).session_id)) == 1
    with pytest.raises(SessionRevoked):
        await refresh(users, old, at_ms=later)


async def test_logging_out_twice_is_fine(users: Users) -> None:
    me = actor(users, await login(users))
    for _ in range(2):
        assert (await actions.logout(users, call(me), Logout())).ok
    assert len(await facts(users, me.session_id)) == 1


async def test_a_ban_ends_everything_at_once(users: Users) -> None:
    code = fresh_code()
    tokens, boss = await login(users, code), actor(users, await login(users, "boss"))
    user = tokens.user.user_id
    await actions.ban(users, call(boss), Ban(user_id=user, reason="spam"))
    with pytest.raises(SessionRevoked):
        await refresh(users, tokens)
    with pytest.raises(Forbidden):
        await login(users, code)
    assert (await state(users, actor(users, tokens).session_id)).reason == "banned: spam"
    await actions.ban(users, call(boss), Ban(user_id=user, reason="again"))  # once is enough
    assert [f.version for f in await facts(users, user)] == [1, 2]


async def test_only_operators_ban(users: Users) -> None:
    user = (await login(users)).user.user_id
    with pytest.raises(Forbidden):
        await actions.ban(users, call(someone()), Ban(user_id=user, reason="x"))
    with pytest.raises(NotFound):
        await actions.ban(users, call(someone("operator")), Ban(user_id=new_id(), reason="x"))


async def test_a_ban_and_a_login_at_once_leave_no_session_open(users: Users) -> None:
    code = fresh_code()
    user = (await login(users, code)).user.user_id
    boss = someone("operator")
    results = await asyncio.gather(
        *(login(users, code) for _ in range(5)),
        actions.ban(users, call(boss), Ban(user_id=user, reason="x")),
        return_exceptions=True,
    )
    for result in results:
        if isinstance(result, TokensView):
            with pytest.raises(SessionRevoked):
                await refresh(users, result)
        elif isinstance(result, BaseException):
            assert isinstance(result, Forbidden)


# --- the session's topic ------------------------------------------------------------------------------------------------


async def test_a_sessions_snapshot(users: Users) -> None:
    me = actor(users, await login(users))
    topic = f"session:{me.session_id}"
    wants = [
        Want(topic=topic), Want(topic=f"session:{new_id()}"), Want(topic="session:x"), Want(topic="session:"),
        Want(topic=f"{topic}:x"),
    ]  # fmt: skip
    (found,) = await views.snapshot(users, wants, NOW_MS)
    assert (found.topic, found.kind, found.version) == (topic, "state", 1)
    assert found.state == rules.SessionState(revoked=False, reason="")
    assert found.readers.admit(me)
    assert not found.readers.admit(someone())
    (same,) = await views.snapshot(users, [Want(topic=topic, have=1)], NOW_MS)
    assert same.state is None
    await actions.logout(users, call(me), Logout())
    (newer,) = await views.snapshot(users, [Want(topic=topic, have=1)], NOW_MS)
    assert (newer.version, newer.state.revoked) == (2, True)
    assert await views.snapshot(users, [], NOW_MS) == []


async def test_sessions_that_have_long_been_over_are_forgotten(
    users: Users, process: Process
) -> None:
    month_ms = 30 * DAY_MS
    longest = NOW_MS - 3 * month_ms
    old, older = await login(users, at_ms=longest), await login(users, at_ms=longest - DAY_MS)
    young = await login(users, at_ms=longest + 1)
    rows = replace(await open_rows(process), sessions_kept_ms=2 * month_ms)
    while await old_sessions.run_once(rows, NOW_MS):
        pass
    ids = [actor(users, tokens, longest - DAY_MS).session_id for tokens in (old, older, young)]
    async with users.db.read() as cursor:
        left = {session.id for session in await store.read_sessions(cursor, ids)}
    assert left == {ids[2]}
    with pytest.raises(Unauthenticated):
        await refresh(users, old)
