"""Access tokens that were checked before are known by their text: a signature does not change."""

from __future__ import annotations

from infra.tokens import Identity, Tokens
from market.kernel.actor import Actor


class Bearers:
    """Remembers the `size` tokens that were seen first lately, about half a kilobyte each."""

    def __init__(self, tokens: Tokens, size: int = 10_000) -> None:
        self._tokens = tokens
        self._size = size
        self._known: dict[str, Identity] = {}

    def actor(self, token: str, now_ms: int) -> Actor:
        """Whose token it is. Raise TokenExpired, or Unauthenticated for anything else that is wrong with it."""
        identity = self._known.get(token)
        if identity is None or now_ms >= identity.expires_ms:
            self._known.pop(token, None)
            identity = self._tokens.verify(token, now_ms)
            if len(self._known) >= self._size:
                del self._known[next(iter(self._known))]
            self._known[token] = identity
        return identity.actor
