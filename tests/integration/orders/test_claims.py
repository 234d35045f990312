"""What the owner claims, what both show, what an operator decides, and what being late costs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from market.kernel.actor import Actor
from market.kernel.errors import (
    BadInput,
    IllegalTransition,
    MarketError,
    NotFound,
    TooMuch,
)  # fmt: skip
from market.kernel.period import HOUR_MS
from market.orders import actions, views
from market.orders.commands import GetEvidence, ReturnOrder
from market.orders.rules.evidence import MOST_PIECES, EvidenceView
from market.orders.rules.order import OrderView
from tests.integration.conftest import call, someone
from tests.integration.orders.conftest import Scene


@pytest.mark.parametrize("amount", [0, -1, 1.5, "500", None, 2**70, True])
async def test_what_is_no_amount(scene: Scene, amount: object) -> None:
    order = await scene.order_in("returned")
    with pytest.raises(BadInput):
        await scene.perform("orders.claim", scene.owner, order, amount_fen=amount, reason="坏了")
    assert await scene.see(order) == order


async def test_nobody_claims_more_than_the_deposit(scene: Scene) -> None:
    order = await scene.order_in("returned")
    with pytest.raises(TooMuch) as refused:
        await scene.perform("orders.claim", scene.owner, order, amount_fen=20_001, reason="坏了")
    assert refused.value.data == {"limit_fen": 20_000}
    assert await scene.see(order) == order


@pytest.mark.parametrize(
    ("split", "error"),
    [
        ({"rent_back_fen": 1_001, "deposit_kept_fen": 0}, TooMuch),
        ({"rent_back_fen": 0, "deposit_kept_fen": 20_001}, TooMuch),
        ({"rent_back_fen": -1, "deposit_kept_fen": 0}, BadInput),
        ({"rent_back_fen": 0, "deposit_kept_fen": 0.5}, BadInput),
        ({"rent_back_fen": 2**60, "deposit_kept_fen": 2**60}, BadInput),
    ],
)  # fmt: skip
async def test_an_operator_divides_what_was_paid_and_no_more(
    scene: Scene, split: dict[str, Any], error: type[MarketError]
) -> None:
    order = await scene.order_in("disputed")
    with pytest.raises(error):
        await scene.perform("orders.decide", someone("operator"), order, decision="split", **split)
    assert await scene.see(order) == order


async def test_an_operator_does_not_decide_their_own_cause(scene: Scene) -> None:
    order = await scene.order_in("disputed")
    for party in (scene.buyer, scene.owner):
        with pytest.raises(IllegalTransition):
            await scene.perform(
                "orders.decide", replace(party, role="operator"), order, decision="refund"
            )


async def evidence_of(scene: Scene, order: OrderView, who: Actor) -> EvidenceView:
    return await views.evidence_of(scene.orders, call(who), GetEvidence(order_id=order.order_id))


async def test_what_each_shows_both_see_and_the_operator(scene: Scene) -> None:
    order = await scene.order_in("claimed")
    shown = await scene.perform(
        "orders.evidence", scene.buyer, order, text="本来就有划痕", objects=["chat/1/2/a"], version=order.version
    )  # fmt: skip
    assert (shown.state, shown.version, shown.evidence) == ("claimed", order.version + 1, 2)
    assert (shown.due_ms, shown.entered_ms) == (order.due_ms, order.entered_ms)
    await scene.perform("orders.contest", scene.buyer, order, reason="不是我弄坏的")
    await scene.perform("orders.evidence", scene.owner, order, objects=["chat/1/3/b"])
    operator = someone("operator")
    seen = [await evidence_of(scene, order, who) for who in (scene.buyer, scene.owner, operator)]
    assert seen[0] == seen[1] == seen[2]
    assert [(p.seq, p.party, p.text, p.objects) for p in seen[0].pieces] == [
        (1, "owner", "坏了", ()),
        (2, "buyer", "本来就有划痕", ("chat/1/2/a",)),
        (3, "buyer", "不是我弄坏的", ()),
        (4, "owner", "", ("chat/1/3/b",)),
    ]
    with pytest.raises(NotFound):
        await evidence_of(scene, order, someone())
    facts = await scene.facts(order.order_id)
    assert [fact.version for fact in facts] == [*range(1, len(facts) + 1)]
    added = [fact for fact in facts if fact.kind == "order.evidence_added"]
    assert len(added) == 2
    assert {push.topic for push in added[0].pushes} == {
        f"order:{order.order_id}:{role}" for role in ("buyer", "owner")
    }


async def test_evidence_has_its_limits(scene: Scene) -> None:
    order = await scene.order_in("disputed")
    for body in (
        {},
        {"text": "长" * 1001},
        {"objects": ["x"] * 10},
        {"objects": [""]},
        {"objects": ["x" * 201]},
    ):
        with pytest.raises(BadInput):
            await scene.perform("orders.evidence", scene.buyer, order, **body)
    for _ in range(MOST_PIECES):
        await scene.perform("orders.evidence", scene.buyer, order, text="x")
    with pytest.raises(TooMuch):
        await scene.perform("orders.evidence", scene.owner, order, text="x")
    assert (await scene.see(order)).evidence == MOST_PIECES


async def test_two_pieces_at_once_are_two(scene: Scene) -> None:
    order = await scene.order_in("disputed")
    await asyncio.gather(
        *(scene.perform("orders.evidence", who, order, text="x") for who in (scene.buyer, scene.owner) * 3)
    )  # fmt: skip
    pieces = (await evidence_of(scene, order, scene.owner)).pieces
    assert [piece.seq for piece in pieces] == [1, 2, 3, 4, 5, 6]


async def test_coming_back_late_is_paid_out_of_the_deposit(scene: Scene) -> None:
    order = await scene.order_in("in_use")
    command = ReturnOrder(order_id=order.order_id, code=await scene.code(order, scene.owner))
    late = call(scene.buyer, at_ms=order.end_ms + 2 * HOUR_MS + 1)
    back = await actions.give_back(scene.orders, late, command)
    assert (back.late_hour_fen, back.late_fen) == (1_000, 3_000)
    await scene.perform("orders.accept", scene.owner, order)
    owner = await scene.see(order, scene.owner)
    assert (owner.refund_fen, owner.payout_fen, owner.fee_fen) == (17_000, 3_900, 100)


@pytest.mark.parametrize("decision", ["release", "refund", "split"])
async def test_what_was_disputed_is_known_when_it_has_been_decided(
    scene: Scene, decision: str
) -> None:
    order = await scene.order_in("in_use")
    await scene.perform("orders.dispute", scene.buyer, order, reason="the drill does not turn")
    operator = someone("operator")
    decided = await scene.perform("orders.decide", operator, order, decision=decision)
    assert decided.reason == "the drill does not turn"
    assert (await scene.see(order, scene.owner)).reason == decided.reason
