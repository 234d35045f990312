"""The availability filter and the bookings it comes from: two wings, their databases, and the relay between them."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import pytest

from infra.config import Config
from infra.handlers import Handler
from infra.mysql.database import Database, Tx, open_database
from infra.process import Process, now_ms
from infra.redis import keys
from infra.redis.publish import PushScript
from market.kernel.actor import Actor
from market.kernel.availability import ALWAYS
from market.kernel.errors import MarketError
from market.kernel.facts import PaymentReceived
from market.kernel.ids import Id
from market.kernel.period import DAY_MS, HOUR_MS, Period
from market.kernel.terms import use_of
from market.listings import actions, taking_store
from market.listings.commands import Edit, Pause, Resume
from market.listings.handlers import HANDLERS as LISTINGS_HEAR
from market.listings.wing import Listings
from market.orders import actions as order_actions
from market.orders import store as order_store
from market.orders import views as order_views
from market.orders.commands import CreateOrder, GetOrder
from market.orders.handlers import HANDLERS as ORDERS_HEAR
from market.orders.retelling import retell
from market.orders.rules import booking
from market.orders.rules.order import OrderView
from market.orders.wing import Orders
from market.orders.wing import open_wing as open_orders
from tests.integration.conftest import call, new_id, someone
from tests.integration.listings.conftest import heard, look, publish
from workers.inboxes import Inbox
from workers.relay import Relay
from workers.republisher import Republisher

pytestmark = [
    pytest.mark.allow_blocking,
    pytest.mark.filterwarnings("ignore:Duplicate entry"),  # as open_database does
]

HOUR = now_ms() // HOUR_MS * HOUR_MS
DAYS = {"weekly": [[[480, 1320]]] * 7, "time_zone": "Asia/Shanghai"}
ALL_DAY = {"weekly": ALWAYS.weekly}
OFFERS: list[dict[str, Any]] = [
    {"plan": ALL_DAY},
    {"plan": ALL_DAY, "buffer_minutes": 60},
    {"plan": ALL_DAY, "capacity": 3, "booking": "request"},
    {"plan": DAYS, "capacity": 2, "buffer_minutes": 30, "horizon_days": 2, "longest_minutes": 600},
]
WINDOWS = [
    Period(HOUR + start * HOUR_MS, HOUR + (start + hours) * HOUR_MS)
    for start, hours in product([*range(1, 17), 25, 40, 49], (1, 3, 12))
]


@dataclass(slots=True)
class House:
    """Both wings, and what carries facts between them."""

    listings: Listings
    orders: Orders
    carry: Callable[[], Awaitable[None]]
    owner: Actor = field(default_factory=someone)
    buyer: Actor = field(default_factory=someone)
    offered: list[Id] = field(default_factory=list)
    placed: list[OrderView] = field(default_factory=list)

    async def see(self, order: OrderView, who: Actor) -> OrderView:
        return await order_views.get(self.orders, call(who), GetOrder(order_id=order.order_id))

    async def perform(self, name: str, who: Actor, **body: Any) -> Any:
        action = order_actions.ACTIONS[name]
        return await action.perform(self.orders, who, now_ms(), str(new_id()), body)

    async def order(self, chance: random.Random) -> None:
        listing_id = chance.choice(self.offered)
        window = chance.choice(WINDOWS[:48])
        async with self.orders.db.read() as cursor:
            known = await order_store.find_bookable(cursor, listing_id)
        assert known is not None
        command = CreateOrder(
            listing_id=listing_id, start_ms=window.start_ms, end_ms=window.end_ms,
            terms_version=known.terms_version, seats=chance.randint(1, 2),
        )  # fmt: skip
        self.placed.append(await order_actions.create(self.orders, call(self.buyer), command))

    async def go_on(self, chance: random.Random) -> None:
        """Whatever the order's parties may do next."""
        order = chance.choice(self.placed)
        for who in chance.sample([self.owner, self.buyer], 2):
            seen = await self.see(order, who)
            code = (await self.see(order, self.owner if who is self.buyer else self.buyer)).code
            possible = [a for a in seen.actions if a in ("approve", "decline", "cancel", "start", "return", "accept", "pay")]  # fmt: skip
            for what in chance.sample(possible, min(1, len(possible))):
                id_ = str(int(order.order_id))
                if what == "pay":
                    await self._pay(seen)
                elif what in ("start", "return"):
                    await self.perform(f"orders.{what}", who, order_id=id_, code=code)
                else:
                    await self.perform(f"orders.{what}", who, order_id=id_)
                return

    async def _pay(self, order: OrderView) -> None:
        data = PaymentReceived(
            order_id=order.order_id, payment_id=new_id(), paid_at_ms=now_ms(), amount_fen=order.total_fen
        )  # fmt: skip

        async def body(tx: Tx) -> None:
            fact = heard(PaymentReceived.KIND, order.order_id, 1, data)
            await ORDERS_HEAR[PaymentReceived.KIND](self.orders, tx, fact)

        await self.orders.db.act(now_ms(), body, type(None))

    async def change_offer(self, chance: random.Random) -> None:
        listing = await look(self.listings, chance.choice(self.offered))
        by = call(self.owner)
        listing_id, version = listing.listing_id, listing.version
        match chance.choice(["pause", "resume", "resume", "buffer", "capacity"]):
            case "pause":
                await actions.pause(
                    self.listings, by, Pause(listing_id=listing_id, version=version)
                )
            case "resume":
                command = Resume(listing_id=listing_id, version=version)
                await actions.resume(self.listings, by, command)
            case "buffer":
                edit = Edit(listing_id=listing_id, version=version, buffer_minutes=chance.choice([0, 30, 120]))  # fmt: skip
                await actions.edit(self.listings, by, edit)
            case _:
                edit = Edit(listing_id=listing_id, version=version, capacity=chance.randint(1, 3))
                await actions.edit(self.listings, by, edit)

    async def bookable(self, window: Period, seats: int, at_ms: int) -> set[Id]:
        """Whatever the booking rule would let somebody order."""
        async with self.orders.db.read() as cursor:
            known = await order_store.read_bookables(cursor, self.offered)
            busy = await order_store.busy(cursor, self.offered, at_ms)
        found = set()
        for one in known:
            with contextlib.suppress(MarketError):
                booking.check_period(one, new_id(), window, at_ms)
                wanted = use_of(one.terms, window, seats)
                booking.check_free(one.terms, wanted, busy[one.listing_id])
                found.add(one.listing_id)
        return found

    async def compare(self) -> int:
        at_ms = now_ms()
        shown = 0
        async with self.listings.db.read() as cursor:
            for window, seats in product(WINDOWS, (1, 2)):
                free = await taking_store.still_free(cursor, self.offered, window, seats, at_ms)
                assert free == await self.bookable(window, seats, at_ms), (window, seats)
                shown += len(free)
        return shown


