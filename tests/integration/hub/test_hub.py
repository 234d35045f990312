"""The hub from outside: one socket, real MySQL and Redis, and a client that trusts nothing."""

from __future__ import annotations

import asyncio
import socket as sockets
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from devkit.servers import Redis
from infra.process import Process, now_ms
from market.chat.wing import open_wing as open_chat
from market.kernel.actor import ANONYMOUS, Actor, Call
from market.kernel.period import HOUR_MS
from market.orders.wing import open_wing as open_orders
from market.users import actions as users_actions
from market.users.commands import Login, Logout
from market.users.wing import Users
from tests.integration.chat.talks import Talk, hear, order_of
from tests.integration.conftest import call, new_id, someone
from tests.integration.hub.conftest import Client, Frame, Hub, until_ready
from tests.integration.orders.conftest import START_MS, Scene

pytestmark = (
    pytest.mark.allow_blocking
)  # wings are opened here which a process would open at its start


def by_topic(frame: Frame) -> dict[str, Frame]:
    return {topic["topic"]: topic for topic in frame["topics"]}


def refusals(frame: Frame) -> dict[str, str]:
    return {refusal["topic"]: refusal["code"] for refusal in frame["refused"]}


async def logged_in(users: Users, code: str) -> Actor:
    tokens = await users_actions.login(
        users, Call(actor=ANONYMOUS, now_ms=now_ms()), Login(code=code)
    )
    return users.tokens.verify(tokens.access_token, now_ms()).actor


async def talk_of(process: Process) -> Talk:
    chat = await open_chat(process)
    id_, buyer, owner = new_id(), someone(), someone()
    await hear(chat, "order.pending_payment", id_, 1, order_of(id_, buyer, owner))
    return Talk(chat, id_, buyer, owner)


# --- connecting ---------------------------------------------------------------------------------------------------------


async def test_connecting_says_who_one_is_and_what_one_asked_for(hub: Hub, scene: Scene) -> None:
    order = await scene.create()
    mine, theirs, nobodys = (
        f"order:{order.order_id}:buyer",
        f"order:{order.order_id}:owner",
        f"order:{new_id()}:buyer",
    )
    client = await hub.open()
    topics = [
        [mine, None],
        [theirs, None],
        [nobodys, None],
        ["moon:1", None],
        [f"calendar:{scene.listing}", 2],
    ]
    await client.send({"op": "connect", "token": hub.token(scene.buyer), "topics": topics})
    frame = await client.until(lambda f: f["op"] == "connected")
    assert frame["user"] == str(int(scene.buyer.user_id))
    assert frame["limits"]["max_topics"] == 8
    states = by_topic(frame)
    assert states[mine]["state"]["order_id"] == str(int(order.order_id))
    assert "state" not in states[f"calendar:{scene.listing}"]  # version 2 is what it has
    refused = refusals(frame)
    assert refused[theirs] == refused[nobodys] == "not_found"
    assert refused["moon:1"] == "unknown_topic"
    assert theirs not in states


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ([{"op": "ping"}], 4502),
        ([{"op": "connect", "token": "x"}], 4502),
        ([], 4500), ({"op": "ping"}, 4500), ([{"op": "moon"}], 4500), ([{"op": "ping"}] * 17, 4500),
    ],
)  # fmt: skip
async def test_who_begins_otherwise_is_told_so_and_sent_away(
    hub: Hub, first: Any, code: int
) -> None:
    client = await hub.open()
    await client.ws.send_json(first)
    assert await client.closed() == code
    assert client.frames[-1]["op"] == "error"


async def test_who_says_nothing_is_sent_away(hub: Hub) -> None:
    assert await (await hub.open()).closed() == 4502


async def test_an_expired_token_is_to_be_refreshed(hub: Hub) -> None:
    client = await hub.open()
    await client.send({"op": "connect", "token": hub.token(someone(), now_ms() - 10**9)})
    assert await client.closed() == 4100


