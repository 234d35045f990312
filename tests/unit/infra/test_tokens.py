"""Tokens: what we made verifies until it expires; nothing else does."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.tokens import CLOCK_SKEW_S, Tokens
from market.kernel.actor import Actor
from market.kernel.errors import TokenExpired, Unauthenticated
from market.kernel.ids import MAX_ID, Id

NOW_MS = 1_790_000_000_000
OLD, NEW, OTHER = b"o" * 32, b"n" * 32, b"x" * 32
SOMEBODY = Actor(user_id=Id(2**62 + 1), role="user", session_id=Id(77))

tokens = Tokens((("new", NEW), ("old", OLD)), access_s=900)


def forged(
    key: str | bytes = NEW, algorithm: str = "HS256", kid: object = "new", **changed: object
) -> str:
    claims = {
        "iss": "sharehub", "sub": "5", "sid": "6", "role": "user", "iat": NOW_MS // 1000, "exp": NOW_MS // 1000 + 900,
    } | changed  # fmt: skip
    headers = {} if kid is None else {"kid": kid}
    return jwt.encode(
        {k: v for k, v in claims.items() if v is not None},
        key,
        algorithm=algorithm,
        headers=headers,
    )


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize("role", ["user", "operator"])
def test_a_token_says_who_its_bearer_is(role: str) -> None:
    actor = Actor(user_id=Id(MAX_ID), role=role, session_id=Id(9))  # type: ignore[arg-type]
    identity = tokens.verify(tokens.access(actor, NOW_MS), NOW_MS)
    assert identity.actor == actor
    assert identity.expires_ms == NOW_MS + 900_000


def test_it_expires_after_its_time_and_a_little_skew() -> None:
    token = tokens.access(SOMEBODY, NOW_MS)
    last_ms = NOW_MS + (900 + CLOCK_SKEW_S) * 1000
    assert tokens.verify(token, last_ms - 1).actor == SOMEBODY
    with pytest.raises(TokenExpired):
        tokens.verify(token, last_ms)


def test_the_clock_is_the_one_given_and_not_the_machines() -> None:
    ancient = tokens.access(SOMEBODY, 1_000_000)
    assert tokens.verify(ancient, 1_000_000).actor == SOMEBODY
    assert tokens.verify(tokens.access(SOMEBODY, 2**41), 2**41).actor == SOMEBODY


def test_keys_rotate_by_their_id() -> None:
    before = Tokens((("old", OLD),)).access(SOMEBODY, NOW_MS)
    assert tokens.verify(before, NOW_MS).actor == SOMEBODY
    fresh = tokens.access(SOMEBODY, NOW_MS)
    assert jwt.get_unverified_header(fresh)["kid"] == "new"
    with pytest.raises(Unauthenticated):  # the old key is retired
        Tokens((("new", NEW),)).verify(before, NOW_MS)
    with pytest.raises(Unauthenticated):  # a process that has not got the new key yet
        Tokens((("old", OLD),)).verify(fresh, NOW_MS)


UNACCEPTABLE: dict[str, Callable[[], str]] = {
    "wrong key": lambda: forged(OTHER),
    "another key's id": lambda: forged(OLD, kid="new"),
    "unknown key": lambda: forged(kid="nobody"),
    "no key id": lambda: forged(kid=None),
    "alg none": lambda: forged("", "none"),
    "alg none, by hand": lambda: f"{segment({'alg': 'none', 'kid': 'new'})}.{segment({'sub': '5', 'sid': '6', 'role': 'operator', 'iss': 'sharehub', 'exp': 2**40})}.",
    "another algorithm": lambda: forged(NEW * 2, "HS512"),
    "key id of another type": lambda: f"{segment({'alg': 'HS256', 'kid': ['new']})}.{segment({})}.AA",
    "another issuer": lambda: forged(iss="elsewhere"),
    "no issuer": lambda: forged(iss=None),
    "no expiry": lambda: forged(exp=None),
    "no session": lambda: forged(sid=None),
    "no subject": lambda: forged(sub=None),
    "no role": lambda: forged(role=None),
    "a role nobody has": lambda: forged(role="system"),
    "an anonymous bearer": lambda: forged(role="anonymous"),
    "a role of another type": lambda: forged(role=["user"]),
    "a subject that is no id": lambda: forged(sub="-5"),
    "a session that is no id": lambda: forged(sid="x"),
    "a session of another type": lambda: forged(sid=6),
    "an expiry of another type": lambda: forged(exp="soon"),
    "empty": lambda: "",
    "not a token": lambda: "a.b.c",
    "dots": lambda: "....",
    "not ASCII": lambda: "\u4e2d\u6587.\u4e2d.\u6587",
    "a surrogate": lambda: "\ud800.a.b",
    "nested deeply": lambda: base64.urlsafe_b64encode(b"[" * 60_000).decode() + ".AA.AA",
    "a header that is a list": lambda: f"{segment([1])}.{segment({})}.AA",
}  # fmt: skip


@pytest.mark.parametrize("name", UNACCEPTABLE)
def test_what_we_did_not_make_is_refused(name: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        tokens.verify(UNACCEPTABLE[name](), NOW_MS)
    assert not isinstance(refused.value, TokenExpired)


@given(st.integers(0, 10_000), st.sampled_from("ABCDEFGHabcdefgh0123456789-_."))
def test_a_token_changed_anywhere_is_refused(place: int, character: str) -> None:
    token = tokens.access(SOMEBODY, NOW_MS)
    place %= len(token) - 1  # the last character of a signature has bits that mean nothing
    if token[place] != character:
        with pytest.raises(Unauthenticated):
            tokens.verify(token[:place] + character + token[place + 1 :], NOW_MS)


@given(st.text(max_size=60))
def test_no_text_at_all_does_worse_than_being_refused(text: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens.verify(text, NOW_MS)
    with pytest.raises(Unauthenticated):
        tokens.open_refresh(text)


@given(st.integers(0, MAX_ID).map(Id), st.integers(0, 10**9 - 1))
def test_a_refresh_token_opens_to_what_it_was_made_of(session: Id, generation: int) -> None:
    token = tokens.refresh(session, generation)
    assert tokens.open_refresh(token) == (session, generation)
    assert token == tokens.refresh(session, generation)  # derived, not stored


def test_a_refresh_token_outlives_the_rotation_of_keys() -> None:
    before = Tokens((("old", OLD),)).refresh(Id(5), 3)
    assert tokens.open_refresh(before) == (5, 3)
    with pytest.raises(Unauthenticated):
        Tokens((("new", NEW),)).open_refresh(before)


@pytest.mark.parametrize(
    "change",
    [
        lambda s, g, m: f"{s + 1}.{g}.{m}", lambda s, g, m: f"{s}.{g + 1}.{m}", lambda s, g, m: f"{s}.{g}.{m[:-2]}",
        lambda s, g, m: f"{s}.0{g}.{m}", lambda s, g, m: f"{s}.{g}", lambda s, g, m: f"{s}.{g}.{m}.", lambda s, g, m: f"{s}.{g}.",
        lambda s, g, m: f"{s}.{g}.\u4e2d", lambda s, g, m: f" {s}.{g}.{m}", lambda s, g, m: f"{s}.{10**12}.{m}",
    ],
)  # fmt: skip
def test_a_refresh_token_changed_anywhere_is_refused(change: object) -> None:
    session, generation, mac = tokens.refresh(Id(5), 3).split(".")
    with pytest.raises(Unauthenticated):
        tokens.open_refresh(change(int(session), int(generation), mac))  # type: ignore[operator]
