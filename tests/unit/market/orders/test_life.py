"""The life of an order: properties of the tables, and that moving obeys them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.kernel.errors import IllegalTransition, TooMuch, VersionConflict, WrongCode
from market.orders.rules import life
from market.orders.rules import order as rules
from market.orders.rules.life import Party, State, Transition
from market.orders.rules.order import Words
from tests.unit.market.orders.samples import NOW_MS, PARTIES, new_order, order_in, words

STATES: tuple[State, ...] = get_args(life.State)
ALL_PARTIES: tuple[Party, ...] = get_args(life.Party)
VERSIONS = sorted(life.TABLES)
TERMINAL: dict[int, set[State]] = {
    1: {"completed", "expired", "cancelled", "refunded"},
    2: {"completed", "declined", "expired", "cancelled", "refunded"},
    3: {"completed", "declined", "expired", "cancelled", "refunded"},
}
LEGAL = [
    (version, t, s, p)
    for version in VERSIONS for t in life.TABLES[version].transitions for s in t.source for p in t.by
]  # fmt: skip
NAMES = {t.name for table in life.TABLES.values() for t in table.transitions}
every_version = pytest.mark.parametrize("version", VERSIONS)


def states(version: int) -> set[State]:
    table = life.TABLES[version]
    return {*table.initial, *(t.target for t in table.transitions)}


def reachable(version: int, start: Iterable[State]) -> set[State]:
    found = set(start)
    transitions = life.TABLES[version].transitions
    while more := {t.target for t in transitions if found & set(t.source)} - found:
        found |= more
    return found


def test_new_orders_use_the_newest_table() -> None:
    assert max(VERSIONS) == life.PROCESS_VERSION == new_order().process_version
    assert states(life.PROCESS_VERSION) == set(STATES)
    for request, state in ((False, "pending_payment"), (True, "requested")):
        assert new_order(request=request).state == state
        assert state in life.TABLES[life.PROCESS_VERSION].initial


@every_version
def test_every_state_can_be_reached_and_every_order_ends(version: int) -> None:
    assert reachable(version, life.TABLES[version].initial) == states(version)
    for state in states(version):
        assert reachable(version, [state]) & TERMINAL[version]


@every_version
def test_the_ends_are_these(version: int) -> None:
    assert set(life.ends(version)) == TERMINAL[version]
    for state in TERMINAL[version]:
        assert all(life.allowed(version, state, party) == () for party in ALL_PARTIES)


@every_version
def test_there_is_a_clock_on_every_state_that_is_not_an_end_and_one_only(version: int) -> None:
    for state in states(version):
        timers = [t for t in life.TABLES[version].transitions if t.timer and state in t.source]
        assert len(timers) == (0 if state in TERMINAL[version] else 1), state
        assert life.timer_of(version, state) is (timers[0] if timers else None)
        assert (rules.due(order_in(state, process=version)) is None) == (state in TERMINAL[version])


@every_version
def test_left_alone_every_order_ends_by_the_clocks(version: int) -> None:
    for state in states(version):
        order, steps = order_in(state, process=version), 0
        while (due := rules.due(order)) is not None:
            order, _ = rules.move(order, due[1], "time", due[0])
            steps += 1
        assert steps <= 3, state


@every_version
def test_a_timer_is_times_alone_and_what_time_does_has_a_timer(version: int) -> None:
    for t in life.TABLES[version].transitions:
        assert ("time" in t.by) == (t.timer is not None), t.name
        assert t.by == ("time",) or "time" not in t.by


@every_version
def test_names_are_unique(version: int) -> None:
    table = life.TABLES[version]
    names = [t.name for t in table.transitions] + [r.name for r in table.remarks]
    assert len(names) == len(set(names))


@every_version
def test_what_frees_the_calendar_never_takes_it_again(version: int) -> None:
    for t in life.TABLES[version].transitions:
        assert all(life.blocks(s) for s in t.source), t.name
        assert life.frees(t) == (not life.blocks(t.target))
        assert life.may_free(t.name) or not life.frees(t)


@every_version
def test_money_moves_at_the_ends_and_nowhere_else(version: int) -> None:
    for t in life.TABLES[version].transitions:
        assert (t.gives_back != "nothing") == (t.target in TERMINAL[version]), t.name


@every_version
def test_time_that_nobody_has_paid_for_is_freed_last(version: int) -> None:
    """From version 2 on an order whose payment may still be open keeps its time."""
    closing = [
        t
        for t in life.TABLES[version].transitions
        if "pending_payment" in t.source and "time" in t.by
    ]
    assert [life.frees(t) for t in closing] == [version == 1]


@pytest.mark.parametrize(
    ("version", "state", "party"), list(itertools.product(VERSIONS, STATES, ALL_PARTIES))
)
def test_allowed_is_what_the_table_says_and_what_a_move_accepts(
    version: int, state: State, party: Party
) -> None:
    table = life.TABLES[version]
    allowed = life.allowed(version, state, party)
    legal = {t.name for v, t, s, p in LEGAL if (v, s, p) == (version, state, party)}
    awaited = {t.name for t in table.transitions if state in t.source and party in t.awaits}
    remarks = [r.name for r in table.remarks if state in r.states and party in r.by]
    assert list(allowed) == [
        *(t.name for t in table.transitions if t.name in legal | awaited), *remarks
    ]  # fmt: skip
    before = order_in(state, process=version)
    for name in NAMES:
        if name in legal:
            moved, transition = rules.move(
                before, name, party, NOW_MS + 5, words=words(before, name, "why")
            )
            assert (moved.state, moved.version) == (transition.target, before.version + 1)
            assert (moved.entered_ms, moved.wrong_codes, moved.reason) == (NOW_MS + 5, 0, "why")
        else:
            with pytest.raises(IllegalTransition) as refused:
                rules.move(before, name, party, NOW_MS, words=words(before, name))
            assert refused.value.data["state"] == state
            assert refused.value.data["actions"] == allowed


@pytest.mark.parametrize(
    ("version", "transition", "state", "party"), LEGAL, ids=lambda x: getattr(x, "name", x)
)
def test_a_stale_screen_moves_nothing(
    version: int, transition: Transition, state: State, party: Party
) -> None:
    before = order_in(state, version=4, process=version)
    said = words(before, transition.name)
    for seen in (1, 3, 5):
        with pytest.raises(VersionConflict) as refused:
            rules.move(before, transition.name, party, NOW_MS, seen=seen, words=said)
        assert refused.value.data["version"] == 4
    moved, _ = rules.move(before, transition.name, party, NOW_MS, seen=4, words=said)
    assert moved.version == 5


@pytest.mark.parametrize(
    ("name", "state", "party"), [("start", "ready", "owner"), ("return", "in_use", "buyer")]
)
@pytest.mark.parametrize("code", ["", "000000", "1"])
def test_only_the_right_code_hands_over(name: str, state: State, party: Party, code: str) -> None:
    before = order_in(state)
    other = {"start": before.return_code, "return": before.start_code}[name]
    for wrong in (code, other):
        with pytest.raises(WrongCode):
            rules.move(before, name, party, NOW_MS, words=Words(code=wrong))


@every_version
@given(data=st.data())
def test_a_random_history_keeps_its_promises(version: int, data: st.DataObject) -> None:
    order = order_in(data.draw(st.sampled_from(life.TABLES[version].initial)), process=version)
    freed = False
    for n, name in enumerate(data.draw(st.lists(st.sampled_from(sorted(NAMES)), max_size=14))):
        transition = life.find(version, name)
        if transition is None:
            continue
        party = data.draw(st.sampled_from(transition.by))
        try:
            moved, _ = rules.move(order, name, party, NOW_MS + n, words=words(order, name))
        except IllegalTransition:
            continue
        assert not freed, "a freed slot may have been sold again"
        freed = not life.blocks(moved.state)
        ended = moved.state in TERMINAL[version]
        fact = rules.happened(moved, name, party, None).data
        assert fact.refund_fen + fact.owner_fen + (fact.fee_fen if ended else 0) == (  # type: ignore[union-attr]
            order.total_fen if ended else 0
        )
        assert (rules.due(moved) is None) == ended
        assert moved.version == order.version + 1
        order = moved


@pytest.mark.parametrize("party", PARTIES)
def test_what_is_not_a_partys_is_not_offered_to_it(party: Party) -> None:
    for state in STATES:
        for name in rules.see(order_in(state), party).actions:
            transition = life.find(life.PROCESS_VERSION, name)
            if transition is None:
                remarks = life.TABLES[life.PROCESS_VERSION].remarks
                assert party in next(r for r in remarks if r.name == name).by
            else:
                assert party in transition.by or party in transition.awaits


def test_a_buyer_is_shown_that_paying_is_next_but_payments_alone_moves_the_order() -> None:
    unpaid = order_in("pending_payment")
    assert "pay" in rules.see(unpaid, "buyer").actions
    assert "pay" not in rules.see(unpaid, "owner").actions
    assert rules.see(order_in("expiring"), "buyer").actions == ()
    with pytest.raises(IllegalTransition):
        rules.move(unpaid, "pay", "buyer", NOW_MS)


def test_the_time_to_pay_begins_when_the_owner_approves() -> None:
    asked = new_order(request=True)
    assert (asked.pay_by_ms, rules.due(asked)) == (0, (asked.period.start_ms, "forget"))
    approved, _ = rules.move(asked, "approve", "owner", NOW_MS + 5)
    assert approved.pay_by_ms == NOW_MS + 5 + life.PAYMENT_WINDOW_MS
    assert rules.due(approved) == (approved.pay_by_ms, "expire")


def test_a_claim_is_within_what_the_deposit_still_holds() -> None:
    returned = order_in("returned")
    for amount in (-1, 20_001, 2**63):
        with pytest.raises(TooMuch) as refused:
            rules.move(returned, "claim", "owner", NOW_MS, words=Words(claim_fen=amount))
        assert refused.value.data == {"limit_fen": 20_000}
    claimed, _ = rules.move(returned, "claim", "owner", NOW_MS, words=Words(claim_fen=20_000))
    assert rules.see(claimed, "buyer").claim_fen == 20_000


@every_version
def test_the_diagram_has_every_arrow(version: int) -> None:
    lines = life.diagram(version).splitlines()
    assert lines[0] == "stateDiagram-v2"
    for t in life.TABLES[version].transitions:
        for source in t.source:
            arrow = f"{source} --> {t.target}: {t.name} "
            assert sum(line.strip().startswith(arrow) for line in lines) == 1
    assert {line.split()[0] for line in lines if line.endswith("--> [*]")} == TERMINAL[version]
