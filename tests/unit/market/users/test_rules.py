"""What follows for users and sessions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.kernel.actor import Actor
from market.kernel.errors import Forbidden, VersionConflict
from market.kernel.facts import SessionRevoked, UserChanged
from market.kernel.ids import Id
from market.users import rules
from market.users.rules import Session

NOW_MS = 1_790_000_000_000
USER = rules.join(Id(7), "openid-7", operator=False)
SESSION = Session(
    id=Id(9), version=1, user_id=Id(7), generation=3, revoked="", expires_ms=NOW_MS + 1
)


def test_whoever_joins_is_an_ordinary_user_unless_configuration_says_otherwise() -> None:
    assert (USER.role, USER.version, USER.nickname) == ("user", 1, rules.DEFAULT_NICKNAME)
    assert rules.join(Id(7), "x", operator=True).role == "operator"


def test_logging_in_follows_the_configuration_both_ways() -> None:
    assert rules.log_in(USER, operator=False) is USER
    promoted = rules.log_in(USER, operator=True)
    assert (promoted.role, promoted.version) == ("operator", 2)
    demoted = rules.log_in(promoted, operator=False)
    assert (demoted.role, demoted.version) == ("user", 3)


def test_the_banned_do_not_log_in() -> None:
    with pytest.raises(Forbidden):
        rules.log_in(replace(USER, banned=True), operator=True)


@pytest.mark.parametrize("version", [0, 2, 100])
def test_an_edit_of_what_one_did_not_see_is_refused(version: int) -> None:
    with pytest.raises(VersionConflict) as refused:
        rules.edit(USER, version, {"nickname": "x"})
    assert refused.value.data["version"] == 1


def test_an_edit_changes_what_is_given_and_only_that() -> None:
    named = rules.edit(USER, 1, {"nickname": "\u963f\u660e"})
    assert named == replace(USER, version=2, nickname="\u963f\u660e")
    assert rules.edit(named, 2, {"avatar_url": "/a.jpg"}) == replace(
        named, version=3, avatar_url="/a.jpg"
    )
    assert rules.edit(named, 2, {"avatar_url": ""}).avatar_url == ""


@pytest.mark.parametrize(
    ("revoked", "age_ms", "generation", "verdict"),
    [
        ("", 0, 3, "rotate"), ("", 0, 2, "reused"), ("", 0, 1, "reused"), ("", 0, 4, "reused"),
        ("", 1, 3, "revoked"), ("logged out", 0, 3, "revoked"), ("logged out", 0, 2, "revoked"),
    ],
)  # fmt: skip
def test_what_a_refresh_token_deserves(
    revoked: str, age_ms: int, generation: int, verdict: str
) -> None:
    session = replace(SESSION, revoked=revoked)
    assert rules.refreshing(session, generation, NOW_MS + age_ms) == verdict


@given(st.integers(1, 50))
def test_only_the_newest_token_rotates(generation: int) -> None:
    rotated = rules.rotate(replace(SESSION, generation=generation), NOW_MS)
    assert rotated.expires_ms == NOW_MS + rules.SESSION_MS
    assert rules.refreshing(rotated, generation, NOW_MS) == "reused"
    assert rules.refreshing(rotated, generation + 1, NOW_MS) == "rotate"
    assert rules.may_repeat(rotated, generation)
    assert not rules.may_repeat(rotated, generation - 1)


def test_a_revocation_tells_the_sessions_sockets_and_nobody_else() -> None:
    session, fact = rules.revoke(SESSION, "banned: spam")
    assert (session.version, session.revoked) == (2, "banned: spam")
    assert fact.kind == SessionRevoked.KIND
    (push,) = fact.pushes
    assert (push.topic, push.version, push.payload.revoked) == ("session:9", 2, True)
    readers = rules.may_join_session(session)
    assert readers.admit(Actor(user_id=Id(7), role="user"))
    assert not readers.admit(Actor(user_id=Id(8), role="user"))
    assert not readers.admit(Actor(user_id=Id(8), role="operator"))


def test_of_who_is_forgotten_nothing_is_left_that_names_them() -> None:
    known = rules.edit(
        rules.join(Id(7), "openid-7", operator=True),
        1,
        {"nickname": "阿明", "avatar_url": "/a.jpg", "agreed": "2026-11-01"},
    )
    gone = rules.forget(known, 2)
    assert (gone.version, gone.forgotten, gone.role) == (3, True, "user")
    assert not {"openid-7", "阿明", "/a.jpg"} & set(repr(gone).split("'"))
    fact = rules.changed(gone)
    assert isinstance(fact.data, UserChanged)
    assert fact.data.forgotten
    with pytest.raises(VersionConflict):
        rules.forget(known, 1)


def test_no_client_ever_sees_an_openid() -> None:
    fact = rules.changed(USER)
    assert isinstance(fact.data, UserChanged)
    assert fact.data.openid == "openid-7"  # for payments and notices
    assert fact.pushes == ()
    assert "openid" not in repr(rules.me(USER)) + repr(rules.profile(USER))
