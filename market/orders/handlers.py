"""Facts of other wings -> this wing's actions."""

from __future__ import annotations

from infra.handlers import Handler
from infra.mysql.database import Tx
from market.kernel.facts import CalendarChanged, Fact, Heard, ListingChanged, PaymentReceived
from market.orders import store
from market.orders.rules import booking
from market.orders.rules import order as rules
from market.orders.rules.booking import Bookable
from market.orders.wing import Orders


async def on_listing_changed(orders: Orders, tx: Tx, fact: Heard) -> None:
    """Keep the bookable row; tell the calendar's watchers when what it offers has changed."""
    assert isinstance(fact.data, ListingChanged)
    data = fact.data
    known = await store.find_bookable(tx, data.listing_id, " FOR UPDATE")
    if known is not None and known.listing_version >= data.version:
        return
    offer_changed = known is None or known.terms_version != data.terms_version
    bookable = Bookable(
        listing_id=data.listing_id, version=(known.version if known else 0) + offer_changed,
        listing_version=data.version, terms_version=data.terms_version, owner_id=data.owner_id,
        status=data.status, title=data.title, address=data.address, plan=data.plan,
        price_hour_fen=data.price_hour_fen, price_day_fen=data.price_day_fen,
        deposit_fen=data.deposit_fen,
    )  # fmt: skip
    await store.save_bookable(tx, bookable)
    if offer_changed:
        busy = await store.busy(tx, [bookable.listing_id], tx.now_ms)
        tx.emit(
            Fact(
                kind=CalendarChanged.KIND, entity=bookable.listing_id, version=bookable.version,
                data=CalendarChanged(listing_id=bookable.listing_id, version=bookable.version),
                pushes=tuple(
                    rules.calendar_pushes(booking.calendar(bookable, busy[bookable.listing_id]))
                ),
            )
        )  # fmt: skip


async def on_payment_received(orders: Orders, tx: Tx, fact: Heard) -> None:
    """pending_payment -> ready. Money that comes too late is payments' to give back: it hears of the expiry itself."""
    assert isinstance(fact.data, PaymentReceived)
    order = await store.lock_order(tx, fact.data.order_id)
    if order.state != "pending_payment" or fact.data.amount_fen < order.total_fen:
        return
    moved, _ = rules.move(order, "pay", "payments", tx.now_ms)
    await store.update_order(tx, moved)
    tx.emit(rules.happened(moved, "pay", "payments", None))


HANDLERS: dict[str, Handler[Orders]] = {
    ListingChanged.KIND: on_listing_changed,
    PaymentReceived.KIND: on_payment_received,
}
