"""Booking, codes, timers, and who sees what of an order."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import wire
from market.kernel.actor import Actor
from market.kernel.availability import DayException, Plan
from market.kernel.errors import (
    BadInput,
    Forbidden,
    MarketError,
    NotBookable,
    NotFound,
    NotYet,
    SlotTaken,
    StaleQuote,
)  # fmt: skip
from market.kernel.ids import Id
from market.kernel.period import DAY_MS, HOUR_MS, MINUTE_MS, Period
from market.kernel.seats import Use
from market.kernel.terms import AFTERWARDS_DAYS, AHEAD_DAYS, FROZEN_DAYS, LATE_START_MS, use_of
from market.orders.rules import booking, life, price
from market.orders.rules import order as rules
from market.orders.rules.life import State
from market.orders.rules.order import WRONG_CODES, Codes
from tests.unit.market.orders.samples import (
    BOOKABLE,
    BUYER,
    CODES,
    NOW_MS,
    OWNER,
    PARTIES,
    PERIOD,
    order_in,
)  # fmt: skip

STATES: tuple[State, ...] = get_args(life.State)
FRESH = Codes(start="111111", give_back="222222")
CLOSED = Plan(weekly=((),) * 7)
TERMS = BOOKABLE.terms


def lasting(ms: int, start_ms: int = NOW_MS + HOUR_MS) -> Period:
    return Period(start_ms, start_ms + ms)


def test_a_quote_of_other_terms_is_stale_or_not_heard_of_yet() -> None:
    booking.check_quote(BOOKABLE, 2)
    with pytest.raises(StaleQuote) as refused:
        booking.check_quote(BOOKABLE, 1)
    assert refused.value.data["terms_version"] == 2
    with pytest.raises(NotYet):
        booking.check_quote(BOOKABLE, 3)


@pytest.mark.parametrize(
    ("bookable", "buyer", "period", "error"),
    [
        (BOOKABLE, BUYER, PERIOD, None),
        (BOOKABLE, OWNER, PERIOD, Forbidden),
        (replace(BOOKABLE, status="paused"), BUYER, PERIOD, NotBookable),
        (replace(BOOKABLE, status="closed"), BUYER, PERIOD, NotBookable),
        (replace(BOOKABLE, terms=replace(TERMS, plan=CLOSED)), BUYER, PERIOD, NotBookable),
        (BOOKABLE, BUYER, lasting(HOUR_MS, NOW_MS - LATE_START_MS), None),
        (BOOKABLE, BUYER, lasting(HOUR_MS, NOW_MS - LATE_START_MS - 1), BadInput),
        (BOOKABLE, BUYER, lasting(HOUR_MS, NOW_MS + TERMS.horizon_ms + 1), NotBookable),
        (BOOKABLE, BUYER, lasting(TERMS.shortest_ms - 1), NotBookable),
        (BOOKABLE, BUYER, lasting(TERMS.longest_ms), None),
        (BOOKABLE, BUYER, lasting(TERMS.longest_ms + 1), NotBookable),
    ],
)  # fmt: skip
def test_which_periods_can_be_booked(
    bookable: booking.Bookable, buyer: Id, period: Period, error: type[MarketError] | None
) -> None:
    if error is None:
        booking.check_period(bookable, buyer, period, NOW_MS)
    else:
        with pytest.raises(error):
            booking.check_period(bookable, buyer, period, NOW_MS)


def test_money_is_frozen_no_longer_than_wechat_keeps_it() -> None:
    """Horizon and longest use are bounded together; this is what the order's life may add."""
    afterwards_ms = max(life.CLAIM_WINDOW_MS, life.OVERDUE_MS) + life.DECISION_MS
    assert afterwards_ms <= AFTERWARDS_DAYS * DAY_MS
    assert AHEAD_DAYS + AFTERWARDS_DAYS == FROZEN_DAYS <= 170
    assert TERMS.horizon_ms + TERMS.longest_ms <= AHEAD_DAYS * DAY_MS


small = st.tuples(st.integers(0, 40), st.integers(1, 10)).map(lambda p: Period(p[0], p[0] + p[1]))


@given(small, st.lists(small, max_size=5))
def test_the_only_seat_is_free_when_it_shares_no_instant_with_a_booking(
    period: Period, busy: list[Period]
) -> None:
    taken = any(
        set(range(period.start_ms, period.end_ms)) & set(range(b.start_ms, b.end_ms)) for b in busy
    )
    uses = [Use(b) for b in busy]
    if taken:
        with pytest.raises(SlotTaken):
            booking.check_free(TERMS, Use(period), uses)
    else:
        booking.check_free(TERMS, Use(period), uses)


