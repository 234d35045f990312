"""Commands decided one after the other against what those before them have left: what is locked is in a `Book`.

A wish is refused before it changes anything, so that those after it do not notice; the one exception is a wrong code, which is
counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from market.kernel.actor import Actor
from market.kernel.errors import (
    Conflict,
    Forbidden,
    MarketError,
    NotFound,
    NotYet,
    TooManyUnpaid,
    WrongCode,
)  # fmt: skip
from market.kernel.facts import CodesReplaced, EvidenceAdded, Fact
from market.kernel.ids import Id, gene_of
from market.kernel.period import Period
from market.kernel.seats import Use
from market.kernel.terms import use_of
from market.orders.rules import beginning, booking, evidence, extending, extension, life, price
from market.orders.rules import order as rules
from market.orders.rules.booking import Bookable
from market.orders.rules.evidence import Piece
from market.orders.rules.life import Party
from market.orders.rules.order import SILENT, Codes, Order, OrderView, Words
from market.orders.rules.price import Credit

NewId = Callable[[int], Id]
"""A fresh id with the given gene."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """`held`: what to say of somebody else's hold, if there is one; said only to what has not been done, and where there is one
    seat: of several, others may be left."""

    listing_id: Id
    buyer_id: Id
    period: Period
    terms_version: int
    codes: Codes
    now_ms: int
    seats: int = 1
    held: MarketError | None = None
    most_unpaid: int = 0
    """How many orders somebody may have that are to be paid or answered; 0: any number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A transition that somebody asks for. `fresh` replaces the codes when too many were tried."""

    order_id: Id
    name: str
    actor: Actor
    fresh: Codes
    now_ms: int
    seen: int | None = None
    words: Words = SILENT

    @property
    def frees(self) -> bool:
        return life.may_free(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """A piece of evidence."""

    order_id: Id
    actor: Actor
    text: str
    objects: tuple[str, ...]
    now_ms: int
    seen: int | None = None
    frees: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Extend:
    """The buyer wants to use until `end_ms`. `held` as in `Create`; `terms_version`: as quoted, None: as they are."""

    order_id: Id
    actor: Actor
    end_ms: int
    now_ms: int
    terms_version: int | None = None
    seen: int | None = None
    held: MarketError | None = None
    frees: bool = True
    """It takes time; the calendar is needed as where time is freed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgo:
    """The buyer does not want the extension after all."""

    order_id: Id
    actor: Actor
    now_ms: int
    seen: int | None = None
    frees: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What is expected to happen by itself, as the order was when last seen."""

    order_id: Id
    name: str
    now_ms: int

    @property
    def frees(self) -> bool:
        return life.may_free(self.name) or extension.frees(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """The order, or an extension of it: one that comes too late gives its time back."""

    order_id: Id
    amount_fen: int
    now_ms: int
    extension: int = 0

    @property
    def frees(self) -> bool:
        return self.extension > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """Nothing was paid, and nothing can be any more."""

    order_id: Id
    now_ms: int
    extension: int = 0
    frees: bool = True


Wish = Create | Move | Show | Extend | Forgo | Due | Paid | Closed
Outcome = OrderView | MarketError


@dataclass(slots=True)
class Calendar:
    """A bookable row under its lock, and what is taken, by order."""

    bookable: Bookable
    busy: dict[Id, Use]

    def bump(self) -> None:
        self.bookable = replace(self.bookable, version=self.bookable.version + 1)


@dataclass(frozen=True, slots=True)
class Event:
    """What an order's change is told as: its transition, or a fact of another sort."""

    order: Order
    name: str
    by: Party
    other: CodesReplaced | EvidenceAdded | None = None


