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
    TooMuch,
)  # fmt: skip
from market.kernel.facts import OrderMoved
from market.kernel.ids import Id
from market.kernel.money import share
from market.kernel.period import DAY_MS, HOUR_MS, MINUTE_MS, Period
from market.kernel.seats import Use
from market.kernel.terms import AFTERWARDS_DAYS, AHEAD_DAYS, FROZEN_DAYS, LATE_START_MS, use_of
from market.orders.rules import beginning, booking, division, life, price
from market.orders.rules import order as rules
from market.orders.rules.division import Split
from market.orders.rules.life import Party, State
from market.orders.rules.order import WRONG_CODES, Codes, Words
from tests.unit.market.orders.samples import (
    BOOKABLE,
    BUYER,
    CODES,
    NOW_MS,
    OWNER,
    PARTIES,
    PERIOD,
    PLACE,
    order_in,
    words,
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
    afterwards_ms = (
        life.OVERDUE_MS + life.CLAIM_WINDOW_MS + life.CONTEST_WINDOW_MS + life.DECISION_MS
    )
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
    order = beginning.create(
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
        ("requested", (PERIOD.start_ms, "forget")),
        ("expiring", (NOW_MS + 2 * HOUR_MS, "abandon")),
        ("claimed", (NOW_MS + 72 * HOUR_MS, "escalate")),
        ("disputed", (NOW_MS + 7 * DAY_MS, "give_up")),
        ("completed", None), ("declined", None), ("expired", None), ("cancelled", None), ("refunded", None),
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
    paid = state in ("ready", "in_use", "returned", "claimed", "completed", "disputed", "refunded")
    ended = state in ("completed", "declined", "expired", "cancelled", "refunded")
    assert buyer.address == ("幸福路 1 号" if paid else None)
    assert owner.address == operator.address == "幸福路 1 号"
    assert buyer.place == (PLACE if paid else None)
    assert owner.place == operator.place == PLACE
    assert (buyer.fee_fen, buyer.payout_fen) == (None, None)
    assert owner.fee_fen == operator.fee_fen == 300
    assert owner.payout_fen == operator.payout_fen == (0 if ended else 2_700)


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


@pytest.mark.parametrize(
    ("name", "state", "by", "back", "of_deposit", "owner", "fee"),
    [
        ("approve", "requested", "owner", 0, 0, 0, 300),
        ("decline", "requested", "owner", 23_000, 20_000, 0, 0),
        ("cancel", "ready", "owner", 23_000, 20_000, 0, 0),
        ("accept", "returned", "owner", 20_000, 20_000, 2_700, 300),
        ("concede", "claimed", "buyer", 16_000, 16_000, 6_700, 300),
        ("release", "disputed", "operator", 16_000, 16_000, 6_700, 300),
        ("split", "disputed", "operator", 19_000, 18_000, 3_800, 200),
        ("refund", "disputed", "operator", 23_000, 20_000, 0, 0),
        ("give_up", "disputed", "time", 23_000, 20_000, 0, 0),
    ],
)  # fmt: skip
def test_the_fact_says_who_gets_what(
    name: str, state: State, by: Party, back: int, of_deposit: int, owner: int, fee: int
) -> None:
    claimed = 4_000 if state in ("claimed", "disputed") else 0
    order, transition = rules.move(
        replace(order_in(state), claim_fen=claimed), name, by, NOW_MS, words=words(order_in(state), name)
    )  # fmt: skip
    fact = rules.happened(order, name, by, None)
    assert (fact.kind, fact.entity, fact.version) == (f"order.{transition.target}", order.id, 2)
    data = fact.data
    assert isinstance(data, OrderMoved)
    assert (data.refund_fen, data.refund_deposit_fen) == (back, of_deposit)
    assert (data.owner_fen, data.fee_fen, data.tells) == (owner, fee, ("buyer", "owner"))
    assert len(fact.pushes) == 2
    ended = rules.due(order) is None
    assert rules.see(order, "buyer").refund_fen == (back if ended else None)
    assert rules.see(order, "owner").payout_fen == (owner if ended else 2_700)


def test_nobody_is_told_that_a_payment_is_being_looked_at() -> None:
    order, _ = rules.move(order_in("pending_payment"), "expire", "time", NOW_MS)
    data = rules.happened(order, "expire", "time", None).data
    assert isinstance(data, OrderMoved)
    assert (order.state, data.tells) == ("expiring", ())


@pytest.mark.parametrize(
    ("late_ms", "hours"),
    [(-DAY_MS, 0), (0, 0), (division.GRACE_MS, 0), (division.GRACE_MS + 1, 1), (HOUR_MS, 1),
     (HOUR_MS + 1, 2), (5 * HOUR_MS, 5), (30 * HOUR_MS, 20)],
)  # fmt: skip
def test_who_comes_late_pays_by_the_hour_out_of_the_deposit(late_ms: int, hours: int) -> None:
    """Ten yuan an hour, and two hundred of deposit."""
    back, _ = rules.move(
        order_in("in_use"), "return", "buyer", PERIOD.end_ms + late_ms, words=words(order_in("in_use"), "return")
    )  # fmt: skip
    assert back.late_fen == rules.see(back, "buyer").late_fen == hours * 1_000
    assert rules.see(back, "owner").payout_fen == 2_700 + back.late_fen
    done, _ = rules.move(back, "accept", "owner", NOW_MS)
    assert (done.refund_fen, done.owner_fen, done.fee_fen) == (
        20_000 - back.late_fen, 2_700 + back.late_fen, 300,
    )  # fmt: skip
    limit_fen = 20_000 - back.late_fen
    with pytest.raises(TooMuch):
        rules.move(back, "claim", "owner", NOW_MS, words=Words(claim_fen=limit_fen + 1))
    rules.move(back, "claim", "owner", NOW_MS, words=Words(claim_fen=limit_fen))


amounts = st.integers(0, 10**8)


@given(amounts, amounts, st.integers(0, 10_000), st.data())
def test_a_division_loses_nothing_and_makes_nothing(
    rent: int, deposit: int, fee_bp: int, data: st.DataObject
) -> None:
    fee = share(rent, fee_bp)
    split = Split(
        rent_back_fen=data.draw(st.integers(0, rent)),
        deposit_kept_fen=data.draw(st.integers(0, deposit)),
    )
    parts = division.divide(rent, deposit, fee, split)
    assert parts.refund_fen + parts.owner_fen + parts.fee_fen == rent + deposit
    assert 0 <= parts.refund_deposit_fen <= min(deposit, parts.refund_fen)
    assert 0 <= parts.fee_fen <= fee
    assert parts.owner_fen >= split.deposit_kept_fen
    assert parts.refund_fen - parts.refund_deposit_fen == split.rent_back_fen


@given(amounts, amounts, st.integers(-(2**63), 2**63), st.integers(-(2**63), 2**63))
def test_nobody_divides_more_than_there_is(rent: int, deposit: int, back: int, kept: int) -> None:
    if 0 <= back <= rent and 0 <= kept <= deposit:
        return
    with pytest.raises(TooMuch):
        division.divide(rent, deposit, 0, Split(rent_back_fen=back, deposit_kept_fen=kept))


def test_that_a_calendar_is_freed_is_told_with_the_orders_fact() -> None:
    push = rules.happened(order_in("cancelled"), "cancel", "buyer", 6).pushes[-1]
    assert (push.topic, push.version, push.payload) == (f"calendar:{BOOKABLE.listing_id}", 6, None)


def test_codes_are_replaced_at_the_fifth_wrong_attempt() -> None:
    order = order_in("ready")
    for attempt in range(1, WRONG_CODES):
        order, replaced = rules.count_wrong_code(order, FRESH)
        assert (replaced, order.wrong_codes, order.version) == (False, attempt, 1)
        assert order.start_code == CODES.start
    order, replaced = rules.count_wrong_code(order, FRESH)
    assert (replaced, order.wrong_codes, order.version) == (True, 0, 2)
    assert (order.start_code, order.return_code) == (FRESH.start, FRESH.give_back)
