"""Tokens of every wrong kind."""

from __future__ import annotations

import base64
import json
import secrets
import time
from typing import Any

import jwt

from infra.tokens import Tokens
from market.kernel.actor import Actor
from market.kernel.ids import Id
from tests.integration.hostile.scene import Somebody, World


def own_keys(world: World) -> tuple[str, bytes]:
    kid, _, secret = world.stack.secrets.token_keys.split(",")[0].partition(":")
    return kid, base64.b64decode(secret)


def claims_of(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def token_until(world: World, who: Somebody, expires_in_s: int) -> str:
    """A true token of that session, which runs out when it is told."""
    claims = claims_of(who.token)
    actor = Actor(
        user_id=Id.parse(claims["sub"]), role=claims["role"], session_id=Id.parse(claims["sid"])
    )
    now_ms = int(time.time() * 1000)
    return Tokens((own_keys(world),), access_s=expires_in_s).access(actor, now_ms)


def bad_tokens(world: World, who: Somebody) -> dict[str, tuple[str, str]]:
    """name -> (token, the code that it gets). `who` would be welcome."""
    kid, key = own_keys(world)
    claims = claims_of(who.token)
    good_parts = who.token.split(".")

    def signed(
        with_key: bytes, headers: dict[str, Any], algorithm: str = "HS256", **changed: Any
    ) -> str:
        return jwt.encode({**claims, **changed}, with_key, algorithm=algorithm, headers=headers)

    def plain(part: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")

    without = {k: v for k, v in claims.items() if k != "sid"}
    wrong = {
        "garbage": "garbage",
        "three dots": "...",
        "of another key": signed(secrets.token_bytes(32), {"kid": kid}),
        "of an unknown key id": signed(key, {"kid": "k9"}),
        "without a key id": signed(key, {}),
        "alg none": f"{plain({'alg': 'none', 'typ': 'JWT', 'kid': kid})}.{good_parts[1]}.",
        "alg None, signed": f"{plain({'alg': 'None', 'kid': kid})}.{good_parts[1]}.{good_parts[2]}",
        "another algorithm": signed(key * 2, {"kid": kid}, "HS512"),
        "claims exchanged": f"{good_parts[0]}.{plain({**claims, 'role': 'operator'})}.{good_parts[2]}",
        "of another issuer": signed(key, {"kid": kid}, iss="elsewhere"),
        "of role system": signed(key, {"kid": kid}, role="system"),
        "of role anonymous": signed(key, {"kid": kid}, role="anonymous"),
        "without a session": jwt.encode(without, key, algorithm="HS256", headers={"kid": kid}),
        "a refresh token": who.refresh_token,
        "4 KiB": "a" * 4096,
        "not ASCII": "токен",
    }  # fmt: skip
    return {
        **{name: (token, "unauthenticated") for name, token in wrong.items()},
        "expired": (token_until(world, who, -60), "token_expired"),
    }
