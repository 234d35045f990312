"""An order: how it begins, how it moves, and what each party sees of it."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace

from market.kernel.actor import Actor
from market.kernel.errors import (
    BadInput,
    IllegalTransition,
    NotFound,
    VersionConflict,
    WrongCode,
)  # fmt: skip
from market.kernel.facts import EXTENSION_MOVED, CodesReplaced, EvidenceAdded, Fact, OrderMoved
from market.kernel.geo import Point
from market.kernel.ids import Id
from market.kernel.period import Period
from market.kernel.seats import Use
from market.kernel.terms import Policy
from market.kernel.topics import Push, Readers
from market.orders.rules import cancellation, division, extension, life
from market.orders.rules.division import Split
from market.orders.rules.extension import STEPS, Extension, ExtensionView
from market.orders.rules.life import BOTH, Party, Seat, State, Transition
from market.orders.rules.price import Line

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
    """The platform's part of the rent; once the order has ended, of what is kept of it."""
    late_hour_fen: int
    """What each begun hour costs that the thing comes back late; `late_fen` is what it came to."""
    late_fen: int
    claim_fen: int
    refund_fen: int
    refund_deposit_fen: int
    owner_fen: int
    """Who got what, the fee beside it: 0 until the order has ended."""
    pay_by_ms: int
    start_code: str
    return_code: str
    wrong_codes: int
    reason: str
    evidence: int
    """How many pieces of evidence there are."""
    created_ms: int
    place: Point | None = None
    """Where the address is; None: it was ordered when that was not known yet."""
    extensions: tuple[Extension, ...] = ()
    """Each has money of its own: all of the above is about what was agreed at first. `period` is what has been paid for."""

    @property
    def total_fen(self) -> int:
        return self.rent_fen + self.deposit_fen

    @property
    def rents(self) -> list[tuple[int, int]]:
        """(rent, the platform's part of it) of everything that has been agreed, in the order in which it was."""
        more = [(e.rent_fen, e.fee_fen) for e in extension.paid(self.extensions)]
        return [(self.rent_fen, self.fee_fen), *more]

    @property
    def all_rent_fen(self) -> int:
        return sum(rent for rent, _ in self.rents)

    @property
    def taken_until_ms(self) -> int:
        """The end, or that which is still to be paid for."""
        asked = extension.open_one(self.extensions)
        return asked.end_ms if asked else self.period.end_ms

    @property
    def use(self) -> Use:
        return Use(Period(self.period.start_ms, self.taken_until_ms + self.buffer_ms), self.seats)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """An order as one party may see it. The payload of `order:ID:ROLE`.

    `actions` are what that party may do now. `code` is to be shown to the other party. `due_ms`, `due_action`: what happens
    by itself, and when. `reason`: why it was cancelled, claimed or disputed; a decision does not wipe it out.
    Coming back late costs `late_hour_fen` for each begun hour, out of the deposit; `late_fen` is what it came to, `claim_fen`
    what the owner wants beside it. `refund_fen` is what the buyer gets back, None until the order has ended.
    `evidence` counts the pieces that `orders.evidence_of` reads. Extensions that were paid are in `end_ms`, the lines and all
    money; `extension` is the newest one, whatever has become of it. `fee_fen` and `payout_fen` are the owner's business,
    `address` and `place` the paying buyer's.
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
    late_hour_fen: int
    late_fen: int
    claim_fen: int
    refund_fen: int | None
    evidence: int
    extension: ExtensionView | None = None
    code: str | None = None
    address: str | None = None
    place: Point | None = None
    fee_fen: int | None = None
    payout_fen: int | None = None


def party_of(order: Order, actor: Actor) -> Party:
    """Raise NotFound for strangers: whether the order exists is none of their business."""
    if actor.user_id == order.buyer_id:
        return "buyer"
    if actor.user_id == order.owner_id:
        return "owner"
    if actor.is_operator:
        return "operator"
    raise NotFound("no such order")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a party says beside the transition's name: `code` to hand over, `claim_fen` to claim, `split` to divide."""

    code: str = ""
    reason: str = ""
    objects: tuple[str, ...] = ()
    claim_fen: int = 0
    split: Split | None = None


SILENT = Words()


