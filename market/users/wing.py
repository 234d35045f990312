"""What the actions of this wing may reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from infra.mysql.database import Database
from infra.process import Process
from infra.tokens import Tokens
from infra.wechat.login import WechatIdentity, WechatLogin
from market.kernel.period import DAY_MS


class Login(Protocol):
    async def code_to_session(self, code: str) -> WechatIdentity: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What is enough to hear and to clear away: nobody logs in there, so that no worker has the keys of tokens."""

    db: Database
    sessions_kept_ms: int = 30 * DAY_MS
    """After they have run out, so that they can be looked into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Users(Rows):
    tokens: Tokens
    login: Login
    operators: frozenset[str]
    """The openids that log in as operators; configuration, so that nobody can be promoted through the API."""


async def open_wing(process: Process) -> Users:
    operators = process.config.text("OPERATORS", "")
    return Users(
        db=await process.database("users"),
        tokens=process.tokens,
        login=WechatLogin(await process.http(), process.config.wechat),
        operators=frozenset(filter(None, operators.split(","))),
    )


async def open_rows(process: Process) -> Rows:
    return Rows(
        db=await process.database("users"),
        sessions_kept_ms=process.config.integer("SESSIONS_KEPT_DAYS", 30) * DAY_MS,
    )
