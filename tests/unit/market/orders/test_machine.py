"""The orders' machine, driven at random and along every arrow, against the model. Everything goes through `deciding`, as
commands, timers and facts do. It is long because a state machine's rules are methods of one class.
"""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from market.kernel.actor import Actor
from market.kernel.errors import Conflict, MarketError
from market.kernel.facts import EXTENSION_MOVED, OrderMoved
from market.kernel.ids import Id
from market.orders.rules import life
from market.orders.rules import order as rules
from market.orders.rules.deciding import (
    Book,
    Calendar,
    Closed,
    Due,
    Extend,
    Forgo,
    Move,
    Paid,
    Show,
    decide,
)  # fmt: skip
from market.orders.rules.division import Split
from market.orders.rules.order import Codes, Order, Words
from tests.unit.market.orders.model import (
    ARROWS,
    DAY,
    DEPOSIT,
    EDGES,
    ENDS,
    HOUR,
    MINUTE,
    RENT,
    Model,
)  # fmt: skip
from tests.unit.market.orders.samples import (
    BOOKABLE,
    BUYER,
    NOW_MS,
    OWNER,
    PERIOD,
    new_order,
)

NAMES = sorted({name for _, name, _ in EDGES} | {"evidence"})
WHO = {
    "buyer": Actor(user_id=BUYER, role="user"),
    "owner": Actor(user_id=OWNER, role="user"),
    "operator": Actor(user_id=Id(99), role="operator"),
    "stranger": Actor(user_id=Id(98), role="user"),
}


class Machine:
    """The product's side: a book with one order, asked as the desk asks it."""

    def __init__(self, order: Order) -> None:
        self.busy = {order.id: order.use}
        self.order = order
        self.facts: list[OrderMoved] = []
        self.longer: list[OrderMoved] = []

    def ask(self, wish: Any) -> MarketError | None:
        book = Book(
            {BOOKABLE.listing_id: Calendar(BOOKABLE, dict(self.busy))}, {self.order.id: self.order}
        )
        before = self.order
        try:
            outcome = decide(book, wish, Id)
        except MarketError as refusal:
            assert book.orders[before.id] is before, "a refused wish has changed something"
            assert not list(book.facts())
            return refusal
        self.order = book.orders[before.id]
        self.busy = book.calendars[BOOKABLE.listing_id].busy
        for fact in book.facts():
            assert fact.version == self.order.version
            if isinstance(fact.data, OrderMoved):
                told = self.longer if fact.kind == EXTENSION_MOVED else self.facts
                told.append(fact.data)
        return outcome if isinstance(outcome, MarketError) else None


