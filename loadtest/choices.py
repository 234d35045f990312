"""People who choose among listings: a market to try rankings on, made of seeds and assumptions, all of which are written here.

*Listings* lie anywhere within 5 km of the buyer, 10 to 200 of them. Each has a reliability (how often an order goes well, Beta(6, 2)),
a quality (stars, normal around 4.3), a history of orders and ratings drawn from these (most have little of it), and a price around
the usual one (lognormal, 35 %), a little higher for better quality. What is shown, and what the ranking knows, is the history and not
the truth: smoothed deal rate, Bayesian stars, price, distance.

*Buyers* look at the first K results (K geometric, at most a page), weigh what is shown, and order one of them or go away: a
multinomial logit (McFadden 1974), whose chances are exact, so that two rankings are compared on the same buyers without the noise of
their choices. What they care for is a `Taste`, in utility: 1 multiplies the odds by 2.7. Going away is worth as much as makes a
quarter of them order when the nearest comes first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from market.listings.rules import ranking
from market.listings.rules.ranking import DISTANCE_ONLY, Parts, Weights

PAGE = 20
RADIUS_M = 5_000.0
USUAL_FEN = 3_000
PRIOR_STARS, PRIOR_RATINGS = 4.0, 5
ORDERING = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """`km` and `log_price` (against the usual), `deal_rate` and `stars` are what is shown; `reliability` is the truth."""

    km: float
    log_price: float
    deal_rate: float
    stars: float
    reliability: float
    parts: Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Taste:
    """What a kilometre, a share of orders that go well, a star, and the price's logarithm are worth to a buyer. `looks_on`: the
    chance to look at one more result; 1: everybody looks at the whole page."""

    name: str
    km: float = 0.0
    deal_rate: float = 0.0
    star: float = 0.0
    log_price: float = 0.0
    looks_on: float = 0.85
    away: float = 0.0


TASTES = (
    Taste(name="something of everything", km=-0.5, deal_rate=3.0, star=1.0, log_price=-1.5),
    Taste(name="as the plan weighs", km=-0.45, deal_rate=2.4, star=0.4, log_price=-0.2),
    Taste(name="mostly distance", km=-1.5, deal_rate=1.0, star=0.3, log_price=-0.5),
    Taste(name="distance and nothing else", km=-1.5),
    Taste(name="mostly price", km=-0.2, deal_rate=0.5, star=0.2, log_price=-4.0),
    Taste(name="mostly ratings", km=-0.2, deal_rate=1.0, star=2.5, log_price=-0.5),
    Taste(name="the cheap and the near, whatever they are", km=-1.0, log_price=-3.0),
    Taste(name="nothing that is shown"),
    Taste(name="something of everything, whole page", km=-0.5, deal_rate=3.0, star=1.0, log_price=-1.5, looks_on=1.0),
)  # fmt: skip


def a_market(random: Random) -> list[Offer]:
    """What one buyer may be shown."""
    count = round(10 * 20 ** random.random())
    return [_offer(random) for _ in range(count)]


def _offer(random: Random) -> Offer:
    metres = RADIUS_M * math.sqrt(random.random())
    reliability = random.betavariate(6, 2)
    quality = min(5.0, max(1.0, random.gauss(4.3, 0.4)))
    created = int(random.expovariate(1 / 8))
    completed = sum(random.random() < reliability for _ in range(created))
    ratings = sum(random.random() < 0.6 for _ in range(completed))
    given = sum(min(5.0, max(1.0, random.gauss(quality, 0.7))) for _ in range(ratings))
    stars = (PRIOR_STARS * PRIOR_RATINGS + given) / (PRIOR_RATINGS + ratings)
    log_price = random.gauss(0.25 * (quality - 4.3), 0.35)
    price_fen = round(USUAL_FEN * math.exp(log_price))
    return Offer(
        km=metres / 1000, log_price=log_price, stars=stars, reliability=reliability,
        deal_rate=ranking.deal_rate_part(created, completed),
        parts=Parts(
            distance=ranking.distance_part(metres),
            deal_rate=ranking.deal_rate_part(created, completed),
            rating=ranking.rating_part(round(stars * 100)),
            price=ranking.price_part(price_fen, USUAL_FEN),
        ),
    )  # fmt: skip


def page(offers: Sequence[Offer], weights: Weights) -> list[Offer]:
    """The best, by the product's score."""
    return sorted(offers, key=lambda offer: -ranking.score(offer.parts, weights))[:PAGE]


def odds(taste: Taste, offer: Offer) -> float:
    return math.exp(
        taste.km * offer.km
        + taste.deal_rate * offer.deal_rate
        + taste.star * (offer.stars - PRIOR_STARS)
        + taste.log_price * offer.log_price
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chances:
    """That a buyer orders, and that it comes to a good end."""

    ordered: float
    completed: float


def chances(taste: Taste, results: Sequence[Offer]) -> Chances:
    ordered = completed = wanted = good = 0.0
    looks, away = 1.0, math.exp(taste.away)
    for place, offer in enumerate(results, 1):
        own = odds(taste, offer)
        wanted, good = wanted + own, good + own * offer.reliability
        stops = looks if place == len(results) else looks * (1 - taste.looks_on)
        ordered += stops * wanted / (wanted + away)
        completed += stops * good / (wanted + away)
        looks -= stops
    return Chances(ordered=ordered, completed=completed)


def choose(taste: Taste, results: Sequence[Offer], random: Random) -> Offer | None:
    """What one buyer orders: the same choice, drawn."""
    seen = list(results[:1])
    while len(seen) < len(results) and random.random() < taste.looks_on:
        seen.append(results[len(seen)])
    weighed = [odds(taste, offer) for offer in seen]
    drawn = random.random() * (sum(weighed) + math.exp(taste.away))
    for offer, own in zip(seen, weighed, strict=True):
        drawn -= own
        if drawn < 0:
            return offer
    return None


def settled(taste: Taste, markets: Sequence[Sequence[Offer]]) -> Taste:
    """The taste, with going away worth as much as it takes."""
    pages = [page(market, DISTANCE_ONLY) for market in markets]
    low, high = -20.0, 30.0
    for _ in range(40):
        taste = replace(taste, away=(low + high) / 2)
        share = sum(chances(taste, shown).ordered for shown in pages) / len(pages)
        low, high = (taste.away, high) if share > ORDERING else (low, taste.away)
    return taste