# --- pushes -------------------------------------------------------------------------------------------------------------


async def test_each_party_gets_its_own_view_of_every_change(hub: Hub, scene: Scene) -> None:
    order = await scene.create()
    mine, theirs = f"order:{order.order_id}:buyer", f"order:{order.order_id}:owner"
    buyer, owner = (
        await hub.connect(scene.buyer, (mine, None)),
        await hub.connect(scene.owner, (theirs, None)),
    )
    watcher = await hub.connect(someone(), (f"calendar:{scene.listing}", None))
    await scene.pay(order)
    to_buyer, to_owner = await buyer.push(mine), await owner.push(theirs)
    assert (to_buyer["version"], to_buyer["payload"]["state"]) == (2, "ready")
    assert to_buyer["payload"]["code"]
    assert "code" not in to_owner["payload"] or to_owner["payload"]["code"] is None
    assert to_buyer["committed_us"] > 0
    await scene.perform("orders.cancel", scene.buyer, order)
    assert (await watcher.push(f"calendar:{scene.listing}"))["payload"]["busy"] == []
    assert not any(f.get("topic", "").startswith("order:") for f in watcher.frames)
    assert (await buyer.push(mine))["version"] == 3


async def test_subscribing_resuming_and_leaving(hub: Hub, scene: Scene) -> None:
    order = await scene.create()
    mine, calendar = f"order:{order.order_id}:buyer", f"calendar:{scene.listing}"
    client = await hub.connect(scene.buyer)
    first = await client.ask("subscribe", topics=[[mine, None]])
    assert by_topic(first)[mine]["version"] == 1
    assert "state" not in by_topic(await client.ask("subscribe", topics=[[mine, 1]]))[mine]
    await client.ask("unsubscribe", topics=[mine])
    await scene.pay(order)
    await scene.perform("orders.cancel", scene.buyer, order)
    resumed = by_topic(await client.ask("subscribe", topics=[[mine, 1], [calendar, None]]))
    assert (resumed[mine]["version"], resumed[mine]["state"]["state"]) == (3, "cancelled")
    assert not any(f["op"] == "push" for f in client.frames)
    too_many = await client.ask("subscribe", topics=[[f"hold:{n}", None] for n in range(1, 10)])
    assert list(refusals(too_many).values()).count("too_many_topics") >= 1


async def test_nothing_is_missed_while_joining(hub: Hub, scene: Scene) -> None:
    """Orders are made while clients join: each ends with the newest version, by answer or by push."""
    calendar = f"calendar:{scene.listing}"

    async def change() -> None:
        for hour in range(10):
            await scene.create(hour, who=someone())

    async def join() -> int:
        client = await hub.open()
        await client.send(
            {"op": "connect", "token": hub.token(someone()), "topics": [[calendar, None]]}
        )
        seen = 0
        while seen < 11:
            await client.until(lambda f: f["op"] in ("connected", "push"))
            for frame in client.frames:
                versions = [t["version"] for t in frame.get("topics", ())] + [
                    frame.get("version", 0)
                ]
                seen = max(seen, *versions)
        return seen

    _, *seen = await asyncio.gather(change(), *(join() for _ in range(12)))
    assert seen == [11] * 12


# --- commands -----------------------------------------------------------------------------------------------------------


async def test_commands_over_the_socket(hub: Hub, scene: Scene) -> None:
    client = await hub.connect(scene.buyer)
    body = {
        "listing_id": str(int(scene.listing)),
        "start_ms": START_MS,
        "end_ms": START_MS + HOUR_MS,
        "terms_version": 1,
    }
    first = await client.ask("command", name="orders.create", key="k", body=body)
    again = await client.ask("command", name="orders.create", key="k", body=body)
    assert first["ok"]
    assert again["body"] == first["body"]
    for name, key, changed, code in (
        ("orders.create", "k", {**body, "end_ms": START_MS + 2 * HOUR_MS}, "key_reused"),
        ("orders.create", "k2", body, "slot_taken"),
        ("orders.create", None, body, "key_required"),
        ("orders.create", "k3", {**body, "start_ms": "soon"}, "invalid"),
        ("orders.steal", "k4", {}, "unknown_command"),
        ("users.login", "k5", {"code": "x"}, "unknown_command"),
    ):
        reply = await client.ask("command", name=name, key=key, body=changed)
        assert (reply["ok"], reply["error"]["code"]) == (False, code)


