"""What the actions of this wing may reach."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from infra.mysql.database import Database
from infra.objects import ObjectStore, open_store
from infra.process import Process
from infra.redis import keys
from infra.wechat.content_check import WechatContentCheck
from infra.wechat.events import PushKey
from market.listings.exposures import Exposures
from market.listings.live import Live
from market.listings.openings import Openings
from market.listings.port import ContentCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class Listings:
    db: Database
    live: Live
    exposures: Exposures
    openings: Openings
    objects: ObjectStore
    check: ContentCheck
    push: PushKey
    wake_checks: Callable[[], None]
    """Tell whoever asks WeChat that there is something to ask about."""


async def open_wing(process: Process) -> Listings:
    db = await process.database("listings")
    listings = Listings(
        db=db, live=Live(db), exposures=Exposures(db), openings=Openings(db, process.redis), objects=open_store(process.config),
        check=WechatContentCheck(await process.http(), process.config.wechat),
        push=PushKey.of(process.config),
        wake_checks=partial(process.publisher.wake, keys.wake("checks", "listings")),
    )  # fmt: skip
    process.background(listings.live.run(), "settings of listings")
    process.background(listings.exposures.run(), "exposures of listings")
    process.background(listings.openings.run(), "openings of listings")
    return listings
