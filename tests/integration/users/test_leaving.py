"""Nobody leaves behind an order under way, or money on its way, as buyer or as owner."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from infra.mysql.database import Tx
from market.kernel.actor import Actor
from market.kernel.errors import OpenOrders, VersionConflict
from market.kernel.facts import (
    ORDER_ENDS,
    ORDER_STATES,
    RETOLD,
    FactData,
    Heard,
    OrderMoved,
    PaymentReceived,
    PaymentRefunded,
    PaymentReleased,
)
from market.kernel.ids import Id
from market.users import actions
from market.users.commands import Forget
from market.users.handlers import HANDLERS
from market.users.wing import Users
from tests.integration.conftest import call, new_id
from tests.integration.users.test_users import NOW_MS, actor, login

RENT_FEN, DEPOSIT_FEN = 2_000, 10_000
PAID_FEN = RENT_FEN + DEPOSIT_FEN


@dataclass(slots=True)
class Deal:
    """An order of which one party is somebody who wants to leave."""

    users: Users
    me: Actor
    seat: str
    order_id: Id
    version: int = 0

    async def goes(self, *states: str) -> None:
        for state in states:
            self.version += 1
            await self.hear(f"order.{state}", self.moved(state))

    def moved(self, state: str) -> OrderMoved:
        parties = {"buyer": new_id(), "owner": new_id()} | {self.seat: self.me.user_id}
        return OrderMoved(
            order_id=self.order_id, version=self.version, transition=state, state=state, by="time",
            listing_id=Id(9), buyer_id=parties["buyer"], owner_id=parties["owner"], title="电钻", start_ms=0, end_ms=1,
            rent_fen=RENT_FEN, deposit_fen=DEPOSIT_FEN, fee_fen=0, total_fen=PAID_FEN, refund_fen=0,
            refund_deposit_fen=0, owner_fen=0, pay_by_ms=0, tells=(),
        )  # fmt: skip

    async def received(self, fen: int = PAID_FEN, extension: int = 0) -> None:
        data = PaymentReceived(
            order_id=self.order_id, payment_id=Id(1), amount_fen=fen, paid_at_ms=0, extension=extension
        )  # fmt: skip
        await self.hear(data.KIND, data)

    async def refunded(self, fen: int) -> None:
        data = PaymentRefunded(
            order_id=self.order_id, payment_id=Id(1), refund_id=Id(2), buyer_id=Id(3), amount_fen=fen, reason="completed"
        )  # fmt: skip
        await self.hear(data.KIND, data)

    async def released(self, fen: int) -> None:
        data = PaymentReleased(order_id=self.order_id, payment_id=Id(1), amount_fen=fen)
        await self.hear(data.KIND, data)

    async def hear(self, kind: str, data: FactData) -> None:
        """As the inbox does, which passes over kinds that nobody handles."""
        if kind not in HANDLERS:
            return
        fact = Heard(
            fact_id=new_id(), kind=kind, entity=self.order_id, version=self.version, occurred_ms=NOW_MS, data=data
        )  # fmt: skip

        async def body(tx: Tx) -> None:
            await HANDLERS[kind](self.users, tx, fact)

        await self.users.db.act(NOW_MS, body, type(None))

    async def may_leave(self) -> bool:
        """Asked in earnest: once it is true there is nobody any more."""
        try:
            await actions.forget(self.users, call(self.me), Forget(version=1))
        except OpenOrders:
            return False
        return True


@pytest.fixture(params=["buyer", "owner"])
async def deal(users: Users, request: pytest.FixtureRequest) -> Deal:
    return Deal(users, actor(users, await login(users)), request.param, new_id())


async def test_who_is_party_to_nothing_may_leave(deal: Deal) -> None:
    assert await deal.may_leave()


@pytest.mark.parametrize("state", sorted({*ORDER_STATES} - ORDER_ENDS))
async def test_nobody_leaves_an_order_that_goes_on(deal: Deal, state: str) -> None:
    await deal.goes("pending_payment", state)
    with pytest.raises(VersionConflict):  # what is wrong with the request itself is said first
        await actions.forget(deal.users, call(deal.me), Forget(version=9))
    assert not await deal.may_leave()


@pytest.mark.parametrize("end", sorted(ORDER_ENDS))
async def test_an_order_that_ended_unpaid_holds_nobody(deal: Deal, end: str) -> None:
    await deal.goes("requested", end)
    assert await deal.may_leave()


async def test_nobody_leaves_before_all_that_was_paid_has_arrived(deal: Deal) -> None:
    await deal.goes("pending_payment")
    await deal.received()
    await deal.goes("ready", "in_use", "returned")
    await deal.received(500, extension=1)
    await deal.goes("completed")
    assert not await deal.may_leave()
    await deal.refunded(DEPOSIT_FEN)
    assert not await deal.may_leave()
    await deal.released(RENT_FEN)
    assert not await deal.may_leave()
    await deal.released(500)
    assert await deal.may_leave()


async def test_money_that_comes_after_the_end_holds_until_it_is_back(deal: Deal) -> None:
    await deal.goes("pending_payment", "expiring", "expired")
    await deal.received()
    assert not await deal.may_leave()
    await deal.refunded(PAID_FEN)
    assert await deal.may_leave()


async def test_an_order_heard_of_after_its_money_is_the_same(deal: Deal) -> None:
    await deal.received()
    await deal.goes("pending_payment", "ready", "cancelled")
    assert not await deal.may_leave()
    await deal.refunded(PAID_FEN)
    assert await deal.may_leave()


async def test_an_older_fact_brings_nothing_back(deal: Deal) -> None:
    await deal.goes("pending_payment", "cancelled")
    deal.version = 0
    await deal.goes("pending_payment")
    assert await deal.may_leave()


async def test_an_order_from_before_holds_once_it_is_told_of(deal: Deal) -> None:
    deal.version = 5
    await deal.hear(RETOLD, deal.moved("in_use"))
    assert not await deal.may_leave()
    await deal.hear(RETOLD, deal.moved("in_use"))
    await deal.goes("completed")
    deal.version = 5
    await deal.hear(RETOLD, deal.moved("in_use"))
    assert await deal.may_leave()


async def test_one_of_many_is_enough(deal: Deal) -> None:
    await deal.goes("pending_payment", "expired")
    other = Deal(deal.users, deal.me, deal.seat, new_id())
    await other.goes("requested")
    assert not await deal.may_leave()
    await other.goes("declined")
    assert await deal.may_leave()