@pytest.fixture
async def house(
    listings: Listings, process: Process, script: PushScript, environment: Mapping[str, str]
) -> AsyncIterator[House]:
    orders = replace(await open_orders(process), most_unpaid=0)
    config = Config.from_environment(environment)
    hears: dict[str, Mapping[str, Handler[Any]]] = {
        "orders": ORDERS_HEAR,
        "listings": LISTINGS_HEAR,
    }
    wings: dict[str, Any] = {"orders": orders, "listings": listings}
    for wing in wings.values():  # others' tests left facts there
        async with wing.db.read() as cursor:
            await cursor.execute("DELETE FROM outbox")
            await cursor.execute("DELETE FROM inbox")
    async with contextlib.AsyncExitStack() as stack:
        relayed: dict[str, Database] = {}
        for name in wings:
            opened = open_database(name, config.relay_dsn(name), process.ids, size=4)
            relayed[name] = await stack.enter_async_context(opened)
        relays = [
            Relay(
                name, relayed[name], relayed, {n: config.dsn(n).schema for n in wings},
                {n: frozenset(handlers) for n, handlers in hears.items()},
                Republisher(process.redis, script, process.publisher),
                lambda wing: process.publisher.wake(keys.wake("inbox", wing)),
            )
            for name in wings
        ]  # fmt: skip
        inboxes = [Inbox(name, wings[name], hears[name], wings[name].db) for name in wings]
        jobs: list[Relay | Inbox] = [*relays, *inboxes]
        for job in jobs:
            stack.push_async_callback(job.close)

        async def carry() -> None:
            while sum([await job.run_once(now_ms()) for job in jobs]):
                pass

        yield House(listings, orders, carry)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", range(2))
