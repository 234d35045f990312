"""Which views a replica may answer, and that nobody is shown less than they have seen."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from devkit.replica import ReplicatedServers
from infra.action import AnyOperation
from infra.mysql.database import Tx
from infra.process import Process, now_ms
from market.insights import views as insights_views
from market.insights.wing import open_wing as open_insights
from market.kernel.actor import Actor
from market.kernel.errors import Unavailable
from market.kernel.facts import CreditChanged, Heard
from market.kernel.ids import Id
from market.listings import actions as listing_actions
from market.listings import views as listing_views
from market.listings.rules.shown import ListingView
from market.listings.wing import Listings
from market.notices import views as notice_views
from market.notices.handlers import HANDLERS
from market.notices.wing import Notices
from market.notices.wing import open_wing as open_notices
from market.orders import views as order_views
from market.orders.rules.order import OrderView
from market.payments import views as payment_views
from market.payments.wing import open_wing as open_payments
from market.ratings import views as rating_views
from market.ratings.wing import open_wing as open_ratings
from market.users import views as user_views
from market.users.wing import open_wing as open_users
from tests.integration.conftest import new_id, someone
from tests.integration.listings.conftest import publish
from tests.integration.orders.conftest import Scene
from tests.integration.payments.conftest import a_deal
from tests.integration.replica.conftest import Replicas

Asked = Sequence[tuple[AnyOperation, object, Actor, dict[str, Any]]]
HERE: dict[str, Any] = {"lat": 31.2304, "lng": 121.4737, "radius_m": 50_000}


async def ask(operation: AnyOperation, wing: object, who: Actor, **query: object) -> Any:
    """As the api asks: everything is text."""
    texts = {name: str(value) for name, value in query.items()}
    return await operation.perform(wing, who, now_ms(), None, texts, strings=True)


@pytest.fixture
async def order(scene: Scene, replicas: Replicas, servers: ReplicatedServers) -> OrderView:
    """Its first version is on the replica, its second is not."""
    await replicas.of(scene.orders.db)
    order = await scene.create()
    await asyncio.to_thread(servers.replica.catch_up)
    await asyncio.to_thread(servers.replica.hold_back)
    await scene.perform("orders.cancel", scene.buyer, order)
    return order


@pytest.mark.parametrize(("seen", "version"), [({}, 2), ({"seen": 1}, 1), ({"seen": 2}, 2)])
async def test_an_order_is_no_older_than_its_party_has_seen(
    scene: Scene, order: OrderView, seen: dict[str, int], version: int
) -> None:
    for who in (scene.buyer, scene.owner):
        got = await ask(order_views.get, scene.orders, who, order_id=order.order_id, **seen)
        assert got.version == version


async def test_an_order_that_has_not_come_through_is_found(scene: Scene, order: OrderView) -> None:
    new = await scene.create(hour=5)
    got = await ask(order_views.get, scene.orders, scene.buyer, order_id=new.order_id, seen=1)
    assert got.order_id == new.order_id


async def test_a_list_shows_what_its_reader_has_seen(scene: Scene, order: OrderView) -> None:
    new = await scene.create(hour=5)

    async def listed(**query: object) -> list[tuple[Id, int]]:
        page = await ask(order_views.mine, scene.orders, scene.buyer, **query)
        return [(found.order_id, found.version) for found in page.orders]

    newest = [(new.order_id, 1), (order.order_id, 2)]
    assert await listed() == newest
    assert await listed(seen="") == [(order.order_id, 1)]
    assert await listed(seen=f"{order.order_id}.1") == [(order.order_id, 1)]
    assert await listed(seen=f"{order.order_id}.2") == newest
    assert await listed(seen=f"{new.order_id}.1") == newest
    assert await listed(seen=f"{new.order_id}.1", before=new.order_id) == [(order.order_id, 1)]


async def test_a_listing_is_new_to_its_owner_and_to_who_has_seen_it(
    listings: Listings, replicas: Replicas, servers: ReplicatedServers
) -> None:
    await replicas.of(listings.db)
    owner, other = someone(), someone()
    listing = await publish(listings, owner)
    await asyncio.to_thread(servers.replica.catch_up)
    await asyncio.to_thread(servers.replica.hold_back)
    before, price = listing.price_hour_fen, 900
    body = {
        "listing_id": str(listing.listing_id), "version": listing.version, "price_hour_fen": price,
    }  # fmt: skip
    await listing_actions.edit.perform(listings, owner, now_ms(), str(new_id()), body)

    async def asked(who: Actor, **seen: int) -> int | None:
        found = await ask(listing_views.get, listings, who, listing_id=listing.listing_id, **seen)
        return cast(ListingView, found).price_hour_fen

    assert before != price
    assert await asked(other) == await asked(other, seen=listing.version) == before
    assert await asked(other, seen=listing.version + 1) == price
    assert await asked(owner) == price
    unheard = await publish(listings, owner)
    found = await ask(listing_views.get, listings, other, listing_id=unheard.listing_id)
    assert found.listing_id == unheard.listing_id


async def test_a_search_may_miss_what_has_just_been_published(
    listings: Listings, replicas: Replicas, servers: ReplicatedServers
) -> None:
    await replicas.of(listings.db)
    word = f"词{new_id()}"

    async def found() -> int:
        return len((await ask(listing_views.search, listings, someone(), **HERE, text=word)).hits)

    await asyncio.to_thread(servers.replica.hold_back)
    await publish(listings, someone(), title=word)
    assert await found() == 0
    await asyncio.to_thread(servers.replica.catch_up)
    assert await found() == 1


async def tell(notices: Notices, user: Actor) -> None:
    data = CreditChanged(user_id=user.user_id, version=1, credit_centistars=450, ratings=1)
    fact = Heard(
        fact_id=new_id(), kind="credit.changed", entity=new_id(), version=1, occurred_ms=now_ms(), data=data
    )  # fmt: skip

    async def body(tx: Tx) -> None:
        await HANDLERS[fact.kind](notices, tx, fact)

    await notices.db.act(now_ms(), body, type(None))


async def test_an_inbox_has_what_its_reader_has_seen(
    process: Process, replicas: Replicas, servers: ReplicatedServers
) -> None:
    notices, user = await open_notices(process), someone()
    await replicas.of(notices.db)
    await asyncio.to_thread(servers.replica.hold_back)
    await tell(notices, user)
    for seen, last in (({}, 1), ({"seen": 0}, 0), ({"seen": 1}, 1)):
        inbox = await ask(notice_views.inbox, notices, user, **seen)
        assert (inbox.last_seq, len(inbox.entries)) == (last, last)


async def test_what_may_be_stale_goes_on_without_the_primary(
    process: Process,
    listings: Listings,
    scene: Scene,
    replicas: Replicas,
    servers: ReplicatedServers,
) -> None:
    users, ratings = await open_users(process), await open_ratings(process)
    notices, insights = await open_notices(process), await open_insights(process)
    payments = await open_payments(process)
    for opened in (listings, scene.orders, users, payments, ratings, notices, insights):
        await replicas.of(opened.db)
    deal = await a_deal(payments, None)
    money = {"order_id": deal.order_id}
    order, listing = await scene.create(), await publish(listings, someone())
    await asyncio.to_thread(servers.replica.catch_up)
    await asyncio.to_thread(servers.mariadb.kill)
    buyer, somebody, operator = scene.buyer, someone(), someone("operator")
    span = {"from_ms": now_ms() - 3_600_000, "to_ms": now_ms()}
    may_be_stale: Asked = (
        (listing_views.search, listings, somebody, HERE),
        (listing_views.get, listings, somebody, {"listing_id": listing.listing_id}),
        (order_views.get, scene.orders, buyer, {"order_id": order.order_id, "seen": 1}),
        (order_views.mine, scene.orders, buyer, {"seen": ""}),
        (payment_views.statement, payments, deal.buyer, {**money, "seen": 0}),
        (rating_views.of_user, ratings, somebody, {"user_id": buyer.user_id}),
        (rating_views.credit, ratings, somebody, {"user_id": buyer.user_id}),
        (notice_views.inbox, notices, somebody, {"seen": 0}),
        (insights_views.facts_per_hour, insights, operator, span),
    )
    for operation, wing, who, query in may_be_stale:
        assert await ask(operation, wing, who, **query) is not None, operation.name
    for ready in (listings, scene.orders, payments):
        await ready.db.ping()
    may_not: Asked = (
        (listing_views.mine, listings, somebody, {}),
        (order_views.get, scene.orders, buyer, {"order_id": order.order_id}),
        (order_views.get, scene.orders, buyer, {"order_id": order.order_id, "seen": 2}),
        (order_views.mine, scene.orders, buyer, {}),
        (order_views.calendar, scene.orders, buyer, {"listing_id": scene.listing}),
        (payment_views.statement, payments, deal.buyer, money),
        (payment_views.statement, payments, deal.buyer, {**money, "seen": 1}),
        (payment_views.of_order, payments, deal.buyer, money),
        (user_views.me, users, buyer, {}),
        (user_views.profile, users, somebody, {"user_id": new_id()}),
        (notice_views.inbox, notices, somebody, {}),
    )
    for operation, wing, who, query in may_not:
        with pytest.raises(Unavailable):
            await ask(operation, wing, who, **query)
