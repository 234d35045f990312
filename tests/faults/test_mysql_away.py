"""MySQL is away for a while: sockets live on, pushes arrive, commands are refused in bounded time, and all goes on by itself."""

from __future__ import annotations

import asyncio
import random
import secrets
from typing import Any

import pytest

from devkit.client import Refusal, Socket
from tests.faults.fleet import Fleet, eventually
from tests.faults.load import under_load
from tests.faults.quiet import open_quiet
from tests.faults.truth import assert_clients, assert_truth, calm

pytestmark = pytest.mark.timeout(90)


async def leave(fleet: Fleet, how: str) -> None:
    mariadb = fleet.stack.servers.mariadb
    end = {"killed": mariadb.kill, "stopped": mariadb.stop, "hung": mariadb.pause}[how]
    await asyncio.to_thread(end)


async def come_back(fleet: Fleet) -> None:
    mariadb = fleet.stack.servers.mariadb
    await asyncio.to_thread(mariadb.resume)
    await asyncio.to_thread(mariadb.start)


async def ask_once(socket: Socket, name: str, body: dict[str, Any], key: str) -> dict[str, Any]:
    """The reply to a command that nobody repeats."""
    return await socket._ask({"op": "command", "name": name, "key": key, "body": body})


async def assert_pong(socket: Socket) -> None:
    def pongs() -> int:
        return sum(frame["op"] == "pong" for frame in socket.frames)

    before = pongs()
    await socket._send([{"op": "ping"}])

    async def unanswered() -> str | None:
        return "no pong" if pongs() == before else None

    await eventually("a ping is answered", unanswered, 5)


@pytest.mark.parametrize("how", ["stopped", "hung"])
async def test_sockets_outlive_mysql(fleet: Fleet, how: str) -> None:
    quiet = await open_quiet(fleet)
    chat, order_id = f"chat:{quiet.order_ids[0]}", quiet.order_ids[2]
    sockets = [socket for _, socket in quiet.clients]
    hub = fleet.stack["hub-2"]

    # A line that is committed and published, and that the second hub gets to hear only once MySQL is away.
    await asyncio.to_thread(hub.pause)
    line = {"conversation_id": quiet.order_ids[0], "kind": "text", "text": "在吗"}
    await quiet.ones.command("chat.send", line)
    await quiet.third.until(chat, lambda t: t.version == 1)
    await leave(fleet, how)
    await asyncio.to_thread(hub.resume)
    await quiet.others.until(chat, lambda t: t.version == 1)

    keys = [secrets.token_hex(8) for _ in sockets]
    asked = [ask_once(s, "chat.send", line, key) for s, key in zip(sockets, keys, strict=True)]
    cancel, cancel_key = {"order_id": order_id}, secrets.token_hex(8)
    asked.append(ask_once(quiet.others, "orders.cancel", cancel, cancel_key))
    answers = asyncio.gather(*asked)
    for socket in sockets:
        await assert_pong(socket)
    for reply in await answers:
        assert not reply["ok"]
        assert (reply["error"]["code"], reply["error"]["retryable"]) == ("unavailable", True)
    with pytest.raises(Refusal, match="unavailable") as refused:
        await quiet.buyer.rest("GET", f"/v1/orders/{order_id}", retry=False)
    assert refused.value.status == 503
    await asyncio.gather(*(assert_pong(socket) for socket in sockets))

    await come_back(fleet)
    again = [s.command("chat.send", line, key) for s, key in zip(sockets, keys, strict=True)]
    sent = await asyncio.gather(*again, quiet.others.command("orders.cancel", cancel, cancel_key))
    assert sorted(one["seq"] for one in sent[:-1]) == [2, 3, 4]
    assert sent[-1]["version"] == 2
    await calm(fleet)
    await assert_clients(fleet, quiet.clients, 5)
    assert {socket.topics[chat].version for socket in sockets} == {4}
    assert sum(socket.reconnects for socket in sockets) == 0
    await assert_truth(fleet)


@pytest.mark.parametrize("how", ["killed", "stopped", "hung"])
async def test_business_goes_on_afterwards(fleet: Fleet, dice: random.Random, how: str) -> None:
    """Not a row that was acknowledged is lost, and everybody goes on without being restarted."""
    async with under_load(fleet, dice) as load:
        await leave(fleet, how)
        await asyncio.sleep(2)
        await come_back(fleet)
        await load.steps(40)