def move(
    order: Order, name: str, by: Party, now_ms: int, *, seen: int | None = None, words: Words = SILENT
) -> tuple[Order, Transition]:  # fmt: skip
    """The order after the transition. Raise IllegalTransition, VersionConflict, WrongCode or TooMuch."""
    transition = life.find(order.process_version, name)
    if transition is None or by not in transition.by or order.state not in transition.source:
        raise _illegal(order, by)
    if seen is not None and seen != order.version:
        raise VersionConflict(version=order.version, state=order.state)
    expected = {"start": order.start_code, "return": order.return_code}.get(name)
    if expected is not None and not hmac.compare_digest(expected, words.code):
        raise WrongCode
    moved = replace(
        order, version=order.version + 1, state=transition.target, entered_ms=now_ms, wrong_codes=0,
        reason=words.reason or order.reason,
    )  # fmt: skip
    if name == "approve":
        moved = replace(moved, pay_by_ms=now_ms + life.PAYMENT_WINDOW_MS)
    if order.state == "in_use":
        late_fen = division.late_fen(
            order.period.end_ms, now_ms, order.late_hour_fen, order.deposit_fen
        )
        moved = replace(moved, late_fen=late_fen)
    if name == "claim":
        division.check_within(words.claim_fen, order.deposit_fen - order.late_fen)
        moved = replace(moved, claim_fen=words.claim_fen)
    if transition.gives_back != "nothing":
        moved = _divided(moved, _split(order, transition, by, now_ms, words))
    if not life.goes_on(order.process_version, transition.target):
        moved = replace(moved, extensions=extension.left(moved.extensions, now_ms))
    return moved, transition


def _divided(order: Order, split: Split) -> Order:
    own, *others = division.divide_among(order.rents, order.deposit_fen, split)
    parts = iter(others)
    return replace(
        order, fee_fen=own.fee_fen, refund_fen=own.refund_fen, refund_deposit_fen=own.refund_deposit_fen,
        owner_fen=own.owner_fen,
        extensions=tuple(
            extension.divided(e, next(parts)) if e.state == "paid" else e for e in order.extensions
        ),
    )  # fmt: skip


def _split(order: Order, transition: Transition, by: Party, now_ms: int, words: Words) -> Split:
    everything = Split(rent_back_fen=order.all_rent_fen, deposit_kept_fen=0)
    match transition.gives_back:
        case "deposit":
            return Split(rent_back_fen=0, deposit_kept_fen=order.late_fen)
        case "deposit_less_claim":
            return Split(rent_back_fen=0, deposit_kept_fen=order.late_fen + order.claim_fen)
        case "as_decided":
            if words.split is None:
                raise BadInput("say how to divide it")
            return words.split
        case "by_policy" if by == "buyer" and order.state not in life.UNPAID:
            kept_fen = cancellation.kept_fen(
                order.policy, order.all_rent_fen, order.period.start_ms, order.created_ms, now_ms
            )
            return Split(rent_back_fen=order.all_rent_fen - kept_fen, deposit_kept_fen=0)
        case _:
            return everything


def check_remark(order: Order, name: str, by: Party, seen: int | None) -> None:
    """Raise IllegalTransition or VersionConflict unless that party may say something now."""
    if name not in actions(order, by):
        raise _illegal(order, by)
    if seen is not None and seen != order.version:
        raise VersionConflict(version=order.version, state=order.state)


def actions(order: Order, by: Party) -> tuple[str, ...]:
    """What that party may do now."""
    names = life.allowed(order.process_version, order.state, by)
    return extension.offered(names, order.extensions, by)


def _illegal(order: Order, by: Party) -> IllegalTransition:
    return IllegalTransition(state=order.state, version=order.version, actions=actions(order, by))


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


def soonest(order: Order) -> tuple[int, str] | None:
    """(UTC ms, transition or step) of what happens by itself next to the order or to its extension, or None."""
    return min(filter(None, (due(order), extension.due(order.extensions))), default=None)


def due(order: Order) -> tuple[int, str] | None:
    """(UTC ms, transition) of what happens by itself to the order, or None."""
    transition = life.timer_of(order.process_version, order.state)
    if transition is None or transition.timer is None:
        return None
    anchor = {
        "answer_by": min(order.entered_ms + life.ANSWER_WINDOW_MS, order.period.start_ms),
        "pay_by": order.pay_by_ms, "entered": order.entered_ms, "period_end": order.period.end_ms,
    }[transition.timer.anchor]  # fmt: skip
    return anchor + transition.timer.after_ms, transition.name


