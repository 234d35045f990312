"""What the actions of this wing may reach."""

from __future__ import annotations

from dataclasses import dataclass

from infra.mysql.database import Database
from infra.process import Process
from market.listings.exposures import Exposures
from market.listings.live import Live


@dataclass(frozen=True, slots=True, kw_only=True)
class Listings:
    db: Database
    live: Live
    exposures: Exposures


async def open_wing(process: Process) -> Listings:
    db = await process.database("listings")
    listings = Listings(db=db, live=Live(db), exposures=Exposures(db))
    process.background(listings.live.run(), "settings of listings")
    process.background(listings.exposures.run(), "exposures of listings")
    return listings