def test_seats_that_are_left_are_free_and_those_that_never_were_are_not() -> None:
    terms, period = replace(TERMS, capacity=3), Period(10, 20)
    booking.check_free(terms, Use(period, 2), [Use(period, 1)])
    with pytest.raises(SlotTaken) as refused:
        booking.check_free(terms, Use(period, 2), [Use(Period(15, 30), 2)])
    assert refused.value.data == {"start_ms": 15, "end_ms": 30, "seats_left": 1}
    with pytest.raises(NotBookable):
        booking.check_free(terms, Use(period, 4), [])


def test_the_calendar_says_what_is_taken_and_not_by_whom() -> None:
    one, two = Use(Period(50, 60)), Use(Period(10, 20))
    view = booking.calendar(BOOKABLE, [one, two])
    assert (view.busy, view.left) == (((10, 20), (50, 60)), ())
    assert (view.live, view.version, view.capacity) == (True, 5, 1)
    assert not booking.calendar(replace(BOOKABLE, status="paused"), []).live
    plan = Plan(weekly=((),) * 7, exceptions=(DayException(day="2026-06-01"),))
    terms = replace(TERMS, plan=plan, capacity=3)
    view = booking.calendar(
        replace(BOOKABLE, terms=terms), [one, Use(Period(55, 70), 2), Use(Period(80, 90))]
    )
    assert view.plan == plan
    assert view.busy == ((55, 60),)
    assert view.left == ((50, 55, 2), (60, 70, 1), (80, 90, 2))


def test_an_order_keeps_its_seats_for_the_buffer_too() -> None:
    terms = replace(TERMS, capacity=4, buffer_minutes=30, policy="strict")
    cost = price.quote(terms, PERIOD, category="tools", seats=3)
    order = rules.create(
        Id(44), replace(BOOKABLE, terms=terms), BUYER, PERIOD, cost, CODES, NOW_MS, 3
    )
    assert order.use == Use(Period(PERIOD.start_ms, PERIOD.end_ms + 30 * MINUTE_MS), 3)
    assert order.use == use_of(terms, PERIOD, 3)
    view = rules.see(order, "buyer")
    assert (view.seats, view.policy, view.end_ms) == (3, "strict", PERIOD.end_ms)
    assert sum(line.total_fen for line in view.lines) == view.total_fen


def test_free_is_nothing_while_the_listing_is_not_live_and_not_asked_for_ages() -> None:
    within = Period(NOW_MS, NOW_MS + DAY_MS)
    view = booking.free(BOOKABLE, [Use(Period(NOW_MS, NOW_MS + HOUR_MS))], within, 1, NOW_MS)
    assert view.free == ((NOW_MS + HOUR_MS, NOW_MS + DAY_MS),)
    assert booking.free(BOOKABLE, [], within, 2, NOW_MS).free == ()
    assert booking.free(replace(BOOKABLE, status="paused"), [], within, 1, NOW_MS).free == ()
    with pytest.raises(BadInput):
        booking.free(BOOKABLE, [], Period(NOW_MS, 2**53 - 1), 1, NOW_MS)


def test_a_new_order_waits_for_its_money() -> None:
    order = order_in("pending_payment")
    assert order.pay_by_ms == NOW_MS + 15 * MINUTE_MS
    assert rules.due(order) == (order.pay_by_ms, "expire")
    assert (order.rent_fen, order.deposit_fen, order.total_fen, order.fee_fen) == (
        3_000,
        20_000,
        23_000,
        300,
    )


@pytest.mark.parametrize(
    ("state", "due"),
    [
        ("pending_payment", (NOW_MS + 15 * MINUTE_MS, "expire")),
        ("ready", (PERIOD.end_ms, "lapse")),
        ("in_use", (PERIOD.end_ms + 72 * HOUR_MS, "overdue")),
        ("returned", (NOW_MS + 48 * HOUR_MS, "settle")),
        ("disputed", (NOW_MS + 14 * DAY_MS, "give_up")),
        ("completed", None), ("expired", None), ("cancelled", None), ("refunded", None),
    ],
)  # fmt: skip
def test_what_happens_by_itself_and_when(state: State, due: tuple[int, str] | None) -> None:
    assert rules.due(order_in(state)) == due
    view = rules.see(order_in(state), "buyer")
    assert (view.due_ms, view.due_action) == (due or (None, None))


