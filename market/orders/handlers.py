"""Facts of other wings -> this wing's actions."""

from __future__ import annotations

from collections.abc import Sequence

from infra.handlers import Handler, Together
from infra.mysql.database import Tx
from market.kernel.facts import CalendarChanged, Fact, Heard, ListingChanged, PaymentReceived
from market.orders import store
from market.orders.rules import booking
from market.orders.rules import order as rules
from market.orders.rules.booking import Bookable
from market.orders.store import Calendar
from market.orders.wing import Orders


@Together
async def on_listings_changed(orders: Orders, tx: Tx, facts: Sequence[Heard]) -> None:
    """Keep the bookable rows, each as last heard; tell the calendars' watchers when what is offered has changed."""
    changes = [fact.data for fact in facts if isinstance(fact.data, ListingChanged)]
    newest = {data.listing_id: data for data in sorted(changes, key=lambda data: data.version)}
    ids = sorted(newest)
    locks = [lock for id_ in ids for lock in store.calendar_locks(id_, tx.now_ms)]
    rows = iter(await tx.together(*locks))
    for id_, bookables, taken in zip(ids, rows, rows, strict=True):
        await _hear(tx, newest[id_], store.calendar(bookables, taken) if bookables else None)


async def _hear(tx: Tx, data: ListingChanged, before: Calendar | None) -> None:
    known = before.bookable if before else None
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
        view = booking.calendar(bookable, before.busy if before else [])
        tx.emit(
            Fact(
                kind=CalendarChanged.KIND, entity=bookable.listing_id, version=bookable.version,
                data=CalendarChanged(listing_id=bookable.listing_id, version=bookable.version),
                pushes=tuple(rules.calendar_pushes(view)),
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
    ListingChanged.KIND: on_listings_changed,
    PaymentReceived.KIND: on_payment_received,
}
