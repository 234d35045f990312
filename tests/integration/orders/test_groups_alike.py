"""A group's commands have the same outcomes and leave the same rows as when each is done by itself, in that order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from infra.mysql.groups import Groups
from market.kernel.errors import MarketError
from market.orders import actions
from market.orders.commands import CancelOrder, StartOrder
from market.orders.desk import Desk
from market.orders.rules.order import OrderView
from market.orders.wing import Orders
from tests.integration.conftest import call, new_id, someone
from tests.integration.orders.conftest import NOW_MS, START_MS, Scene
from tests.integration.orders.test_groups import NothingHeld

BEGUN = 3
"""Orders that are paid before the commands come: hours 0 to 2."""

Step = tuple[str, int, int]
"""What, upon which hour or order, and under which key (0: one of its own)."""
steps = st.lists(
    st.tuples(
        st.sampled_from(("create", "cancel", "start", "wrong")),
        st.integers(0, 5),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=16,
)


class Place:
    """A listing of its own with some orders, and those who ask for them."""

    def __init__(self, scene: Scene, orders: Orders) -> None:
        self.scene = replace(scene, orders=orders, owner=someone(), buyer=someone())
        self.other = someone()
        self.begun: list[OrderView] = []
        self.codes: list[str] = []

    async def prepare(self) -> Place:
        scene = self.scene
        data = replace(scene.data, listing_id=new_id(), owner_id=scene.owner.user_id)
        scene.data = data
        await scene.hear_listing(data)
        for hour in range(BEGUN):
            order = await scene.create(hour)
            await scene.pay(order)
            self.begun.append(order)
            self.codes.append(await scene.code(order, scene.buyer))
        return self

    async def ask(self, number: int, step: Step) -> Any:
        """What came of it, in words that do not depend on the listing."""
        what, which, key_number = step
        # A wrong code under a key that is taken is refused for the key, and counted or not: that may differ.
        key = f"k{key_number}" if key_number and what != "wrong" else f"own-{number}"
        scene, order = self.scene, self.begun[which % BEGUN]
        try:
            if what == "create":
                view = await scene.create(which, who=self.other, key=key)
            elif what == "cancel":
                command = CancelOrder(order_id=order.order_id)
                view = await actions.cancel(scene.orders, call(scene.buyer, key, NOW_MS), command)
            else:
                code = self.codes[which % BEGUN]
                if what == "wrong":
                    code = f"{(int(code) + 1) % 10**6:06}"
                start = StartOrder(order_id=order.order_id, code=code)
                view = await actions.start(scene.orders, call(scene.owner, key, NOW_MS), start)
        except MarketError as refusal:
            return refusal.code, refusal.data.get("state"), refusal.data.get("version")
        return view.state, view.version, (view.start_ms - START_MS)

    async def left(self) -> Any:
        """Rows, and the versions of all facts."""
        scene = self.scene
        async with scene.orders.db.read() as cursor:
            rows = await cursor.all(
                "SELECT state, version, wrong_codes, start_ms FROM orders WHERE listing_id = %s ORDER BY start_ms, version",
                scene.listing,
            )  # fmt: skip
        seen = [[fact.version for fact in await scene.facts(o.order_id)] for o in self.begun]
        return rows, seen, await scene.calendar_version(), await scene.busy()


def orders_by(scene: Scene, largest: int) -> Orders:
    db = scene.orders.db
    groups = Groups(db, Desk, OrderView, largest=largest, at_once=1, long_s=0.05)
    return replace(scene.orders, groups=groups, leases=NothingHeld())


async def outcomes(place: Place, asked: Sequence[Step]) -> list[Any]:
    return await asyncio.gather(*(place.ask(n, step) for n, step in enumerate(asked)))


@pytest.mark.timeout(120)
@settings(
    max_examples=20,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(asked=steps)
async def test_a_group_does_what_its_commands_do_one_by_one(
    scene: Scene, asked: list[Step]
) -> None:
    grouped = await Place(scene, orders_by(scene, 64)).prepare()
    single = await Place(scene, orders_by(scene, 1)).prepare()
    assert await outcomes(grouped, asked) == await outcomes(single, asked)
    assert await grouped.left() == await single.left()