def test_the_parties() -> None:
    order = order_in("ready")
    assert rules.party_of(order, Actor(user_id=BUYER, role="user")) == "buyer"
    assert rules.party_of(order, Actor(user_id=OWNER, role="user")) == "owner"
    assert rules.party_of(order, Actor(user_id=Id(99), role="operator")) == "operator"
    assert (
        rules.party_of(order, Actor(user_id=BUYER, role="operator")) == "buyer"
    )  # no judge in one's own cause
    with pytest.raises(NotFound):
        rules.party_of(order, Actor(user_id=Id(99), role="user"))


@pytest.mark.parametrize("state", STATES)
def test_each_code_is_shown_by_the_one_who_must_show_it_and_only_while_it_counts(
    state: State,
) -> None:
    seen = {party: rules.see(order_in(state), party).code for party in PARTIES}
    assert seen == {
        "buyer": CODES.start if state == "ready" else None,
        "owner": CODES.give_back if state == "in_use" else None,
        "operator": None,
    }


@pytest.mark.parametrize("state", STATES)
def test_the_address_is_for_who_has_paid_and_earnings_for_the_owner(state: State) -> None:
    buyer, owner, operator = (rules.see(order_in(state), party) for party in PARTIES)
    paid = state in ("ready", "in_use", "returned", "completed", "disputed", "refunded")
    assert buyer.address == ("幸福路 1 号" if paid else None)
    assert owner.address == operator.address == "幸福路 1 号"
    assert (buyer.fee_fen, buyer.payout_fen) == (None, None)
    assert (
        (owner.fee_fen, owner.payout_fen) == (operator.fee_fen, operator.payout_fen) == (300, 2_700)
    )


@pytest.mark.parametrize("state", STATES)
def test_what_one_party_alone_may_see_never_travels_to_the_other(state: State) -> None:
    order = order_in(state)
    to_buyer, to_owner = rules.pushes(order)
    assert (to_buyer.topic, to_owner.topic) == ("order:44:buyer", "order:44:owner")
    assert (to_buyer.version, to_owner.version) == (order.version, order.version)
    buyers, owners = wire.json(to_buyer.payload), wire.json(to_owner.payload)
    assert CODES.give_back.encode() not in buyers
    assert CODES.start.encode() not in owners
    assert rules.may_join(order, "buyer").admit(Actor(user_id=BUYER, role="user"))
    assert not rules.may_join(order, "buyer").admit(Actor(user_id=OWNER, role="user"))
    assert rules.may_join(order, "owner").admit(Actor(user_id=OWNER, role="user"))
    assert not rules.may_join(order, "owner").admit(Actor(user_id=BUYER, role="user"))


@pytest.mark.parametrize("name", sorted(life.BY_NAME))
def test_the_fact_says_what_goes_back(name: str) -> None:
    transition = life.BY_NAME[name]
    order = order_in(transition.target)
    fact = rules.happened(order, name, transition.by[0], None)
    assert (fact.kind, fact.entity, fact.version) == (
        f"order.{transition.target}",
        order.id,
        order.version,
    )
    expected = {"nothing": 0, "deposit": order.deposit_fen, "everything": order.total_fen}
    assert fact.data.refund_fen == expected[transition.gives_back]  # type: ignore[union-attr]
    assert len(fact.pushes) == 2


def test_a_freed_calendar_travels_with_the_orders_fact() -> None:
    calendar = booking.calendar(BOOKABLE, [])
    push = rules.happened(order_in("cancelled"), "cancel", "buyer", calendar).pushes[-1]
    assert (push.topic, push.version, push.payload) == (
        f"calendar:{BOOKABLE.listing_id}",
        5,
        calendar,
    )


def test_codes_are_replaced_at_the_fifth_wrong_attempt() -> None:
    order = order_in("ready")
    for attempt in range(1, WRONG_CODES):
        order, replaced = rules.count_wrong_code(order, FRESH)
        assert (replaced, order.wrong_codes, order.version) == (False, attempt, 1)
        assert order.start_code == CODES.start
    order, replaced = rules.count_wrong_code(order, FRESH)
    assert (replaced, order.wrong_codes, order.version) == (True, 0, 2)
    assert (order.start_code, order.return_code) == (FRESH.start, FRESH.give_back)
