"""Doing it. Locks are always taken in the order bookables, orders, each by id; each docstring names them."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from typing import Protocol

from infra.action import action, table
from market.kernel.actor import Call, require_operator
from market.kernel.errors import Held, NotYet, Unavailable
from market.kernel.ids import Id
from market.kernel.period import Period
from market.kernel.terms import use_of
from market.orders import store
from market.orders.commands import (
    AcceptReturn,
    AddEvidence,
    ApproveRequest,
    CancelOrder,
    Claim,
    ConcedeClaim,
    ContestClaim,
    CreateOrder,
    DecideDispute,
    DeclineRequest,
    DisputeOrder,
    ExtendOrder,
    ForgoExtension,
    Hold,
    ReleaseHold,
    ReturnOrder,
    StartOrder,
)  # fmt: skip
from market.orders.rules import booking, deciding
from market.orders.rules import order as rules
from market.orders.rules.division import Split
from market.orders.rules.order import SILENT, Codes, OrderView, Words
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

    One hold per person and listing: taking another replaces it. Where there are several seats a hold keeps nobody away.
    """
    period = Period(command.start_ms, command.end_ms)
    async with orders.db.read() as cursor:
        bookable = await store.find_bookable(cursor, command.listing_id)
        if bookable is None:
            raise NotYet("no such listing, or not yet")
        busy = await store.busy(cursor, [bookable.listing_id], period.start_ms)
    booking.check_period(bookable, call.actor.user_id, period, call.now_ms)
    wanted = use_of(bookable.terms, period, command.seats)
    booking.check_free(bookable.terms, wanted, busy[bookable.listing_id])
    lease_id = command.lease_id or secrets.token_urlsafe(9)
    held = await orders.leases.take(
        bookable.listing_id, lease_id, call.actor.user_id, period, call.now_ms,
        call.now_ms + booking.LEASE_MS, alone=bookable.terms.capacity == 1,
        cell=bookable.cell if bookable.terms.capacity == 1 else "",
    )  # fmt: skip
    return HoldView(
        listing_id=bookable.listing_id, lease_id=lease_id, start_ms=period.start_ms, end_ms=period.end_ms,
        until_ms=held.until_ms(lease_id), epoch=held.epoch, counter=held.counter,
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
    wish = deciding.Create(
        listing_id=command.listing_id, buyer_id=call.actor.user_id, period=period,
        terms_version=command.terms_version, seats=command.seats, codes=_codes(), now_ms=call.now_ms,
        held=await _held_by_another(orders, call, command.listing_id, period),
        most_unpaid=orders.most_unpaid,
    )  # fmt: skip
    view = await orders.groups.do(wish, call, command)
    if command.lease_id:
        orders.leases.release_soon(
            command.listing_id, command.lease_id, call.actor.user_id, call.now_ms
        )
    return view


@action("orders.approve")
async def approve(orders: Orders, call: Call, command: ApproveRequest) -> OrderView:
    """The owner agrees to a request; the buyer then has 15 minutes to pay. Locks the order."""
    return await _move(orders, call, "approve", command)


@action("orders.decline")
async def decline(orders: Orders, call: Call, command: DeclineRequest) -> OrderView:
    """The owner does not agree to a request. Locks the bookable, then the order."""
    return await _move(orders, call, "decline", command, Words(reason=command.reason))


@action("orders.cancel")
async def cancel(orders: Orders, call: Call, command: CancelOrder) -> OrderView:
    """Either party, before it starts. What was paid goes back, less what the policy keeps when the buyer cancels. Locks the
    bookable, then the order."""
    return await _move(orders, call, "cancel", command, Words(reason=command.reason))


@action("orders.start")
async def start(orders: Orders, call: Call, command: StartOrder) -> OrderView:
    """The owner hands over, entering the code which the buyer shows. Locks the order."""
    return await _move(orders, call, "start", command, Words(code=command.code))


@action("orders.return")
async def give_back(orders: Orders, call: Call, command: ReturnOrder) -> OrderView:
    """The buyer gives back, entering the code which the owner shows. Locks the order."""
    return await _move(orders, call, "return", command, Words(code=command.code))


@action("orders.accept")
async def accept(orders: Orders, call: Call, command: AcceptReturn) -> OrderView:
    """The owner has nothing to claim: settle now and not after 48 h. Locks the order."""
    return await _move(orders, call, "accept", command)


@action("orders.claim")
async def claim(orders: Orders, call: Call, command: Claim) -> OrderView:
    """The owner wants a part of the deposit, within 48 h of the return. Locks the order."""
    words = Words(reason=command.reason, objects=command.objects, claim_fen=command.amount_fen)
    return await _move(orders, call, "claim", command, words)


@action("orders.concede")
async def concede(orders: Orders, call: Call, command: ConcedeClaim) -> OrderView:
    """The buyer agrees to a claim: it is paid out of the deposit, and the order ends. Locks the order."""
    return await _move(orders, call, "concede", command)


@action("orders.contest")
async def contest(orders: Orders, call: Call, command: ContestClaim) -> OrderView:
    """The buyer does not agree to a claim: an operator decides. So does silence for 72 h. Locks the order."""
    words = Words(reason=command.reason, objects=command.objects)
    return await _move(orders, call, "contest", command, words)


@action("orders.dispute")
async def dispute(orders: Orders, call: Call, command: DisputeOrder) -> OrderView:
    """Either party asks for an operator. Locks the order."""
    words = Words(reason=command.reason, objects=command.objects)
    return await _move(orders, call, "dispute", command, words)


@action("orders.extend")
async def extend(orders: Orders, call: Call, command: ExtendOrder) -> OrderView:
    """The buyer uses longer: the time is taken at once, and theirs when they have paid the difference, within a quarter of an
    hour and before the present end. Locks the bookable, then the order."""
    wish = deciding.Extend(
        order_id=command.order_id, actor=call.actor, end_ms=command.end_ms, now_ms=call.now_ms,
        terms_version=command.terms_version, seen=command.version,
        held=await _longer_held_by_another(orders, call, command),
    )  # fmt: skip
    return await orders.groups.do(wish, call, command)


@action("orders.forgo")
async def forgo(orders: Orders, call: Call, command: ForgoExtension) -> OrderView:
    """The buyer does not pay for the extension after all: it is closed at WeChat, and its time free. Locks the order."""
    wish = deciding.Forgo(
        order_id=command.order_id, actor=call.actor, now_ms=call.now_ms, seen=command.version
    )
    return await orders.groups.do(wish, call, command)


@action("orders.evidence")
async def show(orders: Orders, call: Call, command: AddEvidence) -> OrderView:
    """Either party, while a claim or a dispute is open: a text, photos, or both. Locks the order."""
    wish = deciding.Show(
        order_id=command.order_id, actor=call.actor, text=command.text, objects=command.objects,
        now_ms=call.now_ms, seen=command.version,
    )  # fmt: skip
    return await orders.groups.do(wish, call, command)


@action("orders.decide")
async def decide(orders: Orders, call: Call, command: DecideDispute) -> OrderView:
    """Operators end a dispute: for the owner, for the buyer, or by dividing. Locks the bookable when refunding, then the order."""
    require_operator(call.actor)
    split = Split(rent_back_fen=command.rent_back_fen, deposit_kept_fen=command.deposit_kept_fen)
    return await _move(orders, call, command.decision, command, Words(split=split))


async def fire_timer(orders: Orders, order_id: Id, now_ms: int) -> bool:
    """What the table says happens by itself, if it is due still. Locks the bookable when it frees, then the order."""
    async with orders.db.read() as cursor:
        due = rules.soonest(await store.read_order(cursor, order_id))
    if due is None or due[0] > now_ms:
        return False
    try:
        await orders.groups.do(deciding.Due(order_id=order_id, name=due[1], now_ms=now_ms))
    except NotYet:
        return False
    return True


class Moving(Protocol):
    @property
    def order_id(self) -> Id: ...
    @property
    def version(self) -> int | None: ...


async def _move(
    orders: Orders, call: Call, name: str, command: Moving, words: Words = SILENT
) -> OrderView:
    wish = deciding.Move(
        order_id=command.order_id, name=name, actor=call.actor, fresh=_codes(), now_ms=call.now_ms,
        seen=command.version, words=words,
    )  # fmt: skip
    return await orders.groups.do(wish, call, command)


async def _held_by_another(
    orders: Orders, call: Call, listing_id: Id, period: Period
) -> Held | None:
    """Somebody else's hold is respected; when holds are away, the row lock alone decides."""
    with contextlib.suppress(Unavailable):
        if not await orders.leases.any(listing_id):
            return None
        leases = (await orders.leases.read(listing_id, call.now_ms)).leases
        for lease in leases:
            if lease.holder_id != call.actor.user_id and lease.period.overlaps(period):
                return Held(until_ms=lease.until_ms)
    return None


async def _longer_held_by_another(orders: Orders, call: Call, command: ExtendOrder) -> Held | None:
    async with orders.db.read() as cursor:
        order = await store.read_order(cursor, command.order_id)
    if order.buyer_id != call.actor.user_id or command.end_ms <= order.period.end_ms:
        return None  # refused for another reason
    more = Period(order.period.end_ms, command.end_ms)
    return await _held_by_another(orders, call, order.listing_id, more)


def _codes() -> Codes:
    return Codes(start=f"{secrets.randbelow(10**6):06}", give_back=f"{secrets.randbelow(10**6):06}")


ACTIONS = table(
    hold, release_hold, create, approve, decline, cancel, start, give_back, accept, claim, concede, contest,
    dispute, extend, forgo, show, decide,
)  # fmt: skip
