"""An order: how it begins, how it moves, and what each party sees of it."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from market.kernel.actor import Actor
from market.kernel.errors import IllegalTransition, NotFound, VersionConflict, WrongCode
from market.kernel.facts import Fact, OrderMoved
from market.kernel.ids import Id
from market.kernel.period import Period
from market.kernel.seats import Use
from market.kernel.terms import Policy
from market.kernel.topics import Push, Readers
from market.orders.rules import life
from market.orders.rules.booking import Bookable, CalendarView
from market.orders.rules.life import Party, State, Transition
from market.orders.rules.price import Line, Price

WRONG_CODES = 5
"""After so many wrong attempts the code is replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """Two fresh handover codes of six digits: shown by the receiver of the thing, entered by its giver."""

    start: str
    give_back: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    id: Id
    version: int
    process_version: int
    state: State
    entered_ms: int
    listing_id: Id
    buyer_id: Id
    owner_id: Id
    title: str
    address: str
    period: Period
    buffer_ms: int
    """How long the seats are kept free after the period."""
    seats: int
    terms_version: int
    policy: Policy
    lines: tuple[Line, ...]
    rent_fen: int
    deposit_fen: int
    fee_fen: int
    pay_by_ms: int
    start_code: str
    return_code: str
    wrong_codes: int
    reason: str
    created_ms: int

    @property
    def total_fen(self) -> int:
        return self.rent_fen + self.deposit_fen

    @property
    def use(self) -> Use:
        return Use(Period(self.period.start_ms, self.period.end_ms + self.buffer_ms), self.seats)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """An order as one party may see it. The payload of `order:ID:ROLE`.

    `actions` are what that party may do now. `code` is to be shown to the other party. `due_ms`, `due_action`: what happens
    by itself, and when. `reason`: why it was cancelled or disputed; a decision does not wipe it out.
    `fee_fen` and `payout_fen` are the owner's business, `address` the paying buyer's.
    """

    order_id: Id
    version: int
    role: str
    state: State
    listing_id: Id
    buyer_id: Id
    owner_id: Id
    title: str
    start_ms: int
    end_ms: int
    seats: int
    policy: Policy
    lines: tuple[Line, ...]
    rent_fen: int
    deposit_fen: int
    total_fen: int
    actions: tuple[str, ...]
    created_ms: int
    entered_ms: int
    due_ms: int | None
    due_action: str | None
    reason: str
    code: str | None = None
    address: str | None = None
    fee_fen: int | None = None
    payout_fen: int | None = None


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
    return Order(
        id=order_id, version=1, process_version=life.PROCESS_VERSION, state=life.INITIAL, entered_ms=now_ms,
        listing_id=bookable.listing_id, buyer_id=buyer_id, owner_id=bookable.owner_id,
        title=bookable.title, address=bookable.address, period=period,
        buffer_ms=bookable.terms.buffer_ms, seats=seats, policy=bookable.terms.policy,
        terms_version=bookable.terms_version, lines=price.lines, rent_fen=price.rent_fen,
        deposit_fen=price.deposit_fen, fee_fen=price.fee_fen, pay_by_ms=now_ms + life.PAYMENT_WINDOW_MS,
        start_code=codes.start, return_code=codes.give_back, wrong_codes=0, reason="", created_ms=now_ms,
    )  # fmt: skip


def party_of(order: Order, actor: Actor) -> Party:
    """Raise NotFound for strangers: whether the order exists is none of their business."""
    if actor.user_id == order.buyer_id:
        return "buyer"
    if actor.user_id == order.owner_id:
        return "owner"
    if actor.is_operator:
        return "operator"
    raise NotFound("no such order")


def move(
    order: Order,
    name: str,
    by: Party,
    now_ms: int,
    *,
    seen: int | None = None,
    code: str | None = None,
    reason: str = "",
) -> tuple[Order, Transition]:
    """The order after the transition. Raise IllegalTransition, VersionConflict or WrongCode."""
    transition = life.BY_NAME[name]
    if by not in transition.by or order.state not in transition.source:
        raise IllegalTransition(
            state=order.state, version=order.version, actions=life.allowed(order.state, by)
        )
    if seen is not None and seen != order.version:
        raise VersionConflict(version=order.version, state=order.state)
    expected = {"start": order.start_code, "return": order.return_code}.get(name)
    if expected is not None and not hmac.compare_digest(expected, code or ""):
        raise WrongCode
    moved = replace(
        order, version=order.version + 1, state=transition.target, entered_ms=now_ms, wrong_codes=0,
        reason=reason or order.reason,
    )  # fmt: skip
    return moved, transition


