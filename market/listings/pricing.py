"""Price suggestions, from comparable listings nearby."""

from __future__ import annotations

from infra.action import view
from infra.mysql.database import Cursor
from market.kernel.actor import Call
from market.kernel.geo import Point, box_around, distance_m
from market.listings import store
from market.listings.commands import SuggestPrice
from market.listings.rules import pricing
from market.listings.rules.pricing import Comparable, PriceSuggestion
from market.listings.wing import Listings

MOST = 500
"""Prices looked at per radius: quartiles of so many are as good as of all."""


@view("listings.suggest_price")
async def suggest(listings: Listings, call: Call, query: SuggestPrice) -> PriceSuggestion:
    """What others ask for such a thing hereabouts; nothing where too few do."""
    here = Point(query.lat, query.lng)
    found: list[Comparable] = []
    async with listings.db.glance() as cursor:
        for radius_m in pricing.RADII_M:
            found = await _within(cursor, query.category, here, radius_m)
            if len(found) >= pricing.ENOUGH:
                break
    return pricing.suggest(found)


async def _within(cursor: Cursor, category: str, here: Point, radius_m: int) -> list[Comparable]:
    rows = await store.prices_within(cursor, category, box_around(here, radius_m), MOST)
    measured = [
        Comparable(
            distance_m=distance_m(here, Point(lat, lng)), price_hour_fen=hour, price_day_fen=day,
            price_week_fen=week,
        )
        for lat, lng, hour, day, week in rows
    ]  # fmt: skip
    return [comparable for comparable in measured if comparable.distance_m <= radius_m]
