"""Profiles, what one chooses, and being forgotten, against a real database."""

from __future__ import annotations

import asyncio

import pytest

from market.kernel.actor import ANONYMOUS
from market.kernel.errors import (
    BadInput,
    NotFound,
    SessionRevoked,
    Unauthenticated,
    VersionConflict,
)  # fmt: skip
from market.users import actions, rules, views
from market.users.commands import EditProfile, Forget, GetMe, GetProfile
from market.users.wing import Users
from tests.integration.conftest import call, new_id, someone
from tests.integration.users.test_users import (
    NOW_MS,
    actor,
    facts,
    fresh_code,
    login,
    refresh,
    state,
)  # fmt: skip


async def test_editing_ones_profile(users: Users) -> None:
    me = actor(users, await login(users))
    edited = await actions.edit_profile(users, call(me), EditProfile(version=1, nickname="阿明 🚲"))
    assert (edited.nickname, edited.version) == ("阿明 🚲", 2)
    assert await views.me(users, call(me), GetMe()) == edited
    public = await views.profile(users, call(ANONYMOUS), GetProfile(user_id=me.user_id))
    assert (public.nickname, public.version) == ("阿明 🚲", 2)
    assert [f.version for f in await facts(users, me.user_id)] == [1, 2]


async def test_what_one_chooses_is_kept_and_told_to_oneself_alone(users: Users) -> None:
    me = actor(users, await login(users))
    fresh = await views.me(users, call(me), GetMe())
    assert (fresh.personal, fresh.agreed) == (True, "")
    chosen = await actions.edit_profile(
        users, call(me), EditProfile(version=1, personal=False, agreed="2026-11-01")
    )
    assert (chosen.personal, chosen.agreed, chosen.nickname) == (
        False,
        "2026-11-01",
        fresh.nickname,
    )
    assert await views.me(users, call(me), GetMe()) == chosen
    public = await views.profile(users, call(ANONYMOUS), GetProfile(user_id=me.user_id))
    assert not hasattr(public, "personal")


async def test_who_is_forgotten_is_somebody_new_the_next_time(users: Users) -> None:
    code = fresh_code()
    tokens, elsewhere = await login(users, code), await login(users, code)
    me = actor(users, tokens)
    named = await actions.edit_profile(users, call(me), EditProfile(version=1, nickname="阿明"))
    with pytest.raises(VersionConflict):
        await actions.forget(users, call(me), Forget(version=1))
    await actions.forget(users, call(me), Forget(version=named.version))

    public = await views.profile(users, call(ANONYMOUS), GetProfile(user_id=me.user_id))
    assert (public.nickname, public.avatar_url) == (rules.FORGOTTEN_NICKNAME, "")
    for device in (tokens, elsewhere):
        assert (await state(users, actor(users, device).session_id)).revoked
        with pytest.raises(SessionRevoked):
            await refresh(users, device)
    assert (await login(users, code)).user.user_id != me.user_id


async def test_of_two_edits_of_one_screen_one_wins(users: Users) -> None:
    me = actor(users, await login(users))
    results = await asyncio.gather(
        *(
            actions.edit_profile(users, call(me), EditProfile(version=1, nickname=f"n{n}"))
            for n in range(4)
        ),
        return_exceptions=True,
    )
    lost = [r for r in results if isinstance(r, VersionConflict)]
    assert len(lost) == 3
    assert all(error.data["version"] == 2 for error in lost)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"version": 0}, {"version": 1, "nickname": ""}, {"version": 1, "nickname": "x" * 33},
        {"version": 1, "avatar_url": "javascript:alert(1)"}, {"version": 1, "nickname": 5}, {"version": "1"}, [], None,
    ],
)  # fmt: skip
async def test_a_malformed_edit_is_refused(users: Users, body: object) -> None:
    with pytest.raises(BadInput):
        await actions.edit_profile.perform(users, someone(), NOW_MS, "k", body)


async def test_nobody_is_not_found(users: Users) -> None:
    with pytest.raises(NotFound):
        await views.profile(users, call(ANONYMOUS), GetProfile(user_id=new_id()))
    with pytest.raises(Unauthenticated):
        await views.me.perform(users, ANONYMOUS, NOW_MS, None, {})