async def test_many_commands_in_one_message_are_each_answered(hub: Hub, scene: Scene) -> None:
    client = await hub.connect(scene.buyer)
    await client.send(
        *({"op": "command", "id": 100 + n, "name": "orders.nothing"} for n in range(16))
    )
    await client.until(lambda f: sum(x["op"] == "reply" for x in client.frames) == 16)
    assert {f["id"] for f in client.frames if f["op"] == "reply"} == set(range(100, 116))


# --- sessions -----------------------------------------------------------------------------------------------------------


async def test_logging_out_closes_the_socket_and_it_does_not_come_back(
    hub: Hub, users: Users
) -> None:
    me = await logged_in(users, f"hub-{new_id()}")
    other = replace(me, session_id=(await logged_in(users, f"hub-{new_id()}")).session_id)
    client, bystander = await hub.connect(me), await hub.connect(someone())
    await users_actions.logout(users, call(me), Logout())
    assert await client.closed() == 4503
    for have in (
        None,
        1,
        2,
        99,
    ):  # the token is good for minutes still, whatever version one claims to have
        again = await hub.open()
        await again.send(
            {
                "op": "connect",
                "token": hub.token(me),
                "topics": [[f"session:{me.session_id}", have]],
            }
        )
        assert await again.closed() == 4503
    assert (await bystander.ask("subscribe", topics=[]))["op"] == "subscribed"
    assert other.session_id != me.session_id


# --- the pulse ----------------------------------------------------------------------------------------------------------


async def test_the_quiet_are_asked_and_the_silent_are_closed(hub: Hub) -> None:
    alive, silent = await hub.connect(someone()), await hub.connect(someone())
    silent.pongs = False

    async def answer() -> None:
        for _ in range(3):
            await alive.until(lambda f: f["op"] == "ping")

    code, _ = await asyncio.gather(silent.closed(), answer())
    assert code == 4001
    assert silent.frames[-1] == {"op": "ping"}
    assert (await alive.ask("subscribe", topics=[]))["op"] == "subscribed"


# --- slow clients -------------------------------------------------------------------------------------------------------


def transport_of(client: Client) -> Any:
    connection = client.ws._response.connection
    assert connection is not None
    return connection.transport


