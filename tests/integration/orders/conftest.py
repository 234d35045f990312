"""The orders' wing, and a listing that it has heard of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from infra import wire
from infra.mysql import outbox
from infra.mysql.database import Tx
from infra.process import Process, now_ms
from market.kernel.actor import Actor
from market.kernel.availability import ALWAYS
from market.kernel.facts import Heard, ListingChanged, PaymentClosed, PaymentReceived
from market.kernel.geo import Point
from market.kernel.ids import Id
from market.kernel.period import HOUR_MS, Period
from market.kernel.terms import TERMS, Terms
from market.kernel.topics import Push
from market.orders import actions, views
from market.orders.commands import CreateOrder, GetCalendar, GetOrder
from market.orders.handlers import HANDLERS
from market.orders.rules.order import OrderView
from market.orders.wing import Orders, open_wing
from tests.integration.conftest import call, new_id, someone

NOW_MS = now_ms()
START_MS = NOW_MS // HOUR_MS * HOUR_MS + 2 * HOUR_MS


BEFORE: dict[str, tuple[str, ...]] = {
    "requested": (),
    "declined": ("declined",),
    "pending_payment": (),
    "expiring": ("expiring",),
    "expired": ("expiring", "expired"),
    "ready": ("ready",),
    "cancelled": ("ready", "cancelled"),
    "in_use": ("ready", "in_use"),
    "returned": ("ready", "in_use", "returned"),
    "completed": ("ready", "in_use", "returned", "completed"),
    "claimed": ("ready", "in_use", "returned", "claimed"),
    "disputed": ("ready", "in_use", "disputed"),
    "refunded": ("ready", "in_use", "disputed", "refunded"),
}
"""State -> what an order goes through on its way there, once it has been made."""


@dataclass(slots=True)
class Scene:
    """An owner's listing and somebody who wants it. `data` is the listing as last heard of."""

    orders: Orders
    owner: Actor
    buyer: Actor
    data: ListingChanged

    @property
    def listing(self) -> Id:
        return self.data.listing_id

    async def hear(
        self, kind: str, entity: Id, version: int, data: Any, at_ms: int = NOW_MS
    ) -> None:
        fact = Heard(
            fact_id=new_id(),
            kind=kind,
            entity=entity,
            version=version,
            occurred_ms=at_ms,
            data=data,
        )

        async def body(tx: Tx) -> None:
            await HANDLERS[kind](self.orders, tx, fact)

        await self.orders.db.act(at_ms, body, type(None))

    async def listing_changes(self, *, terms: bool = True, **changes: Any) -> None:
        version = self.data.version + 1
        terms_version = self.data.terms_version + terms
        offered = {name: changes.pop(name) for name in TERMS if name in changes}
        self.data = replace(
            self.data, terms=replace(self.data.terms, **offered),
            **({"version": version, "terms_version": terms_version} | changes),
        )  # fmt: skip
        await self.hear_listing(self.data)

    async def hear_listing(self, data: ListingChanged) -> None:
        await self.hear(ListingChanged.KIND, data.listing_id, data.version, data)

    def wish(self, hour: int = 0, hours: int = 1, **changes: Any) -> CreateOrder:
        start_ms = START_MS + hour * HOUR_MS
        wish = CreateOrder(
            listing_id=self.listing, start_ms=start_ms, end_ms=start_ms + hours * HOUR_MS,
            terms_version=self.data.terms_version,
        )  # fmt: skip
        return replace(wish, **changes)

    async def create(
        self, hour: int = 0, who: Actor | None = None, key: str | None = None, **changes: Any
    ) -> OrderView:
        return await actions.create(
            self.orders, call(who or self.buyer, key, NOW_MS), self.wish(hour, **changes)
        )

    async def pay(
        self, order: OrderView, amount_fen: int | None = None, at_ms: int = NOW_MS
    ) -> None:
        data = PaymentReceived(
            order_id=order.order_id, payment_id=new_id(), paid_at_ms=at_ms,
            amount_fen=order.total_fen if amount_fen is None else amount_fen,
        )  # fmt: skip
        await self.hear(PaymentReceived.KIND, order.order_id, 1, data, at_ms)

    async def see(self, order: OrderView, who: Actor | None = None) -> OrderView:
        return await views.get(
            self.orders, call(who or self.buyer), GetOrder(order_id=order.order_id)
        )

    async def code(self, order: OrderView, who: Actor) -> str:
        code = (await self.see(order, who)).code
        assert code is not None
        return code

    async def closed(self, order: OrderView, at_ms: int = NOW_MS) -> None:
        """Payments says that nothing can be paid any more."""
        data = PaymentClosed(order_id=order.order_id, payment_id=Id(0), reason="expiring")
        await self.hear(PaymentClosed.KIND, order.order_id, 2, data, at_ms)

    async def order_in(self, state: str, hour: int = 0) -> OrderView:
        """A new order, brought to that state by those who may."""
        if state in ("requested", "declined"):
            await self.listing_changes(booking="request")
        order = await self.create(hour)
        before = BEFORE[state]
        if before and before[0] == "ready":
            await self.pay(order)
        for step in before:
            await self._step(order, step)
        seen = await self.see(order)
        assert seen.state == state
        return seen

    async def _step(self, order: OrderView, state: str) -> None:
        match state:
            case "expiring":
                assert await actions.fire_timer(self.orders, order.order_id, await self.due(order))
            case "declined":
                await self.perform("orders.decline", self.owner, order)
            case "expired":
                await self.closed(order)
            case "ready":
                pass
            case "in_use":
                code = await self.code(order, self.buyer)
                await self.perform("orders.start", self.owner, order, code=code)
            case "returned":
                code = await self.code(order, self.owner)
                await self.perform("orders.return", self.buyer, order, code=code)
            case "completed":
                await self.perform("orders.accept", self.owner, order)
            case "claimed":
                claim: dict[str, Any] = {"amount_fen": 4_000, "reason": "坏了"}
                await self.perform("orders.claim", self.owner, order, **claim)
            case "disputed":
                await self.perform("orders.dispute", self.buyer, order)
            case "cancelled":
                await self.perform("orders.cancel", self.buyer, order)
            case "refunded":
                await self.perform("orders.decide", someone("operator"), order, decision="refund")
            case _:
                raise AssertionError(state)

    async def perform(
        self, name: str, who: Actor, order: OrderView, key: str | None = None, **body: Any
    ) -> OrderView:
        """As a client would: a body of plain values."""
        answer = await actions.ACTIONS[name].perform(
            self.orders,
            who,
            NOW_MS,
            key or str(new_id()),
            {"order_id": str(int(order.order_id)), **body},
        )
        assert isinstance(answer, OrderView)
        return answer

    async def due(self, order: OrderView) -> int:
        due_ms = (await self.see(order)).due_ms
        assert due_ms is not None
        return due_ms

    async def facts(self, entity: Id) -> list[outbox.Published]:
        async with self.orders.db.read() as cursor:
            found = [
                item for item in await outbox.waiting(cursor, 100_000) if item.entity == entity
            ]
        for item in found:
            item.pushes = wire.from_msgpack(item.pushes_raw, tuple[Push, ...])
        return found

    async def calendar_version(self) -> int:
        return (
            await views.calendar(
                self.orders, call(self.buyer), GetCalendar(listing_id=self.listing)
            )
        ).version

    async def busy(self) -> list[Period]:
        view = await views.calendar(
            self.orders, call(self.buyer, at_ms=NOW_MS), GetCalendar(listing_id=self.listing)
        )
        return [Period(*pair) for pair in view.busy]


@pytest.fixture
async def orders(process: Process) -> Orders:
    return await open_wing(process)


@pytest.fixture
async def scene(orders: Orders) -> Scene:
    owner = someone()
    data = ListingChanged(
        listing_id=new_id(), version=1, terms_version=1, owner_id=owner.user_id, status="live", title="电钻",
        category="tools", address="幸福路 1 号", place=Point(31.230412, 121.473701),
        terms=Terms(plan=ALWAYS, price_hour_fen=1_000, price_day_fen=8_000, deposit_fen=20_000),
    )  # fmt: skip
    scene = Scene(orders, owner, someone(), data)
    await scene.hear_listing(data)
    return scene
