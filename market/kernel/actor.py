"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from market.kernel.errors import Forbidden, Unauthenticated
from market.kernel.ids import Id

Role = Literal["anonymous", "user", "operator", "service"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    user_id: Id
    role: Role
    session_id: Id = Id(0)

    @property
    def is_operator(self) -> bool:
        return self.role == "operator"


ANONYMOUS = Actor(user_id=Id(0), role="anonymous")


def require_user(actor: Actor) -> None:
    if actor.role == "anonymous":
        raise Unauthenticated


def require_operator(actor: Actor) -> None:
    require_user(actor)
    if not actor.is_operator:
        raise Forbidden("operators only")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One asking of one command: by whom, when (UTC ms), and under which idempotency key."""

    actor: Actor
    now_ms: int
    key: str | None = None
