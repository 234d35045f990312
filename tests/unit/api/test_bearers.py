"""A remembered token is worth no more than a fresh one."""

from __future__ import annotations

import pytest

from api.bearers import Bearers
from infra.tokens import CLOCK_SKEW_S, Tokens
from market.kernel.actor import Actor
from market.kernel.errors import TokenExpired, Unauthenticated
from market.kernel.ids import Id

NOW_MS = 1_790_000_000_000
TOKENS = Tokens((("k", b"k" * 32),), access_s=900)


def actor(user_id: int) -> Actor:
    return Actor(user_id=Id(user_id), role="user", session_id=Id(77))


def test_each_token_is_its_own_bearers_however_often_it_is_seen() -> None:
    bearers = Bearers(TOKENS, size=2)
    tokens = {n: TOKENS.access(actor(n), NOW_MS) for n in range(5)}
    for n in (0, 1, 0, 2, 2, 3, 0, 4, 4, 1):
        assert bearers.actor(tokens[n], NOW_MS) == actor(n)
        assert len(bearers._known) <= 2


def test_a_remembered_token_expires_like_any_other() -> None:
    bearers = Bearers(TOKENS)
    token = TOKENS.access(actor(1), NOW_MS)
    end_ms = NOW_MS + 900_000
    for now_ms in (NOW_MS, end_ms - 1, end_ms, end_ms + CLOCK_SKEW_S * 1000 - 1):
        assert bearers.actor(token, now_ms) == actor(1)
    with pytest.raises(TokenExpired):
        bearers.actor(token, end_ms + CLOCK_SKEW_S * 1000)


def test_what_is_refused_is_not_remembered() -> None:
    bearers = Bearers(TOKENS)
    token = TOKENS.access(actor(1), NOW_MS)
    bearers.actor(token, NOW_MS)
    for wrong in (token[:-2], token + "x", "", "a.b.c"):
        for _ in range(2):
            with pytest.raises(Unauthenticated):
                bearers.actor(wrong, NOW_MS)
    assert list(bearers._known) == [token]
