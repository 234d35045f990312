"""In-process pieces on real servers: a Process, and helpers to make actors and calls."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping

import pytest

from infra.config import Config
from infra.process import Process, now_ms, open_process
from infra.redis.publish import PushScript
from market.kernel.actor import Actor, Call
from market.kernel.ids import Id


@pytest.fixture
async def process(environment: Mapping[str, str]) -> AsyncIterator[Process]:
    """A process against the session's migrated MySQL and Redis."""
    async with open_process(Config.from_environment(environment)) as process:
        yield process


@pytest.fixture
def script(process: Process) -> PushScript:
    return PushScript(process.redis)


def new_id() -> Id:
    """An id that no other test has."""
    return Id(secrets.randbits(62))


def someone(role: str = "user") -> Actor:
    return Actor(
        user_id=new_id(), role="operator" if role == "operator" else "user", session_id=new_id()
    )


def call(actor: Actor, key: str | None = None, at_ms: int | None = None) -> Call:
    """A call now (or at `at_ms`), under a fresh key unless one is given."""
    return Call(actor=actor, now_ms=at_ms or now_ms(), key=key or secrets.token_hex(8))