def count_wrong_code(order: Order, fresh: Codes) -> tuple[Order, bool]:
    """One more wrong attempt; at the fifth the code is replaced (True), so that guessing never ends."""
    if order.wrong_codes + 1 < WRONG_CODES:
        return replace(order, wrong_codes=order.wrong_codes + 1), False
    replaced = replace(
        order,
        version=order.version + 1,
        wrong_codes=0,
        start_code=fresh.start,
        return_code=fresh.give_back,
    )
    return replaced, True


def due(order: Order) -> tuple[int, str] | None:
    """(UTC ms, transition) of what happens by itself, or None."""
    transition = life.timer_of(order.state)
    if transition is None or transition.timer is None:
        return None
    anchor = {
        "pay_by": order.pay_by_ms, "entered": order.entered_ms, "period_end": order.period.end_ms,
    }[transition.timer.anchor]  # fmt: skip
    return anchor + transition.timer.after_ms, transition.name


def see(order: Order, role: Party) -> OrderView:
    """The one place that decides who sees what."""
    paid = order.state not in ("pending_payment", "expired", "cancelled")
    timer = due(order)
    return OrderView(
        order_id=order.id, version=order.version, role=role, state=order.state, listing_id=order.listing_id,
        buyer_id=order.buyer_id, owner_id=order.owner_id, title=order.title,
        start_ms=order.period.start_ms, end_ms=order.period.end_ms, seats=order.seats,
        policy=order.policy, lines=order.lines,
        rent_fen=order.rent_fen, deposit_fen=order.deposit_fen, total_fen=order.total_fen,
        actions=life.allowed(order.state, role), created_ms=order.created_ms, entered_ms=order.entered_ms,
        due_ms=timer[0] if timer else None, due_action=timer[1] if timer else None, reason=order.reason,
        code=_code(order, role),
        address=order.address if role != "buyer" or paid else None,
        fee_fen=order.fee_fen if role != "buyer" else None,
        payout_fen=order.rent_fen - order.fee_fen if role != "buyer" else None,
    )  # fmt: skip


def _code(order: Order, role: Party) -> str | None:
    if role == "buyer" and order.state == "ready":
        return order.start_code
    if role == "owner" and order.state == "in_use":
        return order.return_code
    return None


def happened(order: Order, transition: str, by: Party, calendar: CalendarView | None) -> Fact:
    """The fact of a transition, addressed to both parties, and to the calendar's watchers when it changed."""
    gives_back = life.BY_NAME[transition].gives_back if transition in life.BY_NAME else "nothing"
    deposit = order.deposit_fen if gives_back != "nothing" else 0
    rent = order.rent_fen if gives_back == "everything" else 0
    fee = order.fee_fen - rent * order.fee_fen // (order.rent_fen or 1)
    data = OrderMoved(
        order_id=order.id, version=order.version, transition=transition, state=order.state, by=by,
        listing_id=order.listing_id, buyer_id=order.buyer_id, owner_id=order.owner_id, title=order.title,
        start_ms=order.period.start_ms, end_ms=order.period.end_ms, rent_fen=order.rent_fen,
        deposit_fen=order.deposit_fen, fee_fen=fee, total_fen=order.total_fen,
        refund_fen=rent + deposit, refund_deposit_fen=deposit,
        owner_fen=order.rent_fen - rent - fee if gives_back != "nothing" else 0,
        pay_by_ms=order.pay_by_ms, tells=ROLES,
    )  # fmt: skip
    return Fact(
        kind=f"order.{order.state}", entity=order.id, version=order.version, data=data,
        pushes=(*pushes(order), *calendar_pushes(calendar)),
    )  # fmt: skip


def pushes(order: Order) -> Sequence[Push]:
    return [
        Push(
            topic=topic(order.id, role),
            kind="state",
            version=order.version,
            payload=see(order, role),
        )
        for role in ROLES
    ]


def calendar_pushes(calendar: CalendarView | None) -> Sequence[Push]:
    if calendar is None:
        return ()
    return (
        Push(
            topic=f"calendar:{calendar.listing_id}",
            kind="state",
            version=calendar.version,
            payload=calendar,
        ),
    )


Seat = Literal["buyer", "owner"]
ROLES: tuple[Seat, ...] = ("buyer", "owner")


def topic(order_id: Id, role: Seat) -> str:
    return f"order:{order_id}:{role}"


def may_join(order: Order, role: Seat) -> Readers:
    """Each party reads its own topic and not the other's."""
    return Readers(users=frozenset({order.buyer_id if role == "buyer" else order.owner_id}))
