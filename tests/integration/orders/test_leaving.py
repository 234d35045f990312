"""Who has deleted their account orders nothing any more; what they ordered at that very moment is cancelled."""

from __future__ import annotations

import pytest

from market.kernel.actor import Actor
from market.kernel.errors import Forbidden
from market.kernel.facts import UserChanged
from tests.integration.orders.conftest import Scene


async def leaves(scene: Scene, who: Actor, *, forgotten: bool = True) -> None:
    data = UserChanged(
        user_id=who.user_id, version=2, nickname="", avatar_url="", role="user", openid="", forgotten=forgotten
    )  # fmt: skip
    await scene.hear(UserChanged.KIND, who.user_id, 2, data)


async def test_who_is_gone_orders_nothing(scene: Scene) -> None:
    await leaves(scene, scene.buyer, forgotten=False)
    await scene.create()
    await leaves(scene, scene.buyer)
    with pytest.raises(Forbidden):
        await scene.create(hour=2)


@pytest.mark.parametrize("role", ["buyer", "owner"])
@pytest.mark.parametrize("state", ["requested", "pending_payment"])
async def test_what_nobody_has_paid_for_is_cancelled_and_its_time_free(
    scene: Scene, role: str, state: str
) -> None:
    order = await scene.order_in(state)
    await leaves(scene, getattr(scene, role))
    assert (await scene.see(order)).state == "cancelled"
    assert await scene.busy() == []


@pytest.mark.parametrize("state", ["expiring", "ready", "in_use", "completed"])
async def test_what_has_been_paid_or_may_have_been_goes_its_way(scene: Scene, state: str) -> None:
    order = await scene.order_in(state)
    await leaves(scene, scene.buyer)
    assert await scene.see(order) == order
