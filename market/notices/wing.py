"""What the actions of this wing may reach."""

from __future__ import annotations

from dataclasses import dataclass

from redis.asyncio import Redis

from infra.mysql.database import Database
from infra.process import Process
from infra.redis.audience import is_heard
from infra.wechat.subscribe_messages import WechatPost
from market.kernel.ids import Id
from market.kernel.period import DAY_MS
from market.notices.port import Post, Presence
from market.notices.services import Services
from market.notices.templates import Templates


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices:
    db: Database
    services: Services
    templates: Templates
    post: Post
    presence: Presence
    kept_ms: int
    """How long an inbox keeps what it was told."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Every device of a user's watches its inbox while it is connected."""

    redis: Redis

    async def is_here(self, user_id: Id) -> bool:
        return await is_heard(self.redis, f"user:{user_id}")


async def open_wing(process: Process) -> Notices:
    return Notices(
        db=await process.database("notices"),
        services=Services.parse(process.config.text("SERVICES", "")),
        templates=Templates.parse(process.config.text("WECHAT_TEMPLATES", "")),
        post=WechatPost(await process.http(), process.config.wechat),
        presence=Watched(process.redis),
        kept_ms=process.config.integer("NOTICES_KEPT_DAYS", 180) * DAY_MS,
    )
