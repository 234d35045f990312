"""Whether and for how much an order can be extended, and how that goes on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from market.kernel.availability import offers, open_periods
from market.kernel.errors import Conflict, NotBookable
from market.kernel.ids import Id
from market.kernel.period import DAY_MS, HOUR_MS, MINUTE_MS, Period
from market.kernel.seats import Use, with_room
from market.kernel.terms import AHEAD_DAYS
from market.orders.rules import booking, extension, life, price
from market.orders.rules.booking import Bookable
from market.orders.rules.extension import STEPS, Extension
from market.orders.rules.order import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What using longer costs, at the listing's terms of now."""

    end_ms: int
    rent_fen: int
    fee_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionQuoteView:
    """What it would cost to use until `end_ms`, at these terms, and until when it could be used at most as it is now."""

    order_id: Id
    version: int
    terms_version: int
    end_ms: int
    amount_fen: int
    pay_by_ms: int
    latest_end_ms: int


def others(order: Order, busy: Iterable[tuple[Id, Use]]) -> list[Use]:
    return [use for order_id, use in busy if order_id != order.id]


def offer(order: Order, bookable: Bookable, uses: Sequence[Use], end_ms: int, now_ms: int) -> Offer:
    """For the difference of two prices at the terms of now: of all of it, and of what has been agreed. `uses`: the others'.

    What has been agreed is not asked about again: neither whether the plan still offers it, nor what it cost then. Raise
    NotBookable, SlotTaken or BadInput.
    """
    terms = bookable.terms
    if bookable.status != "live":
        raise NotBookable("the listing is not live", status=bookable.status)
    if now_ms > order.period.end_ms - extension.LAST_CALL_MS:
        raise NotBookable("too late", before_end_minutes=extension.LAST_CALL_MS // MINUTE_MS)
    more = Period(order.period.end_ms, end_ms)
    whole = Period(order.period.start_ms, end_ms)
    if end_ms > _limit_ms(order, bookable):
        raise NotBookable("too long", longest_minutes=terms.longest_minutes)
    if not offers(terms.plan, more):
        raise NotBookable("outside the opening hours")
    taken = Period(more.start_ms + order.buffer_ms, more.end_ms + order.buffer_ms)
    booking.check_free(terms, Use(taken, order.seats), uses)
    rent_fen = sum(
        sign * price.quote(terms, period, category=bookable.category, seats=order.seats).rent_fen
        for sign, period in ((1, whole), (-1, order.period))
    )
    return Offer(
        end_ms=end_ms, rent_fen=rent_fen, fee_fen=price.fee_fen(rent_fen, bookable.category)
    )


def quote(
    order: Order, bookable: Bookable, uses: Sequence[Use], end_ms: int, now_ms: int
) -> ExtensionQuoteView:
    """Raise what `offer` raises."""
    found = offer(order, bookable, uses, end_ms, now_ms)
    return ExtensionQuoteView(
        order_id=order.id, version=order.version, terms_version=bookable.terms_version, end_ms=end_ms,
        amount_fen=found.rent_fen, pay_by_ms=extension.pay_by_ms(order.period.end_ms, now_ms),
        latest_end_ms=_latest_ms(order, bookable, uses),
    )  # fmt: skip


def _limit_ms(order: Order, bookable: Bookable) -> int:
    """Neither longer than one may use, nor beyond what WeChat keeps frozen of what was paid first."""
    longest_ms = order.period.start_ms + bookable.terms.longest_ms
    longest_priced_ms = order.period.start_ms + price.LONGEST_H * HOUR_MS
    return min(longest_ms, longest_priced_ms, order.created_ms + AHEAD_DAYS * DAY_MS)


def _latest_ms(order: Order, bookable: Bookable, uses: Sequence[Use]) -> int:
    """The end of the stretch that begins where the order ends."""
    end_ms = order.period.end_ms
    offered = open_periods(bookable.terms.plan, Period(end_ms, _limit_ms(order, bookable)))
    room = with_room(
        offered, uses, seats=order.seats, capacity=bookable.terms.capacity, buffer_ms=order.buffer_ms
    )  # fmt: skip
    return next((period.end_ms for period in room if period.start_ms == end_ms), end_ms)


def ask(order: Order, offer: Offer, now_ms: int) -> tuple[Order, str]:
    """The order with an extension more, and the step's name: what costs nothing is agreed at once."""
    name = "extend" if offer.rent_fen else "extend_free"
    asked = Extension(
        number=len(order.extensions) + 1, state=STEPS[name].target, entered_ms=now_ms, end_ms=offer.end_ms,
        rent_fen=offer.rent_fen, fee_fen=offer.fee_fen,
        pay_by_ms=extension.pay_by_ms(order.period.end_ms, now_ms),
    )  # fmt: skip
    return _with(order, (*order.extensions, asked)), name


def move(order: Order, name: str, number: int, now_ms: int) -> Order:
    """The order after a step of its extension. Raise Conflict when it is not in a state for that."""
    last = extension.open_one(order.extensions)
    step = STEPS[name]
    if last is None or last.number != number or last.state not in step.source:
        raise Conflict("this extension is closed", extension_id=number)
    moved = extension.moved(last, step, now_ms)
    return _with(order, (*order.extensions[:-1], moved))


def how_paid(order: Order) -> str:
    """The step that a payment brings about: refused where there is nothing to extend any more."""
    goes_on = life.goes_on(order.process_version, order.state)
    return "extend_pay" if goes_on else "extend_refuse"


def _with(order: Order, extensions: tuple[Extension, ...]) -> Order:
    last = extensions[-1]
    end_ms = last.end_ms if last.state == "paid" else order.period.end_ms
    return replace(
        order, version=order.version + 1, extensions=extensions,
        period=replace(order.period, end_ms=end_ms),
    )  # fmt: skip
