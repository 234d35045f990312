"""What this wing needs of the world outside: somebody who carries letters, and somebody who knows who is looking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from market.kernel.ids import Id


class Post(Protocol):
    async def send(
        self, openid: str, template_id: str, page: str, data: Mapping[str, Mapping[str, str]]
    ) -> None:
        """Raise Forbidden (the user allows none), NotFound (there is no such user), BadInput (it is not as WeChat takes it), Unavailable
        (it may or may not have been sent)."""


class Presence(Protocol):
    async def is_here(self, user_id: Id) -> bool:
        """Whether some device of the user's is connected. False when nobody knows."""
