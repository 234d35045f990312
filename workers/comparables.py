"""What comparable listings cost nearby, every ten minutes: prices are ranked against it."""

from __future__ import annotations

from market.listings.search import comparables
from market.listings.wing import Listings

WING = "listings"
EVERY_S = 600.0


async def run_once(listings: Listings, now_ms: int) -> int:
    return await comparables.refresh(listings.db, now_ms)
