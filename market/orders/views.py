"""Reading it: who may see what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from infra.action import view
from infra.mysql.database import Cursor
from infra.redis.leases import AreaHolds, Leases
from market.kernel.actor import Call
from market.kernel.errors import NotFound, Unavailable
from market.kernel.geo import is_cell
from market.kernel.ids import MAX_ID, Id
from market.kernel.period import Period
from market.kernel.seats import Use
from market.kernel.terms import Booking, Policy
from market.kernel.topics import EVERYONE, Snapshot, Want, topic_id
from market.orders import store
from market.orders.commands import (
    GetCalendar,
    GetEvidence,
    GetFree,
    GetOrder,
    GetQuote,
    ListOrders,
    QuoteExtension,
)  # fmt: skip
from market.orders.rules import booking, cancellation, evidence, extending, price, seen
from market.orders.rules import order as rules
from market.orders.rules.booking import CalendarView, FreeView
from market.orders.rules.cancellation import Step
from market.orders.rules.evidence import EvidenceView
from market.orders.rules.extending import ExtensionQuoteView
from market.orders.rules.life import BOTH, Seat
from market.orders.rules.order import OrderView
from market.orders.rules.price import Line
from market.orders.wing import Orders

K = TypeVar("K")
V = TypeVar("V")

TOPICS = ("order", "calendar", "hold", "holds")
VERSIONS = {"order": store.ORDER_VERSIONS, "calendar": store.CALENDAR_VERSIONS}
"""Topic prefix -> the statement that `infra.mysql.versions` compares by."""
NOTHING_HELD = Leases(epoch="", counter=0, leases=())
NOTHING_HELD_THERE = AreaHolds(epoch="", counter=0, holds=())


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """`next_before` asks for the following page; None on the last."""

    orders: tuple[OrderView, ...]
    next_before: Id | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteView:
    """What a use would cost at these terms. The lines sum to the total: rent and deposit.

    `discount_fen`: how much more the smallest unit alone would have cost. `waived_fen`: what of the deposit one's credit spares.
    `cancelling`: what one would pay for cancelling, if one ordered now.
    """

    listing_id: Id
    terms_version: int
    seats: int
    lines: tuple[Line, ...]
    rent_fen: int
    deposit_fen: int
    total_fen: int
    discount_fen: int
    waived_fen: int
    booking: Booking
    policy: Policy
    cancelling: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicLease:
    """One entry of `hold:ID`. Who holds is not said; the holder knows the lease's id."""

    lease_id: str
    start_ms: int
    end_ms: int
    until_ms: int


@view("orders.get")
async def get(orders: Orders, call: Call, query: GetOrder) -> OrderView:
    """One order, as the asking party (or an operator) may see it."""

    async def read(cursor: Cursor) -> rules.Order:
        return await store.read_order(cursor, query.order_id)

    order = await orders.db.as_new_as(query.seen, read, lambda order: order.version)
    return rules.see(order, rules.party_of(order, call.actor))


@view("orders.evidence_of")
async def evidence_of(orders: Orders, call: Call, query: GetEvidence) -> EvidenceView:
    """What both parties have shown in a claim or a dispute, for them and for operators."""
    async with orders.db.read() as cursor:
        order = await store.read_order(cursor, query.order_id)
        rules.party_of(order, call.actor)
        pieces = await store.read_evidence(cursor, order.id)
    return evidence.view(order, pieces)


@view("orders.mine")
async def mine(orders: Orders, call: Call, query: ListOrders) -> OrderPage:
    """One's own orders, as buyer or as owner, newest first."""
    before = MAX_ID if query.before is None else query.before

    async def read(cursor: Cursor) -> tuple[list[rules.Order], bool]:
        found = await store.read_orders_of(
            cursor, call.actor.user_id, query.role, before, query.limit + 1
        )
        return found[: query.limit], len(found) > query.limit

    def shows(found: tuple[list[rules.Order], bool]) -> bool:
        page, more = found
        return seen.shown(page, seen.parse(query.seen or ""), before=before, more=more)

    page, more = await orders.db.as_new_as(None if query.seen is None else True, read, shows)
    return OrderPage(
        orders=tuple(rules.see(order, query.role) for order in page),
        next_before=page[-1].id if more else None,
    )


@view("orders.calendar", public=True)
async def calendar(orders: Orders, call: Call, query: GetCalendar) -> CalendarView:
    """What a listing offers, and what of it is taken."""
    async with orders.db.read() as cursor:
        bookable = await store.find_bookable(cursor, query.listing_id)
        if bookable is None:
            raise NotFound("no such listing")
        busy = await store.busy(cursor, [bookable.listing_id], call.now_ms)
    return booking.calendar(bookable, busy[bookable.listing_id])


@view("orders.free", public=True)
async def free(orders: Orders, call: Call, query: GetFree) -> FreeView:
    """When so many seats of a listing can be booked."""
    async with orders.db.read() as cursor:
        bookable = await store.find_bookable(cursor, query.listing_id)
        if bookable is None:
            raise NotFound("no such listing")
        busy = await store.busy(cursor, [bookable.listing_id], call.now_ms)
    within = Period(query.start_ms, query.end_ms)
    return booking.free(bookable, busy[bookable.listing_id], within, query.seats, call.now_ms)


