"""Reading it: who may see what."""

from __future__ import annotations

from collections.abc import Sequence

from infra.action import view
from infra.mysql.database import Cursor
from market.kernel.actor import Call
from market.kernel.topics import Snapshot, Want, topic_id
from market.users import rules, store
from market.users.commands import GetMe, GetProfile
from market.users.rules import MeView, ProfileView
from market.users.wing import Users


@view("users.me")
async def me(users: Users, call: Call, query: GetMe) -> MeView:
    """One's own profile."""
    async with users.db.read() as cursor:
        return rules.me(await store.read_user(cursor, call.actor.user_id))


@view("users.profile", public=True)
async def profile(users: Users, call: Call, query: GetProfile) -> ProfileView:
    """What everybody may see of a user."""

    async def read(cursor: Cursor) -> ProfileView:
        return rules.profile(await store.read_user(cursor, query.user_id))

    return await users.db.as_new_as(0, read, lambda profile: 0)


async def snapshot(users: Users, wants: Sequence[Want], now_ms: int) -> list[Snapshot]:
    """`session:ID` topics. Those that do not exist are left out."""
    have = {topic_id(want.topic, "session"): want.have for want in wants}
    ids = [id_ for id_ in have if id_ is not None]
    if not ids:
        return []
    async with users.db.read() as cursor:
        sessions = await store.read_sessions(cursor, ids)
    return [
        Snapshot(
            topic=f"session:{s.id}", kind="state", version=s.version, readers=rules.may_join_session(s),
            state=None if have[s.id] == s.version else rules.session_state(s),
        )
        for s in sessions
    ]  # fmt: skip


TOPICS = ("session",)
VERSIONS = {"session": store.SESSION_VERSIONS}
"""Topic prefix -> the statement that `infra.mysql.versions` compares by."""