@dataclass(slots=True)
class Book:
    """Rows under their locks, as they are by now. `changed` and `created` are the orders to be written, with `pieces`."""

    calendars: dict[Id, Calendar] = field(default_factory=dict)
    orders: dict[Id, Order] = field(default_factory=dict)
    credits: dict[Id, Credit] = field(default_factory=dict)
    unpaid: dict[Id, int] = field(default_factory=dict)
    """Buyer -> how many orders of theirs are to be paid or answered."""
    pieces: list[Piece] = field(default_factory=list)
    created: set[Id] = field(default_factory=set)
    changed: set[Id] = field(default_factory=set)
    touched: dict[Id, int] = field(default_factory=dict)
    """Listing -> by how much its calendar's version rises."""
    _events: list[Event] = field(default_factory=list)

    def calendar(self, listing_id: Id) -> Calendar:
        """Raise NotYet when this wing has not heard of the listing: it may be on its way."""
        try:
            return self.calendars[listing_id]
        except KeyError:
            raise NotYet("no such listing, or not yet") from None

    def order(self, order_id: Id) -> Order:
        """Raise NotFound."""
        try:
            return self.orders[order_id]
        except KeyError:
            raise NotFound("no such order") from None

    def enter(self, order: Order, name: str, by: Party) -> None:
        """The order after a transition or a step, or as it begins. What takes other time than before has its calendar in the
        book."""
        before = self.orders.get(order.id)
        if _takes(before) != _takes(order):
            calendar = self.calendar(order.listing_id)
            if life.blocks(order.state):
                calendar.busy[order.id] = order.use
            else:
                calendar.busy.pop(order.id, None)
            calendar.bump()
            self.touched[order.listing_id] = self.touched.get(order.listing_id, 0) + 1
        change = life.counts_as_unpaid(order.state) - (
            before is not None and life.counts_as_unpaid(before.state)
        )
        self.unpaid[order.buyer_id] = self.unpaid.get(order.buyer_id, 0) + change
        self.orders[order.id] = order
        (self.created if before is None else self.changed).add(order.id)
        self._events.append(Event(order, name, by))

    def count_wrong_code(self, order: Order, by: Party, fresh: Codes) -> None:
        order, replaced = rules.count_wrong_code(order, fresh)
        self.orders[order.id] = order
        self.changed.add(order.id)
        if replaced:
            data = CodesReplaced(order_id=order.id, version=order.version)
            self._events.append(Event(order, "", by, data))

    def add(self, order: Order, piece: Piece) -> None:
        self.orders[order.id] = order
        self.changed.add(order.id)
        self.pieces.append(piece)
        data = EvidenceAdded(
            order_id=order.id, version=order.version, by=piece.party, buyer_id=order.buyer_id,
            owner_id=order.owner_id,
        )  # fmt: skip
        self._events.append(Event(order, "", piece.party, data))

    def facts(self) -> Iterator[Fact]:
        """In order for each order. A calendar that changed many times is told of once, as it is at the end."""
        last = {e.order.listing_id: n for n, e in enumerate(self._events) if e.other is None}
        for n, event in enumerate(self._events):
            order = event.order
            if event.other is not None:
                yield rules.noted(order, event.other)
                continue
            version = None
            if order.listing_id in self.touched and last[order.listing_id] == n:
                version = self.calendars[order.listing_id].bookable.version
            yield rules.happened(order, event.name, event.by, version)


def _takes(order: Order | None) -> Use | None:
    return order.use if order is not None and life.blocks(order.state) else None


def decide(book: Book, wish: Wish, new_id: NewId) -> Outcome:
    """Raise MarketError when the wish is refused and nothing has changed. A refusal that is returned has been noted in the book."""
    match wish:
        case Create():
            return _create(book, wish, new_id)
        case Move():
            return _move(book, wish)
        case Show():
            return _show(book, wish)
        case Extend():
            return _extend(book, wish)
        case Forgo():
            return _forgo(book, wish)
        case Due():
            return _fire(book, wish)
        case Paid():
            return _pay(book, wish)
        case Closed():
            return _close(book, wish)


def _create(book: Book, wish: Create, new_id: NewId) -> OrderView:
    credit = book.credits.get(wish.buyer_id, price.UNKNOWN)
    if credit.gone:
        raise Forbidden("this account has been deleted")
    calendar = book.calendar(wish.listing_id)
    bookable = calendar.bookable
    if wish.held is not None and bookable.terms.capacity == 1:
        raise wish.held
    booking.check_quote(bookable, wish.terms_version)
    booking.check_period(bookable, wish.buyer_id, wish.period, wish.now_ms)
    wanted = use_of(bookable.terms, wish.period, wish.seats)
    booking.check_free(bookable.terms, wanted, calendar.busy.values())
    if wish.most_unpaid and book.unpaid.get(wish.buyer_id, 0) >= wish.most_unpaid:
        raise TooManyUnpaid(limit=wish.most_unpaid)
    cost = price.quote(
        bookable.terms, wish.period, category=bookable.category, seats=wish.seats, credit=credit
    )  # fmt: skip
    order_id = new_id(gene_of(bookable.listing_id))
    order = beginning.create(
        order_id, bookable, wish.buyer_id, wish.period, cost, wish.codes, wish.now_ms, wish.seats
    )
    book.enter(order, "create", "buyer")
    return rules.see(order, "buyer")