@pytest.mark.slow
async def test_a_slow_client_hurts_nobody_and_resumes_with_nothing_lost(
    hub: Hub, process: Process
) -> None:
    talk = await talk_of(process)
    topic = f"chat:{talk.id}"
    slow, quick = (
        await hub.connect(talk.buyer, (topic, None)),
        await hub.connect(talk.owner, (topic, None)),
    )
    start = by_topic(quick.frames[-1])[topic]["version"]
    (connection,) = [
        c
        for c in hub.node.connections
        if c.identity and c.identity.actor.user_id == talk.buyer.user_id
    ]

    connection._transport.get_extra_info("socket").setsockopt(
        sockets.SOL_SOCKET, sockets.SO_SNDBUF, 4096
    )
    transport_of(slow).get_extra_info("socket").setsockopt(
        sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096
    )
    transport = transport_of(slow)
    transport.pause_reading()
    sent = 0
    async with asyncio.timeout(50):
        while connection.closing is None:
            await asyncio.gather(*(talk.say(talk.owner, "字" * 1_500) for _ in range(10)))
            sent += 10
    transport.resume_reading()
    code = await slow.closed()
    for end in (transport, connection._transport):
        end.abort()  # neither waits for what the other will never read
    assert code in (
        4002,
        1006,
    )  # a peer that reads nothing for three seconds loses the socket itself
    last = start + sent
    await quick.until(
        lambda f: any(x.get("topic") == topic and x.get("version") == last for x in quick.frames)
    )

    def versions(client: Client) -> list[int]:
        return [f["version"] for f in client.frames if f["op"] == "push" and f["topic"] == topic]

    assert sorted(versions(quick)) == list(range(start + 1, last + 1))
    have = max([start, *versions(slow)])
    assert sorted(versions(slow)) == list(range(start + 1, have + 1))  # in order, none left out
    got: list[int] = []
    again = await hub.connect(talk.buyer, (topic, have))
    answer = by_topic(again.frames[-1])[topic]
    while True:
        got += [entry["version"] for entry in answer.get("entries") or ()]
        if not answer.get("more"):
            break
        answer = by_topic(await again.ask("subscribe", topics=[[topic, got[-1]]]))[topic]
    assert got == list(range(have + 1, last + 1))


# --- when Redis fails ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_a_subscription_that_was_cut_is_healed_from_mysql(
    hub: Hub, scene: Scene, mute: Process, redis_server: Redis
) -> None:
    order = await scene.create()
    mine = f"order:{order.order_id}:buyer"
    client = await hub.connect(scene.buyer, (mine, None))
    scene.orders = await open_orders(mute)
    await scene.pay(order)  # nobody hears of it
    redis_server.command("CLIENT", "KILL", "TYPE", "pubsub")
    assert (await client.push(mine, timeout_s=2))["version"] == 2


@pytest.mark.slow
async def test_redis_dies_and_returns_and_clients_never_notice(
    hub: Hub, scene: Scene, redis_server: Redis
) -> None:
    order = await scene.create()
    mine = f"order:{order.order_id}:buyer"
    client = await hub.connect(scene.buyer, (mine, None))
    await asyncio.to_thread(redis_server.kill)
    await scene.pay(order)
    late = await hub.connect(
        scene.owner, (f"order:{order.order_id}:owner", None)
    )  # MySQL is the truth
    assert by_topic(late.frames[-1])[f"order:{order.order_id}:owner"]["version"] == 2
    reply = await client.ask(
        "command", name="orders.concede", key="k", body={"order_id": str(int(order.order_id))}
    )
    assert reply["error"]["code"] == "illegal_transition"
    await asyncio.to_thread(redis_server.start)
    assert (await client.push(mine, timeout_s=2))["version"] == 2
    await scene.perform("orders.cancel", scene.owner, order)
    assert (await late.push(f"order:{order.order_id}:owner"))["version"] == 3


@pytest.mark.slow
async def test_a_deaf_hub_says_so_until_it_hears_again(hub: Hub, redis_server: Redis) -> None:
    await asyncio.to_thread(redis_server.kill)
    try:
        async with asyncio.timeout(7):
            while (answer := await hub.ready())[0] == 200:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert "redis" in answer[1]
    finally:
        await asyncio.to_thread(redis_server.start)
    await until_ready(hub)


# --- the end ------------------------------------------------------------------------------------------------------------


async def test_draining_says_goodbye_and_takes_nobody_new(hub: Hub) -> None:
    clients = [await hub.connect(someone()) for _ in range(5)]
    draining = asyncio.create_task(hub.app.shutdown())
    assert [await client.closed() for client in clients] == [4000] * 5
    for client in clients:
        bye = client.frames[-1]
        assert (bye["op"], bye["code"]) == ("bye", 4000)
        assert bye["retry_after_ms"] > 0
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await hub.open()
    assert refused.value.status == 503
    status, reasons = await hub.ready()
    assert status == 503
    assert "drain" in reasons
    await draining