async def test_once_facts_are_carried_the_filter_shows_what_can_be_booked(
    house: House, seed: int
) -> None:
    chance = random.Random(seed)
    for offer in OFFERS:
        listing = await publish(house.listings, house.owner, **offer)
        house.offered.append(listing.listing_id)
    await house.carry()
    shown = [await house.compare()]
    for _ in range(6):
        for _ in range(15):
            step = chance.choice([house.order, house.order, house.go_on, house.go_on, house.change_offer])  # fmt: skip
            with contextlib.suppress(MarketError, IndexError):  # refused, or nothing to go on with
                await step(chance)
        await house.carry()
        shown.append(await house.compare())
    assert len(house.placed) > 5
    assert 0 < min(shown) < max(shown)


@pytest.mark.timeout(60)
async def test_orders_from_before_the_filter_are_told_of_once_more(house: House) -> None:
    """As if the filter had come when people were ordering already; told of in parts, some of it twice, while they go on."""
    chance = random.Random(7)
    for offer in OFFERS:
        listing = await publish(house.listings, house.owner, **offer)
        house.offered.append(listing.listing_id)
    await house.carry()

    async def a_while() -> None:
        for _ in range(25):
            step = chance.choice([house.order, house.order, house.go_on])
            with contextlib.suppress(MarketError, IndexError):
                await step(chance)
        await house.carry()

    await a_while()
    expected = await house.compare()
    async with house.listings.db.read() as cursor:
        for order in house.placed:
            await cursor.execute("DELETE FROM takings WHERE order_id = %s", order.order_id)
    with pytest.raises(AssertionError):
        await house.compare()
    counted = [(await look(house.listings, id_)).orders_created for id_ in house.offered]
    while await retell(house.orders.db, now_ms()) is not None:  # others' tests' too
        pass
    await house.carry()
    assert await house.compare() == expected
    assert counted == [(await look(house.listings, id_)).orders_created for id_ in house.offered]
    told = 0
    while (more := await retell(house.orders.db, now_ms(), 7)) is not None:
        told += more
        if told == more:
            await a_while()
    assert told > 0
    await house.carry()
    await house.compare()


async def test_one_of_two_seats_is_left_beside_two_uses(house: House) -> None:
    """All seats are taken at some time of the day, and not at the same."""
    listing = await publish(house.listings, house.owner, plan=ALL_DAY, capacity=2)
    house.offered.append(listing.listing_id)
    await house.carry()
    day = HOUR + DAY_MS
    for hour in (1, 2):
        command = CreateOrder(
            listing_id=listing.listing_id, start_ms=day + hour * HOUR_MS,
            end_ms=day + (hour + 1) * HOUR_MS, terms_version=listing.terms_version,
        )  # fmt: skip
        await order_actions.create(house.orders, call(house.buyer), command)
    await house.carry()
    async with house.listings.db.read() as cursor:
        for seats, expected in ((1, {listing.listing_id}), (2, set())):
            window = Period(day, day + 5 * HOUR_MS)
            found = await taking_store.still_free(cursor, house.offered, window, seats, now_ms())
            assert found == expected
