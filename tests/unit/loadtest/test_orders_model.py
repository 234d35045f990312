"""The model of `./dev soak orders` takes what is legal and notices what is not."""

from __future__ import annotations

from typing import Any

import pytest

from loadtest.soaks.orders_model import (
    AFTER,
    BY_ITSELF,
    ENDS,
    STEPS,
    Broken,
    Order,
    allowed,
    longer,
)  # fmt: skip


def order(state: str, version: int = 1) -> Order:
    return Order(
        number=0, id="7", listing_id="3", period=(0, 1), alone=False, rent_fen=1000, deposit_fen=500,
        total_fen=1500, state=state, version=version,
    )  # fmt: skip


def view(state: str, version: int, who: str) -> dict[str, Any]:
    seen: dict[str, Any] = {"state": state, "version": version, "extension": None}
    return {**seen, "actions": sorted(allowed(state, who) | longer(seen, who))}


def test_every_state_leads_to_an_end_by_itself() -> None:
    for start in {step[0] for step in STEPS}:
        reached = {start}
        while more := {AFTER[s, who, what] for s in reached for who, what in BY_ITSELF.get(s, ())} - reached:  # fmt: skip
            reached |= more
        assert reached & ENDS, start


def test_what_is_legal_is_taken_even_after_money_has_come_meanwhile() -> None:
    known = order("pending_payment")
    known.took("owner", "start", view("in_use", 3, "owner"))
    assert (known.state, known.version) == ("in_use", 3)
    assert known.acknowledged == {3: ("owner", "start")}


@pytest.mark.parametrize(
    ("who", "what", "answer"),
    [
        ("buyer", "start", view("in_use", 2, "buyer")),  # the owner's to do
        ("owner", "start", view("in_use", 3, "owner")),  # a version that nobody made
        ("owner", "start", view("returned", 2, "owner")),
        ("owner", "start", {**view("in_use", 2, "owner"), "actions": ["accept"]}),
    ],
)
def test_what_may_not_be_is_noticed(who: str, what: str, answer: dict[str, Any]) -> None:
    with pytest.raises(Broken):
        order("ready").took(who, what, answer)


def test_refusals_are_judged_too() -> None:
    with pytest.raises(Broken):
        order("ready").refused("owner", "start", "not_found", {}, {"order_id": "7"})
    with pytest.raises(Broken):
        order("returned").refused("owner", "claim", "too_much", {}, {"amount_fen": 500})
    order("returned").refused("owner", "claim", "too_much", {}, {"amount_fen": 501})
    order("ready").refused("stranger", "cancel", "not_found", {}, {})


def test_a_state_that_nobody_led_to_is_noticed() -> None:
    order("expiring").saw("expired", 2)
    with pytest.raises(Broken):
        order("ready").saw("completed", 2)
