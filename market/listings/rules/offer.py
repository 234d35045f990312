"""What an owner may offer: the bounds of terms that no single field can tell."""

from __future__ import annotations

from market.kernel.availability import DAY_MINUTES
from market.kernel.errors import BadInput
from market.kernel.money import MAX_FEN
from market.kernel.terms import AHEAD_DAYS, Terms


def check(terms: Terms) -> Terms:
    """The same terms. Raise BadInput, whose message says which bound they break."""
    prices = [
        price
        for price in (terms.price_hour_fen, terms.price_day_fen, terms.price_week_fen)
        if price is not None
    ]
    if not prices:
        raise BadInput("a listing has a price per hour, per day or per week")
    if max(min(prices), terms.minimum_fen) + terms.deposit_fen > MAX_FEN:
        raise BadInput("the least rent and the deposit are above the limit", limit_fen=MAX_FEN)
    if terms.shortest_minutes > terms.longest_minutes:
        raise BadInput("the shortest use is no longer than the longest")
    if terms.notice_minutes > terms.horizon_days * DAY_MINUTES:
        raise BadInput("the notice is no longer than the horizon")
    if terms.horizon_days * DAY_MINUTES + terms.longest_minutes > AHEAD_DAYS * DAY_MINUTES:
        raise BadInput(
            "horizon and longest use together are no longer than money stays frozen for them",
            limit_days=AHEAD_DAYS,
        )
    return terms
