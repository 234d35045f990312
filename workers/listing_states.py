"""Lets time pass on the map: what is ordered comes near, and what was taken is over."""

from __future__ import annotations

from market.listings import occupancy
from market.listings.wing import Listings

WING = "listings"
EVERY_S = 1.0


async def run_once(listings: Listings, now_ms: int) -> int:
    return await occupancy.pass_time(listings, now_ms)
