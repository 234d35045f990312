"""How an order begins."""

from __future__ import annotations

from market.kernel.ids import Id
from market.kernel.period import Period
from market.orders.rules import life
from market.orders.rules.booking import Bookable
from market.orders.rules.order import Codes, Order
from market.orders.rules.price import Price, late_hour_fen


def create(
    order_id: Id,
    bookable: Bookable,
    buyer_id: Id,
    period: Period,
    price: Price,
    codes: Codes,
    now_ms: int,
    seats: int = 1,
) -> Order:
    """Where the terms say so the owner is asked first, and the time to pay begins when they approve."""
    request = bookable.terms.booking == "request"
    return Order(
        id=order_id, version=1, process_version=life.PROCESS_VERSION,
        state="requested" if request else "pending_payment", entered_ms=now_ms,
        listing_id=bookable.listing_id, buyer_id=buyer_id, owner_id=bookable.owner_id,
        title=bookable.title, address=bookable.address, place=bookable.place, period=period,
        buffer_ms=bookable.terms.buffer_ms, seats=seats, policy=bookable.terms.policy,
        terms_version=bookable.terms_version, lines=price.lines, rent_fen=price.rent_fen,
        deposit_fen=price.deposit_fen, fee_fen=price.fee_fen, late_hour_fen=late_hour_fen(bookable.terms) * seats, late_fen=0,
        claim_fen=0, refund_fen=0, refund_deposit_fen=0, owner_fen=0,
        pay_by_ms=0 if request else now_ms + life.PAYMENT_WINDOW_MS,
        start_code=codes.start, return_code=codes.give_back, wrong_codes=0, reason="", evidence=0,
        created_ms=now_ms,
    )  # fmt: skip
