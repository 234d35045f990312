"""The life of an order: properties of the table, and that moving obeys it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.kernel.errors import IllegalTransition, VersionConflict, WrongCode
from market.orders.rules import life
from market.orders.rules import order as rules
from market.orders.rules.life import Party, State
from tests.unit.market.orders.samples import NOW_MS, PARTIES, order_in

STATES: tuple[State, ...] = get_args(life.State)
ALL_PARTIES: tuple[Party, ...] = get_args(life.Party)
TERMINAL: set[State] = {"completed", "expired", "cancelled", "refunded"}
LEGAL = [(t, s, p) for t in life.TRANSITIONS for s in t.source for p in t.by]


def reachable(start: Iterable[State]) -> set[State]:
    found = set(start)
    while more := {t.target for t in life.TRANSITIONS if found & set(t.source)} - found:
        found |= more
    return found


def test_every_state_can_be_reached_and_every_order_ends() -> None:
    assert reachable([life.INITIAL]) == set(STATES)
    for state in STATES:
        assert reachable([state]) & TERMINAL


def test_the_ends_are_these() -> None:
    assert {s for s in STATES if not any(s in t.source for t in life.TRANSITIONS)} == TERMINAL
    for state in TERMINAL:
        assert all(life.allowed(state, party) == () for party in ALL_PARTIES)


def test_each_state_has_one_timer_at_most_and_no_order_waits_for_ever() -> None:
    for state in STATES:
        timers = [t for t in life.TRANSITIONS if t.timer and state in t.source]
        assert len(timers) == (0 if state in TERMINAL else 1), state
        assert life.timer_of(state) is (timers[0] if timers else None)


def test_a_timer_is_times_alone_and_what_time_does_has_a_timer() -> None:
    for t in life.TRANSITIONS:
        assert ("time" in t.by) == (t.timer is not None), t.name
        assert t.by == ("time",) or "time" not in t.by


def test_names_are_unique() -> None:
    assert len(life.BY_NAME) == len(life.TRANSITIONS)


def test_what_frees_the_calendar_never_takes_it_again() -> None:
    for t in life.TRANSITIONS:
        assert all(life.blocks(s) for s in t.source), t.name
        assert life.frees(t) == (not life.blocks(t.target))


@pytest.mark.parametrize(("state", "party"), list(itertools.product(STATES, ALL_PARTIES)))
def test_allowed_is_what_the_table_says_and_what_a_move_accepts(state: State, party: Party) -> None:
    allowed = life.allowed(state, party)
    legal = {t.name for t, s, p in LEGAL if (s, p) == (state, party)}
    awaited = {t.name for t in life.TRANSITIONS if state in t.source and party in t.awaits}
    assert list(allowed) == [t.name for t in life.TRANSITIONS if t.name in legal | awaited]
    before = order_in(state)
    for name in life.BY_NAME:
        code = {"start": before.start_code, "return": before.return_code}.get(name)
        if name in legal:
            moved, transition = rules.move(before, name, party, NOW_MS + 5, code=code, reason="why")
            assert (moved.state, moved.version) == (transition.target, before.version + 1)
            assert (moved.entered_ms, moved.wrong_codes, moved.reason) == (NOW_MS + 5, 0, "why")
        else:
            with pytest.raises(IllegalTransition) as refused:
                rules.move(before, name, party, NOW_MS, code=code)
            assert refused.value.data["state"] == state
            assert refused.value.data["actions"] == allowed


@pytest.mark.parametrize(
    ("transition", "state", "party"), LEGAL, ids=lambda x: getattr(x, "name", x)
)
def test_a_stale_screen_moves_nothing(
    transition: life.Transition, state: State, party: Party
) -> None:
    before = order_in(state, version=4)
    code = {"start": before.start_code, "return": before.return_code}.get(transition.name)
    for seen in (1, 3, 5):
        with pytest.raises(VersionConflict) as refused:
            rules.move(before, transition.name, party, NOW_MS, seen=seen, code=code)
        assert refused.value.data["version"] == 4
    assert rules.move(before, transition.name, party, NOW_MS, seen=4, code=code)[0].version == 5


@pytest.mark.parametrize(
    ("name", "state", "party"), [("start", "ready", "owner"), ("return", "in_use", "buyer")]
)
@pytest.mark.parametrize("code", [None, "", "000000", "1", "\u0661\u0661\u0661\u0661\u0661\u0661"])
def test_only_the_right_code_hands_over(
    name: str, state: State, party: Party, code: str | None
) -> None:
    before = order_in(state)
    other = {"start": before.return_code, "return": before.start_code}[name]
    for wrong in (code, other):
        if wrong is None or wrong.isascii():
            with pytest.raises(WrongCode):
                rules.move(before, name, party, NOW_MS, code=wrong)


@given(st.lists(st.sampled_from(sorted(life.BY_NAME)), max_size=12), st.data())
def test_a_random_history_keeps_its_promises(names: list[str], data: st.DataObject) -> None:
    order = order_in(life.INITIAL)
    freed = False
    for n, name in enumerate(names):
        transition = life.BY_NAME[name]
        party = data.draw(st.sampled_from(transition.by))
        code = {"start": order.start_code, "return": order.return_code}.get(name)
        try:
            moved, _ = rules.move(order, name, party, NOW_MS + n, code=code)
        except IllegalTransition:
            continue
        assert not freed, "a freed slot may have been sold again"
        freed = not life.blocks(moved.state)
        fact = rules.happened(moved, name, party, None)
        assert 0 <= fact.data.refund_fen <= order.total_fen  # type: ignore[union-attr]
        assert (rules.due(moved) is None) == (moved.state in TERMINAL)
        assert moved.version == order.version + 1
        order = moved


@pytest.mark.parametrize("party", PARTIES)
def test_what_is_not_a_partys_is_not_offered_to_it(party: Party) -> None:
    for state in STATES:
        for name in rules.see(order_in(state), party).actions:
            transition = life.BY_NAME[name]
            assert party in transition.by or party in transition.awaits


def test_a_buyer_is_shown_that_paying_is_next_but_payments_alone_moves_the_order() -> None:
    unpaid = order_in("pending_payment")
    assert "pay" in rules.see(unpaid, "buyer").actions
    assert "pay" not in rules.see(unpaid, "owner").actions
    with pytest.raises(IllegalTransition):
        rules.move(unpaid, "pay", "buyer", NOW_MS)


def test_the_diagram_has_every_arrow() -> None:
    lines = life.diagram().splitlines()
    assert lines[0] == "stateDiagram-v2"
    for t in life.TRANSITIONS:
        for source in t.source:
            assert (
                sum(
                    line.strip().startswith(f"{source} --> {t.target}: {t.name} ") for line in lines
                )
                == 1
            )
    assert {line.split()[0] for line in lines if line.endswith("--> [*]")} == TERMINAL
