"""Claims and decisions in the whole product: what an operator or the two parties agree on is what each of them gets.

An hour at 1 yuan with a deposit of 5: 600 fen are paid, of which 10 are the platform's.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.hostile.scene import World


async def money_of(world: World, order_id: str) -> tuple[int, int]:
    """(what has come back to the buyer, what the owner got) once the order's money is divided."""
    path = f"/v1/payments/orders/{order_id}"
    due = await world.known(
        world.owner, path, lambda view: view["due"]["status"] not in ("expected", "escrowed")
    )
    refunds = (await world.known(world.buyer, path))["paid"]["refunds"]
    return sum(refund["amount_fen"] for refund in refunds), due["due"]["due_fen"]


@pytest.mark.parametrize(
    ("state", "who", "step", "body", "buyer_fen", "owner_fen"),
    [
        ("claimed", "buyer", "concede", {}, 400, 190),
        ("returned", "owner", "accept", {}, 500, 90),
        ("disputed", "operator", "decide", {"decision": "release"}, 500, 90),
        ("disputed", "operator", "decide", {"decision": "refund"}, 600, 0),
        ("disputed", "operator", "decide", {"decision": "split", "rent_back_fen": 40, "deposit_kept_fen": 300}, 240, 354),
        ("ready", "owner", "cancel", {}, 600, 0),
    ],
)  # fmt: skip
async def test_each_gets_what_was_decided(
    world: World, state: str, who: str, step: str, body: dict[str, Any], buyer_fen: int, owner_fen: int
) -> None:  # fmt: skip
    order = await world.order(state, free=False)
    order_id = order["order_id"]
    ended = await world.do(getattr(world, who), "POST", f"/v1/orders/{order_id}/{step}", body)
    assert ended["refund_fen"] == buyer_fen
    assert await money_of(world, order_id) == (buyer_fen, owner_fen)
    owners = await world.known(world.owner, f"/v1/orders/{order_id}")
    assert (owners["payout_fen"], owners["refund_fen"]) == (owner_fen, buyer_fen)
    assert owners["payout_fen"] + owners["refund_fen"] + owners["fee_fen"] == 600
