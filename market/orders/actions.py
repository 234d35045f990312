"""Doing it. Locks are always taken in the order bookable, order; each docstring names them."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass, replace

from infra.action import action, table
from infra.mysql.database import Tx
from market.kernel.actor import Call, require_operator
from market.kernel.errors import Held, NotYet, Unavailable, WrongCode
from market.kernel.facts import CodesReplaced, Fact
from market.kernel.ids import Id, gene_of
from market.kernel.period import Period
from market.orders import store
from market.orders.commands import (
    AcceptReturn,
    CancelOrder,
    CreateOrder,
    DecideDispute,
    DisputeOrder,
    Hold,
    ReleaseHold,
    ReturnOrder,
    StartOrder,
)  # fmt: skip
from market.orders.rules import booking, life, price
from market.orders.rules import order as rules
from market.orders.rules.order import Codes, Order, OrderView
from market.orders.wing import Orders


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldView:
    """Renew before `until_ms` by asking again with the same `lease_id`."""

    listing_id: Id
    lease_id: str
    start_ms: int
    end_ms: int
    until_ms: int
    epoch: str
    counter: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    ok: bool = True


@action("orders.hold", keyed=False)
async def hold(orders: Orders, call: Call, command: Hold) -> HoldView:
    """Show everybody who watches the listing that this period is about to be ordered. A courtesy: locks nothing.

    One hold per person and listing: taking another replaces it.
    """
    period = Period(command.start_ms, command.end_ms)
    async with orders.db.read() as cursor:
        bookable = await store.find_bookable(cursor, command.listing_id)
        if bookable is None:
            raise NotYet("no such listing, or not yet")
        busy = await store.busy(cursor, [bookable.listing_id], period.start_ms)
    booking.check_period(bookable, call.actor.user_id, period, call.now_ms)
    booking.check_free(period, busy[bookable.listing_id])
    lease_id = command.lease_id or secrets.token_urlsafe(9)
    until_ms = call.now_ms + booking.LEASE_MS
    held = await orders.leases.take(
        bookable.listing_id, lease_id, call.actor.user_id, period, call.now_ms, until_ms
    )
    return HoldView(
        listing_id=bookable.listing_id, lease_id=lease_id, start_ms=period.start_ms, end_ms=period.end_ms,
        until_ms=until_ms, epoch=held.epoch, counter=held.counter,
    )  # fmt: skip


@action("orders.release_hold", keyed=False)
async def release_hold(orders: Orders, call: Call, command: ReleaseHold) -> Released:
    """Give a hold back. Releasing what has expired is fine."""
    await orders.leases.release(
        command.listing_id, command.lease_id, call.actor.user_id, call.now_ms
    )
    return Released()


@action("orders.create")
async def create(orders: Orders, call: Call, command: CreateOrder) -> OrderView:
    """Order a period, with a hold or without. Locks the bookable row: overlaps are decided under it."""
    period = Period(command.start_ms, command.end_ms)
    held = await _held_by_another(orders, call, command.listing_id, period)

    # A period may begin a little ago: what has ended since then overlaps it still.
    locks = store.calendar_locks(command.listing_id, min(period.start_ms, call.now_ms))

    async def body(tx: Tx) -> OrderView:
        found = store.calendar(*await tx.claim(call, command, *locks))
        bookable, busy = found.bookable, found.busy
        if held is not None:  # said only now: a command that has been done is answered as it was
            raise held
        booking.check_quote(bookable, command.terms_version)
        booking.check_period(bookable, call.actor.user_id, period, call.now_ms)
        booking.check_free(period, busy)
        cost = price.quote(
            period, bookable.price_hour_fen, bookable.price_day_fen, bookable.deposit_fen
        )
        order_id = tx.new_id(gene_of(bookable.listing_id))
        order = rules.create(
            order_id, bookable, call.actor.user_id, period, cost, _codes(), call.now_ms
        )
        bookable = replace(bookable, version=bookable.version + 1)
        await store.insert_order(tx, order)
        await store.bump_bookable(tx, bookable)
        tx.emit(
            rules.happened(order, "create", "buyer", booking.calendar(bookable, [*busy, period]))
        )
        return rules.see(order, "buyer")

    view = await orders.db.act(call.now_ms, body, OrderView)
    if command.lease_id:
        orders.leases.release_soon(
            command.listing_id, command.lease_id, call.actor.user_id, call.now_ms
        )
    return view


@action("orders.cancel")
async def cancel(orders: Orders, call: Call, command: CancelOrder) -> OrderView:
    """Either party, before it starts; what was paid goes back. Locks the bookable, then the order."""
    return await _move(orders, call, "cancel", command)


@action("orders.start")
async def start(orders: Orders, call: Call, command: StartOrder) -> OrderView:
    """The owner hands over, entering the code which the buyer shows. Locks the order."""
    return await _move(orders, call, "start", command)


@action("orders.return")
async def give_back(orders: Orders, call: Call, command: ReturnOrder) -> OrderView:
    """The buyer gives back, entering the code which the owner shows. Locks the order."""
    return await _move(orders, call, "return", command)


@action("orders.accept")
async def accept(orders: Orders, call: Call, command: AcceptReturn) -> OrderView:
    """The owner has nothing to claim: settle now and not after 48 h. Locks the order."""
    return await _move(orders, call, "accept", command)


@action("orders.dispute")
async def dispute(orders: Orders, call: Call, command: DisputeOrder) -> OrderView:
    """Either party asks for an operator. Locks the order."""
    return await _move(orders, call, "dispute", command)


@action("orders.decide")
async def decide(orders: Orders, call: Call, command: DecideDispute) -> OrderView:
    """Operators end a dispute, for the owner or for the buyer. Locks the bookable when refunding, then the order."""
    require_operator(call.actor)
    return await _move(orders, call, command.decision, command)


async def fire_timer(orders: Orders, order_id: Id, now_ms: int) -> bool:
    """What the table says happens by itself, if it is due still. Locks the bookable when it frees, then the order."""
    async with orders.db.read() as cursor:
        seen = await store.read_order(cursor, order_id)
    expected = rules.due(seen)
    if expected is None or expected[0] > now_ms:
        return False
    name = expected[1]
    locks = store.move_locks(order_id, now_ms, frees=life.frees(life.BY_NAME[name]))

    async def body(tx: Tx) -> bool:
        order, calendar = store.moving(await tx.together(*locks))
        if rules.due(order) != expected:
            return False
        moved, _ = rules.move(order, name, "time", now_ms)
        await _save(tx, moved, name, "time", calendar)
        return True

    return await orders.db.act(now_ms, body, bool)


Move = CancelOrder | StartOrder | ReturnOrder | AcceptReturn | DisputeOrder | DecideDispute


async def _move(orders: Orders, call: Call, name: str, command: Move) -> OrderView:
    locks = store.move_locks(command.order_id, call.now_ms, frees=life.frees(life.BY_NAME[name]))

    async def body(tx: Tx) -> OrderView:
        order, calendar = store.moving(await tx.claim(call, command, *locks))
        party = rules.party_of(order, call.actor)
        moved, _ = rules.move(
            order, name, party, call.now_ms, seen=command.version, code=getattr(command, "code", None),
            reason=getattr(command, "reason", ""),
        )  # fmt: skip
        await _save(tx, moved, name, party, calendar)
        return rules.see(moved, party)

    try:
        return await orders.db.act(call.now_ms, body, OrderView)
    except WrongCode:
        await _count_wrong_code(orders, command.order_id, call.now_ms)
        raise


async def _save(
    tx: Tx, moved: Order, name: str, party: life.Party, calendar: store.Calendar | None
) -> None:
    """The order after a transition; with the calendar if that changes too, which then holds no more of it."""
    view = None
    if calendar is not None:
        bookable = replace(calendar.bookable, version=calendar.bookable.version + 1)
        await store.bump_bookable(tx, bookable)
        view = booking.calendar(bookable, calendar.busy)
    await store.update_order(tx, moved)
    tx.emit(rules.happened(moved, name, party, view))


async def _count_wrong_code(orders: Orders, order_id: Id, now_ms: int) -> None:
    """In a transaction of its own, because the refused one was rolled back. Locks the order."""

    async def body(tx: Tx) -> bool:
        order = await store.lock_order(tx, order_id)
        order, replaced = rules.count_wrong_code(order, _codes())
        await store.update_order(tx, order)
        if replaced:
            data = CodesReplaced(order_id=order.id, version=order.version)
            tx.emit(
                Fact(
                    kind=CodesReplaced.KIND, entity=order.id, version=order.version, data=data,
                    pushes=tuple(rules.pushes(order)),
                )
            )  # fmt: skip
        return replaced

    await orders.db.act(now_ms, body, bool)


async def _held_by_another(
    orders: Orders, call: Call, listing_id: Id, period: Period
) -> Held | None:
    """Somebody else's hold is respected; when holds are away, the row lock alone decides."""
    with contextlib.suppress(Unavailable):
        leases = (await orders.leases.read(listing_id, call.now_ms)).leases
        for lease in leases:
            if lease.holder_id != call.actor.user_id and lease.period.overlaps(period):
                return Held(until_ms=lease.until_ms)
    return None


def _codes() -> Codes:
    return Codes(start=f"{secrets.randbelow(10**6):06}", give_back=f"{secrets.randbelow(10**6):06}")


ACTIONS = table(hold, release_hold, create, cancel, start, give_back, accept, dispute, decide)