def _move(book: Book, wish: Move) -> Outcome:
    order = book.order(wish.order_id)
    party = rules.party_of(order, wish.actor)
    words = wish.words
    try:
        moved, _ = rules.move(order, wish.name, party, wish.now_ms, seen=wish.seen, words=words)
    except WrongCode as refusal:
        book.count_wrong_code(order, party, wish.fresh)
        return refusal
    if wish.name in evidence.SHOWING and (words.reason or words.objects):
        moved, piece = evidence.show(moved, party, words.reason, words.objects, wish.now_ms)
        book.pieces.append(piece)
    book.enter(moved, wish.name, party)
    return rules.see(moved, party)


def _show(book: Book, wish: Show) -> Outcome:
    order = book.order(wish.order_id)
    party = rules.party_of(order, wish.actor)
    rules.check_remark(order, "evidence", party, wish.seen)
    evidence.check_piece(order, wish.text, wish.objects)
    order = replace(order, version=order.version + 1)
    order, piece = evidence.show(order, party, wish.text, wish.objects, wish.now_ms)
    book.add(order, piece)
    return rules.see(order, party)


def _extend(book: Book, wish: Extend) -> Outcome:
    order = book.order(wish.order_id)
    party = rules.party_of(order, wish.actor)
    rules.check_remark(order, "extend", party, wish.seen)
    calendar = book.calendar(order.listing_id)
    bookable = calendar.bookable
    if wish.held is not None and bookable.terms.capacity == 1:
        raise wish.held
    if wish.terms_version is not None:
        booking.check_quote(bookable, wish.terms_version)
    uses = extending.others(order, calendar.busy.items())
    offer = extending.offer(order, bookable, uses, wish.end_ms, wish.now_ms)
    order, name = extending.ask(order, offer, wish.now_ms)
    book.enter(order, name, party)
    return rules.see(order, party)


def _forgo(book: Book, wish: Forgo) -> Outcome:
    order = book.order(wish.order_id)
    party = rules.party_of(order, wish.actor)
    rules.check_remark(order, "forgo", party, wish.seen)
    return _step(book, order, "forgo", party, len(order.extensions), wish.now_ms)


def _fire(book: Book, wish: Due) -> Outcome:
    order = book.order(wish.order_id)
    due = rules.soonest(order)
    if due is None or due[1] != wish.name or due[0] > wish.now_ms:
        raise NotYet("nothing is due")
    if wish.name in extension.STEPS:
        return _step(book, order, wish.name, "time", len(order.extensions), wish.now_ms)
    return _enter(book, order, wish.name, "time", wish.now_ms)


def _pay(book: Book, wish: Paid) -> Outcome:
    order = book.order(wish.order_id)
    if wish.extension:
        name = extending.how_paid(order)
        return _step(book, order, name, "payments", wish.extension, wish.now_ms)
    if wish.amount_fen < order.total_fen:
        raise Conflict("too little money", total_fen=order.total_fen)
    name = "pay_late" if order.state == "expiring" else "pay"
    return _enter(book, order, name, "payments", wish.now_ms)


def _close(book: Book, wish: Closed) -> Outcome:
    order = book.order(wish.order_id)
    if wish.extension:
        return _step(book, order, "extend_close", "payments", wish.extension, wish.now_ms)
    return _enter(book, order, "close", "payments", wish.now_ms)


def _step(book: Book, order: Order, name: str, by: Party, number: int, now_ms: int) -> OrderView:
    moved = extending.move(order, name, number, now_ms)
    book.enter(moved, name, by)
    return rules.see(moved, by)


def _enter(book: Book, order: Order, name: str, by: Party, now_ms: int) -> OrderView:
    moved, _ = rules.move(order, name, by, now_ms)
    book.enter(moved, name, by)
    return rules.see(moved, "operator")
