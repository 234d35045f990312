"""An order and a bookable to try rules on."""

from __future__ import annotations

from dataclasses import replace

from market.kernel.availability import ALWAYS
from market.kernel.geo import Point
from market.kernel.ids import Id
from market.kernel.period import HOUR_MS, Period
from market.kernel.terms import Terms
from market.orders.rules import beginning, life, price
from market.orders.rules.booking import Bookable
from market.orders.rules.division import Split
from market.orders.rules.life import Party, State
from market.orders.rules.order import Codes, Order, Words

NOW_MS = 1_790_000_000_000
BUYER, OWNER, LISTING = Id(11), Id(22), Id(33)
PARTIES: tuple[Party, ...] = ("buyer", "owner", "operator")
PLACE = Point(31.2304, 121.4737)
CODES = Codes(start="123456", give_back="654321")

BOOKABLE = Bookable(
    listing_id=LISTING, version=5, listing_version=3, terms_version=2, owner_id=OWNER, status="live",
    title="电钻", category="tools", address="幸福路 1 号", place=PLACE,
    terms=Terms(plan=ALWAYS, price_hour_fen=1_000, price_day_fen=8_000, deposit_fen=20_000),
)  # fmt: skip
PERIOD = Period(NOW_MS + HOUR_MS, NOW_MS + 4 * HOUR_MS)


def new_order(*, request: bool = False) -> Order:
    terms = replace(BOOKABLE.terms, booking="request" if request else "instant")
    bookable = replace(BOOKABLE, terms=terms)
    cost = price.quote(terms, PERIOD, category="tools")
    return beginning.create(Id(44), bookable, BUYER, PERIOD, cost, CODES, NOW_MS)


def order_in(state: State, version: int = 1, process: int = life.PROCESS_VERSION) -> Order:
    return replace(new_order(), state=state, version=version, process_version=process)


def words(order: Order, name: str, reason: str = "") -> Words:
    """What has to be said for the transition."""
    return Words(
        code={"start": order.start_code, "return": order.return_code}.get(name, ""), reason=reason,
        claim_fen=500, split=Split(rent_back_fen=1_000, deposit_kept_fen=2_000),
    )  # fmt: skip