@view("orders.quote", public=True)
async def quote(orders: Orders, call: Call, query: GetQuote) -> QuoteView:
    """The price of a use, line by line, whether it is free or not; for somebody of good credit with less deposit."""
    async with orders.db.read() as cursor:
        bookable = await store.find_bookable(cursor, query.listing_id)
        if bookable is None:
            raise NotFound("no such listing")
        credit = await store.read_credit(cursor, call.actor.user_id)
    terms = bookable.terms
    booking.check_seats(terms, query.seats)
    cost = price.quote(
        terms, Period(query.start_ms, query.end_ms), category=bookable.category, seats=query.seats, credit=credit
    )  # fmt: skip
    return QuoteView(
        listing_id=bookable.listing_id, terms_version=bookable.terms_version, seats=query.seats,
        lines=cost.lines, rent_fen=cost.rent_fen, deposit_fen=cost.deposit_fen, total_fen=cost.total_fen,
        discount_fen=cost.discount_fen, waived_fen=cost.waived_fen, booking=terms.booking, policy=terms.policy,
        cancelling=cancellation.steps(terms.policy, cost.rent_fen, query.start_ms, call.now_ms),
    )  # fmt: skip


@view("orders.quote_extension")
async def quote_extension(orders: Orders, call: Call, query: QuoteExtension) -> ExtensionQuoteView:
    """What using longer would cost the buyer, or why it cannot be had."""
    async with orders.db.read() as cursor:
        order = await store.read_order(cursor, query.order_id)
        rules.check_remark(order, "extend", rules.party_of(order, call.actor), None)
        bookable = await store.find_bookable(cursor, order.listing_id)
        if bookable is None:
            raise NotFound("no such listing")
        found = await store.busy(cursor, [order.listing_id], call.now_ms, apart_from=order.id)
    return extending.quote(order, bookable, found[order.listing_id], query.end_ms, call.now_ms)


async def snapshot(orders: Orders, wants: Sequence[Want], now_ms: int) -> list[Snapshot]:
    """`order:ID:ROLE`, `calendar:ID`, `hold:ID` and `holds:CELL`. Those that do not exist are left out."""
    have = {want.topic: want.have for want in wants}
    parties = _parties(have)
    calendars = [id_ for topic in have if (id_ := topic_id(topic, "calendar"))]
    holds = [id_ for topic in have if (id_ := topic_id(topic, "hold"))]
    found: list[Snapshot] = []
    if parties or calendars:
        async with orders.db.read() as cursor:
            if parties:
                by_id = {
                    o.id: o for o in await store.read_orders(cursor, [id_ for id_, _ in parties])
                }
                found += [
                    _order_snapshot(by_id[id_], role, have) for id_, role in parties if id_ in by_id
                ]
            if calendars:
                bookables = await store.read_bookables(cursor, calendars)
                busy = await store.busy(cursor, calendars, now_ms)
                found += [_calendar_snapshot(b, busy[b.listing_id], have) for b in bookables]
    cells = [
        tail for topic in have if is_cell(tail := topic.removeprefix("holds:")) and tail != topic
    ]
    leases = await _held(holds, orders.leases.read, NOTHING_HELD, now_ms)
    found += [_hold_snapshot(id_, held, now_ms) for id_, held in leases]
    there = await _held(cells, orders.leases.read_area, NOTHING_HELD_THERE, now_ms)
    return found + [_area_snapshot(cell, held, now_ms) for cell, held in there]


def _parties(topics: Iterable[str]) -> list[tuple[Id, Seat]]:
    return [
        (id_, role)
        for topic in topics
        for role in BOTH
        if topic.endswith(f":{role}") and (id_ := topic_id(topic.removesuffix(f":{role}"), "order"))
    ]


def _order_snapshot(order: rules.Order, role: Seat, have: dict[str, int | None]) -> Snapshot:
    topic = rules.topic(order.id, role)
    return Snapshot(
        topic=topic, kind="state", version=order.version, readers=rules.may_join(order, role),
        state=None if have[topic] == order.version else rules.see(order, role),
    )  # fmt: skip


def _calendar_snapshot(
    bookable: booking.Bookable, busy: list[Use], have: dict[str, int | None]
) -> Snapshot:
    topic = f"calendar:{bookable.listing_id}"
    return Snapshot(
        topic=topic, kind="state", version=bookable.version, readers=EVERYONE,
        state=None if have[topic] == bookable.version else booking.calendar(bookable, busy),
    )  # fmt: skip


async def _held(
    keys: Sequence[K], read: Callable[[K, int], Awaitable[V]], nothing: V, now_ms: int
) -> list[tuple[K, V]]:
    """Nobody holds anything while Redis is away; having found out once is enough, since finding out may take a second."""
    found: list[tuple[K, V]] = []
    away = False
    for key in keys:
        held = nothing
        if not away:
            try:
                held = await read(key, now_ms)
            except Unavailable:
                away = True
        found.append((key, held))
    return found


def _area_snapshot(cell: str, held: AreaHolds, now_ms: int) -> Snapshot:
    return Snapshot(
        topic=f"holds:{cell}", kind="ephemeral", version=held.counter, readers=EVERYONE,
        epoch=held.epoch, state=list(held.holds),
        expires_ms=max((hold.until_ms for hold in held.holds), default=now_ms),
    )  # fmt: skip


def _hold_snapshot(listing_id: Id, held: Leases, now_ms: int) -> Snapshot:
    return Snapshot(
        topic=f"hold:{listing_id}", kind="ephemeral", version=held.counter, readers=EVERYONE, epoch=held.epoch,
        expires_ms=max((lease.until_ms for lease in held.leases), default=now_ms),
        state=[
            PublicLease(
                lease_id=lease.lease_id, start_ms=lease.period.start_ms, end_ms=lease.period.end_ms,
                until_ms=lease.until_ms,
            )
            for lease in held.leases
        ],
    )  # fmt: skip
