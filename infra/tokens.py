"""Access tokens (short-lived JWTs that every process verifies alone) and refresh tokens (rotating, checked by `users`).

A refresh token is `session.generation.mac`: it is derived, not stored, so that the database holds nothing worth stealing
and a repeated refresh gives the same answer.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import cast

import jwt

from market.kernel.actor import Actor, Role
from market.kernel.errors import TokenExpired, Unauthenticated
from market.kernel.ids import Id

ALGORITHM = "HS256"
ISSUER = "sharehub"
CLOCK_SKEW_S = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a token says its bearer is, and until when (UTC ms)."""

    actor: Actor
    expires_ms: int


class Tokens:
    """`keys` are (key id, secret of 32 bytes or more); the first signs, all verify, so that keys can rotate."""

    def __init__(self, keys: tuple[tuple[str, bytes], ...], access_s: int = 900) -> None:
        self._keys = dict(keys)
        self._signing_kid, self._signing_key = keys[0]
        self.access_s = access_s

    def access(self, actor: Actor, now_ms: int) -> str:
        return jwt.encode(
            {
                "iss": ISSUER,
                "sub": str(int(actor.user_id)),
                "sid": str(int(actor.session_id)),
                "role": actor.role,
                "iat": now_ms // 1000,
                "exp": now_ms // 1000 + self.access_s,
            },
            self._signing_key,
            algorithm=ALGORITHM,
            headers={"kid": self._signing_kid},
        )

    def verify(self, token: str, now_ms: int) -> Identity:
        """Raise TokenExpired, or Unauthenticated for anything else that is wrong with it."""
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            key = self._keys.get(kid) if isinstance(kid, str) else None
            if key is None:
                raise Unauthenticated("the token is signed with a key we do not have")
            claims = jwt.decode(
                token, key, algorithms=[ALGORITHM], issuer=ISSUER,
                options={"verify_exp": False, "verify_iat": False, "require": ["exp", "sub", "sid"]},
            )  # fmt: skip
            role = claims["role"]
            if role not in ("user", "operator"):
                raise Unauthenticated
            actor = Actor(
                user_id=Id.parse(claims["sub"]),
                role=cast(Role, role),
                session_id=Id.parse(claims["sid"]),
            )
            expires_ms = int(claims["exp"]) * 1000
        except (
            jwt.InvalidTokenError, KeyError, ValueError, TypeError, AttributeError, RecursionError,
        ) as error:  # fmt: skip
            raise Unauthenticated("the token is not valid") from error
        if now_ms >= expires_ms + CLOCK_SKEW_S * 1000:
            raise TokenExpired
        return Identity(actor=actor, expires_ms=expires_ms)

    def refresh(self, session_id: Id, generation: int) -> str:
        return f"{session_id}.{generation}.{self._mac(self._signing_key, session_id, generation)}"

    def open_refresh(self, token: str) -> tuple[Id, int]:
        """(session, generation). Raise Unauthenticated unless we made it."""
        parts = token.split(".")
        try:
            if len(parts) != 3 or len(parts[1]) > 9 or not parts[2].isascii():
                raise ValueError
            session_id, generation = Id.parse(parts[0]), int(Id.parse(parts[1]))
        except ValueError:
            raise Unauthenticated("the refresh token is not valid") from None
        for key in self._keys.values():
            if hmac.compare_digest(self._mac(key, session_id, generation), parts[2]):
                return session_id, generation
        raise Unauthenticated("the refresh token is not valid")

    @staticmethod
    def _mac(key: bytes, session_id: Id, generation: int) -> str:
        digest = hmac.new(key, f"refresh {int(session_id)} {generation}".encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")