class Life(RuleBasedStateMachine):
    """One order, everybody's wishes in any order, at any time."""

    def __init__(self, *, request: bool = False) -> None:
        super().__init__()
        self.now = NOW_MS
        self.begin(request)

    def begin(self, request: bool) -> None:
        self.machine = Machine(new_order(request=request))
        self.model = Model(
            "requested" if request else "pending_payment",
            NOW_MS,
            0 if request else NOW_MS + 15 * MINUTE,
        )
        self.stale: list[tuple[str, int]] = []
        self.versions = 1

    @initialize(state=st.sampled_from(sorted(set(ARROWS) - ENDS)))
    def somewhere(self, state: str) -> None:
        """So that histories go far."""
        way = way_to(state)
        self.begin((way[0][0] if way else state) == "requested")
        for _, name, by in way:
            step(self, name, by)

    @rule(by=st.sampled_from([MINUTE, 14 * MINUTE, HOUR, 5 * HOUR, DAY, 8 * DAY, 400 * DAY]))
    def time_passes(self, by: int) -> None:
        self.now += by

    @rule(by=st.sampled_from([MINUTE, DAY]))
    def the_clock_jumps_back(self, by: int) -> None:
        self.now = max(NOW_MS, self.now - by)

    @rule(
        name=st.sampled_from(NAMES), who=st.sampled_from(sorted(WHO)), right=st.booleans(),
        claim=st.integers(-1, DEPOSIT + 1), split=st.tuples(st.integers(-1, RENT + 1), st.integers(-1, DEPOSIT + 1)),
        seen=st.sampled_from([None, "now", "old"]),
    )  # fmt: skip
    def somebody_asks(
        self, name: str, who: str, right: bool, claim: int, split: tuple[int, int], seen: str | None
    ) -> None:
        order = self.machine.order
        version = {None: None, "now": order.version, "old": order.version - 1}[seen]
        if name == "evidence":
            refusal = self.machine.ask(
                Show(
                    order_id=order.id,
                    actor=WHO[who],
                    text="x",
                    objects=(),
                    now_ms=self.now,
                    seen=version,
                )
            )
            may = who in ("buyer", "owner") and self.model.state in ("claimed", "disputed")
            if may and seen != "old" and order.evidence < 40:
                assert refusal is None
                self.versions += 1
            else:
                assert refusal is not None
            return
        code = (
            {"start": order.start_code, "return": order.return_code}.get(name, "")
            if right
            else "000000"
        )
        words = Words(
            code=code,
            claim_fen=claim,
            split=Split(rent_back_fen=split[0], deposit_kept_fen=split[1]),
        )
        refusal = self.machine.ask(
            Move(
                order_id=order.id, name=name, actor=WHO[who], fresh=Codes(start="111111", give_back="222222"),
                now_ms=self.now, seen=version, words=words,
            )
        )  # fmt: skip
        self.expect(name, who, refusal, right=right, stale=seen == "old", claim=claim, split=split)

    def expect(
        self, name: str, who: str, refusal: MarketError | None, *, right: bool = True, stale: bool = False,
        claim: int = 0, split: tuple[int, int] = (0, 0),
    ) -> None:  # fmt: skip
        model = self.model
        if (name, who) not in ARROWS[model.state]:
            code = "not_found" if who == "stranger" else "illegal_transition"
        elif stale:
            code = "version_conflict"
        elif name in ("start", "return") and not right:
            code = "wrong_code"
        elif (name == "claim" and not 0 <= claim <= DEPOSIT - model.late) or (
            name == "split" and not (0 <= split[0] <= RENT and 0 <= split[1] <= DEPOSIT)
        ):
            code = "too_much"
        else:
            assert refusal is None, (name, who, refusal)
            model.go(name, who, self.now, claim, split)
            self.versions += 1
            return
        assert refusal is not None, (model.state, name, who)
        assert refusal.code == code
        if code == "wrong_code":
            self.versions = self.machine.order.version  # the fifth wrong one makes new codes

    @rule(amount=st.sampled_from([0, RENT + DEPOSIT - 1, RENT + DEPOSIT, RENT + DEPOSIT + 1]))
    def money_comes(self, amount: int) -> None:
        name = "pay_late" if self.model.state == "expiring" else "pay"
        refusal = self.machine.ask(
            Paid(order_id=self.machine.order.id, amount_fen=amount, now_ms=self.now)
        )
        if amount < RENT + DEPOSIT:
            assert isinstance(refusal, Conflict)
        else:
            self.expect(name, "payments", refusal)

    @precondition(lambda self: self.model.state not in ENDS)
    @rule(data=st.data())
    def what_may_be_done(self, data: st.DataObject) -> None:
        name, by = data.draw(st.sampled_from(sorted(ARROWS[self.model.state])))
        step(self, name, by)

    @rule(
        hours=st.sampled_from([-1, 0, 1, 2, 5, 20, 24, 30, 24 * 61]), who=st.sampled_from(sorted(WHO)),
        seen=st.sampled_from([None, "now", "old"]), terms=st.sampled_from([None, 1, 2, 3]),
    )  # fmt: skip
    def somebody_wants_longer(
        self, hours: int, who: str, seen: str | None, terms: int | None
    ) -> None:
        order, model = self.machine.order, self.model
        version = {None: None, "now": order.version, "old": order.version - 1}[seen]
        refusal = self.machine.ask(
            Extend(
                order_id=order.id, actor=WHO[who], end_ms=model.end + hours * HOUR, now_ms=self.now,
                terms_version=terms, seen=version,
            )
        )  # fmt: skip
        if who == "stranger":
            expected = "not_found"
        elif who != "buyer" or not model.may_ask():
            expected = "illegal_transition"
        elif seen == "old":
            expected = "version_conflict"
        elif terms in (1, 3):
            expected = {1: "stale_quote", 3: "not_yet"}[terms]
        elif self.now > model.end - 5 * MINUTE:
            expected = "not_bookable"
        elif hours <= 0:
            expected = "invalid"
        elif model.end + hours * HOUR > PERIOD.start_ms + 60 * DAY:
            expected = "not_bookable"
        else:
            assert refusal is None, refusal
            model.ask(hours, self.now)
            self.versions += 1
            return
        assert refusal is not None
        assert refusal.code == expected

    @rule(who=st.sampled_from(sorted(WHO)))
    def somebody_wants_it_no_more(self, who: str) -> None:
        asked = self.model.asked()
        refusal = self.machine.ask(
            Forgo(order_id=self.machine.order.id, actor=WHO[who], now_ms=self.now)
        )
        if who == "buyer" and asked is not None and asked.state == "pending_payment":
            assert refusal is None
            asked.state, asked.since = "expiring", self.now
            self.versions += 1
        else:
            assert refusal is not None
            assert refusal.code == ("not_found" if who == "stranger" else "illegal_transition")

    @rule(back=st.integers(0, 2), closed=st.booleans())
    def payments_speaks_of_longer(self, back: int, closed: bool) -> None:
        """Of the newest one, of one that has come to its end, or of one that never was."""
        number = len(self.model.longer) + 1 - back
        asked = self.model.asked()
        wish: Any = Closed if closed else Paid
        words = {} if closed else {"amount_fen": 1}
        refusal = self.machine.ask(
            wish(order_id=self.machine.order.id, now_ms=self.now, extension=max(number, 1), **words)
        )
        newest = asked is not None and max(number, 1) == len(self.model.longer)
        if not newest or (closed and asked is not None and asked.state != "expiring"):
            assert isinstance(refusal, Conflict)
            return
        assert refusal is None
        self.versions += 1
        if closed and asked is not None:
            asked.state, asked.since = "expired", self.now
        else:
            self.model.paid_longer(self.now)

    @rule()
    def payments_has_closed(self) -> None:
        refusal = self.machine.ask(Closed(order_id=self.machine.order.id, now_ms=self.now))
        self.expect("close", "payments", refusal)

    @rule()
    def a_worker_looks(self) -> None:
        """As `fire_timer` does: what it saw may be old when it comes to fire."""
        due = rules.due(self.machine.order)
        assert (due is None) == (self.model.state in ENDS)
        assert (due[0] if due else None) == self.model.deadline()
        soonest = rules.soonest(self.machine.order)
        assert soonest == min(filter(None, (due, self.longer_deadline())), default=None)
        if soonest is not None:
            self.stale.append((soonest[1], soonest[0]))

    def longer_deadline(self) -> tuple[int, str] | None:
        asked = self.model.asked()
        return asked.deadline() if asked else None

    @precondition(lambda self: self.stale)
    @rule(data=st.data())
    def a_timer_fires(self, data: st.DataObject) -> None:
        """In time, too early, or long after the order has moved on."""
        name, _ = data.draw(st.sampled_from(self.stale))
        self.fire(name)

    def fire(self, name: str) -> None:
        due = rules.soonest(self.machine.order)
        refusal = self.machine.ask(Due(order_id=self.machine.order.id, name=name, now_ms=self.now))
        deadline = self.model.deadline()
        longer = self.longer_deadline()
        if due is None or due[1] != name:  # something else comes first
            assert refusal is not None
            assert refusal.code == "not_yet"
        elif longer is not None and longer[1] == name and self.now >= longer[0]:
            assert refusal is None
            last = self.model.longer[-1]
            last.state, last.since = (
                "expiring" if name == "extend_expire" else "expired",
                self.now,
            )
            self.versions += 1
        elif (
            (name, "time") in ARROWS[self.model.state]
            and deadline is not None
            and self.now >= deadline
        ):
            assert refusal is None
            self.model.go(name, "time", self.now)
            self.versions += 1
        else:
            assert refusal is not None
            assert refusal.code == "not_yet"

    @invariant()
    def they_agree(self) -> None:
        order, model = self.machine.order, self.model
        assert (order.state, order.claim_fen, order.late_fen) == (
            model.state,
            model.claim,
            model.late,
        )
        assert order.version == self.versions
        assert [e.state for e in order.extensions] == [e.state for e in model.longer]
        assert order.period.end_ms == model.end
        until = self.machine.busy[order.id].period.end_ms if order.id in self.machine.busy else None
        assert until in (None, model.taken_until())
        freed = model.state in ("declined", "expired", "cancelled", "refunded")
        assert (order.id not in self.machine.busy) == freed
        for role in ("buyer", "owner", "operator"):
            offered = {name for name, by in ARROWS[model.state] if by == role}
            asked = model.asked()
            if role == "buyer" and model.may_ask():
                offered |= {"extend"}
            if role == "buyer" and asked is not None and asked.state == "pending_payment":
                offered |= {"pay_extension", "forgo"}
            offered |= {"pay"} if (role, model.state) == ("buyer", "pending_payment") else set()
            if role != "operator" and model.state in ("claimed", "disputed"):
                offered |= {"evidence"}
            assert set(rules.see(order, role).actions) == offered
        if model.money is not None:
            fact = self.machine.facts[-1]
            parts = [(fact.refund_fen, fact.owner_fen, fact.fee_fen, fact.total_fen)]
            paid = [e for e in fact.extensions if e.state == model.state]
            parts += [(e.refund_fen, e.owner_fen, e.fee_fen, e.rent_fen) for e in paid]
            assert all(min(part) >= 0 and sum(part[:3]) == part[3] for part in parts)
            assert tuple(map(sum, zip(*parts, strict=True)))[:3] == model.money
            rent = sum(e.rent for e in model.longer if e.state == "paid")
            assert sum(e.rent_fen for e in paid) == rent
            assert sum(model.money) == RENT + DEPOSIT + rent
            assert fact.total_fen == RENT + DEPOSIT
            assert 0 <= fact.refund_deposit_fen <= min(DEPOSIT, fact.refund_fen)
            assert fact.refund_fen - fact.refund_deposit_fen <= RENT
        assert [fact.state for fact in self.machine.facts] == [
            ARROWS[state][name, by] for state, name, by in model.walked
        ]