def see(order: Order, role: Party) -> OrderView:
    """The one place that decides who sees what."""
    told = order.state not in life.UNPAID | life.FREE or order.state == "refunded"
    timer = due(order)
    return OrderView(
        order_id=order.id, version=order.version, role=role, state=order.state, listing_id=order.listing_id,
        buyer_id=order.buyer_id, owner_id=order.owner_id, title=order.title,
        start_ms=order.period.start_ms, end_ms=order.period.end_ms, seats=order.seats,
        policy=order.policy, lines=(*order.lines, *extension.lines(order.extensions)),
        rent_fen=order.all_rent_fen, deposit_fen=order.deposit_fen, total_fen=order.all_rent_fen + order.deposit_fen,
        actions=actions(order, role), created_ms=order.created_ms, entered_ms=order.entered_ms,
        due_ms=timer[0] if timer else None, due_action=timer[1] if timer else None, reason=order.reason,
        late_hour_fen=order.late_hour_fen, late_fen=order.late_fen, claim_fen=order.claim_fen,
        refund_fen=order.refund_fen + sum(e.refund_fen for e in order.extensions) if timer is None else None,
        evidence=order.evidence, extension=extension.see(order.extensions), code=_code(order, role),
        address=order.address if role != "buyer" or told else None,
        place=order.place if role != "buyer" or told else None,
        fee_fen=sum(fee for _, fee in order.rents) if role != "buyer" else None,
        payout_fen=_payout_fen(order, ended=timer is None) if role != "buyer" else None,
    )  # fmt: skip


def _payout_fen(order: Order, *, ended: bool) -> int:
    """What the owner gets; while the order goes on, what they may expect."""
    if ended:
        return order.owner_fen + sum(e.owner_fen for e in order.extensions)
    return sum(rent - fee for rent, fee in order.rents) + order.late_fen


def _code(order: Order, role: Party) -> str | None:
    if role == "buyer" and order.state == "ready":
        return order.start_code
    if role == "owner" and order.state == "in_use":
        return order.return_code
    return None


def happened(order: Order, transition: str, by: Party, calendar_version: int | None) -> Fact:
    """The fact of a transition or of an extension's step, addressed to both parties, and to the calendar's watchers when it
    changed (to that version)."""
    step = STEPS.get(transition)
    known = step or life.find(order.process_version, transition)
    ended = order.state if due(order) is None else None
    calendar = (
        [] if calendar_version is None else [calendar_push(order.listing_id, calendar_version)]
    )
    data = OrderMoved(
        order_id=order.id, version=order.version, transition=transition, state=order.state, by=by,
        listing_id=order.listing_id, buyer_id=order.buyer_id, owner_id=order.owner_id, title=order.title,
        start_ms=order.period.start_ms, end_ms=order.period.end_ms, rent_fen=order.rent_fen,
        deposit_fen=order.deposit_fen, fee_fen=order.fee_fen, total_fen=order.total_fen,
        refund_fen=order.refund_fen, refund_deposit_fen=order.refund_deposit_fen,
        owner_fen=order.owner_fen, pay_by_ms=order.pay_by_ms, tells=known.tells if known else BOTH,
        taken_seats=order.use.seats if life.blocks(order.state) else 0,
        taken_until_ms=order.use.period.end_ms, extensions=extension.owed(order.extensions, ended),
    )  # fmt: skip
    return Fact(
        kind=EXTENSION_MOVED if step else f"order.{order.state}", entity=order.id, version=order.version, data=data,
        pushes=(*pushes(order), *calendar),
    )  # fmt: skip


def noted(order: Order, data: CodesReplaced | EvidenceAdded) -> Fact:
    """The fact of a change that is no transition."""
    return Fact(
        kind=data.KIND,
        entity=order.id,
        version=order.version,
        data=data,
        pushes=tuple(pushes(order)),
    )


def pushes(order: Order) -> Sequence[Push]:
    return [
        Push(
            topic=topic(order.id, role),
            kind="state",
            version=order.version,
            payload=see(order, role),
        )
        for role in BOTH
    ]


def calendar_push(listing_id: Id, version: int) -> Push:
    """Without the state, which for a listing in demand is thousands of periods."""
    return Push(topic=f"calendar:{listing_id}", kind="state", version=version, payload=None)


def topic(order_id: Id, role: Seat) -> str:
    return f"order:{order_id}:{role}"


def may_join(order: Order, role: Seat) -> Readers:
    """Each party reads its own topic and not the other's."""
    return Readers(users=frozenset({order.buyer_id if role == "buyer" else order.owner_id}))