def test_the_table_has_the_models_arrows_and_no_others() -> None:
    table = life.TABLES[life.PROCESS_VERSION]
    assert {(s, t.name, by) for t in table.transitions for s in t.source for by in t.by} == EDGES
    for t in table.transitions:
        for source, by in itertools.product(t.source, t.by):
            assert ARROWS[source][t.name, by] == t.target


def test_whatever_happens_the_model_says_the_same() -> None:
    run_state_machine_as_test(
        Life, settings=settings(max_examples=150, stateful_step_count=40, deadline=None)
    )


def way_to(state: str) -> list[tuple[str, str, str]]:
    """A shortest way there, from a request or from an order that is made at once."""
    ways: deque[list[tuple[str, str, str]]] = deque([[]])
    while True:
        way = ways.popleft()
        for start in (
            ("requested", "pending_payment") if not way else (ARROWS[way[-1][0]][way[-1][1:]],)
        ):
            if start == state:
                return way
            ways += [[*way, (start, name, by)] for name, by in ARROWS[start]]


@pytest.mark.parametrize("edge", sorted(EDGES), ids="-".join)
def test_every_arrow_is_walked(edge: tuple[str, str, str]) -> None:
    """By the shortest way, each step checked against the model."""
    way = [*way_to(edge[0]), edge]
    walk = Life(request=way[0][0] == "requested")
    for state, name, by in way:
        assert walk.model.state == state
        step(walk, name, by)
        walk.they_agree()
    assert walk.model.walked == way


def step(walk: Life, name: str, by: str) -> None:
    match name:
        case "pay" | "pay_late":
            walk.money_comes(RENT + DEPOSIT)
        case "close":
            walk.payments_has_closed()
        case _ if by == "time":
            deadline = walk.model.deadline()
            assert deadline is not None
            walk.now = deadline - 1
            walk.fire(name)
            assert walk.machine.facts[-1:] == [] or walk.machine.facts[-1].transition != name
            walk.now = deadline + 40 * DAY if name == "overdue" else deadline
            walk.fire(name)
        case _:
            walk.somebody_asks(name, by, True, 500, (1_000, 2_000), "now")


def test_the_model_is_not_so_easily_pleased() -> None:
    """An order whose money does not add up, or that frees its time too early, is noticed."""
    walk = Life()
    walk.machine.order = replace(walk.machine.order, state="expired")
    with pytest.raises(AssertionError):
        walk.they_agree()
    walk = Life()
    walk.machine.busy.clear()
    with pytest.raises(AssertionError):
        walk.they_agree()
