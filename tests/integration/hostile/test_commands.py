"""Every command of the hub, asked wrongly in every way, over the socket."""

from __future__ import annotations

import time
from typing import Any

import pytest

from devkit.client import JSON, MSGPACK
from hub.commands import COMMANDS
from infra.action import AnyOperation
from tests.integration.hostile import spoil
from tests.integration.hostile.asking import Ask
from tests.integration.hostile.forged import token_until
from tests.integration.hostile.lines import LINES
from tests.integration.hostile.scene import HOUR_MS, Somebody, World, new_key
from tests.integration.hostile.test_endpoints import ROUTES, other_fields
from tests.integration.hostile.wire import Wire, code_of, wired

every_command = pytest.mark.parametrize("name", COMMANDS)
LEAVING = ("users.logout", "users.forget")
"""After these there is no session to go on with: test_sessions.py has them."""
ERROR = {"code": str, "message": str, "retryable": bool, "data": dict}


class Trial:
    """One command on one socket, and what went wrong."""

    def __init__(self, wire: Wire, operation: AnyOperation, ask: Ask) -> None:
        self.wire, self.operation, self.ask = wire, operation, ask
        self.faults: list[str] = []

    async def expect(self, what: str, code: str, fields: Any, **options: Any) -> dict[str, Any]:
        reply = await self.wire.command(self.operation.name, fields, **options)
        if code_of(reply) != code:
            self.faults.append(f"{what}: {reply}, not {code}")
        error = reply.get("error")
        if error is not None and {n: type(v) for n, v in error.items()} != ERROR:
            self.faults.append(f"{what}: an error of the form {error}")
        return reply

    async def expect_done(self) -> dict[str, Any]:
        return await self.expect("the valid asking", "ok", self.ask.fields)

    def done(self) -> None:
        assert not self.faults, f"{len(self.faults)} faults:\n" + "\n".join(self.faults)


def asker(ask: Ask) -> Somebody:
    assert ask.who is not None, "the hub has no public commands"
    return ask.who


@every_command
async def test_wrong_fields(world: World, name: str) -> None:
    """In both encodings; then the valid asking is as welcome as if nothing had been said."""
    operation, ask = COMMANDS[name], await LINES[name].build(world)
    for encoding in (JSON, MSGPACK):
        async with wired(world, asker(ask), encoding=encoding) as wire:
            trial = Trial(wire, operation, ask)
            wrong = spoil.wrong_bodies(operation.takes, ask.fields)
            if encoding == MSGPACK:
                wrong = [w for w in wrong if spoil.fits_msgpack(w[1])]
            for what, fields in wrong:
                await trial.expect(f"{encoding} {what}", "invalid", fields)
            if encoding == MSGPACK:
                for what, fields in spoil.only_msgpack_says(operation.takes, ask.fields):
                    await trial.expect(f"{encoding} {what}", "invalid", fields)
            if operation.keyed:
                for key in (None, "", "k" * 65, "ключ", "\x00", "a\nb"):
                    await trial.expect(f"key {key!r:.20}", "key_required", ask.fields, key=key)
            for field, value, code in LINES[name].stale:
                await trial.expect(f"{field}={value}", code, {**ask.fields, field: value})
            trial.done()
    async with wired(world, asker(ask)) as wire:
        trial = Trial(wire, operation, ask)
        await trial.expect_done()
        trial.done()


@every_command
async def test_strange_text(world: World, name: str) -> None:
    operation, ask = COMMANDS[name], await LINES[name].build(world)
    async with wired(world, asker(ask)) as wire:
        for what, fields in spoil.odd_texts(operation.takes, ask.fields):
            reply = await wire.command(name, fields)
            assert code_of(reply) not in ("internal", "unavailable"), (what, reply)
        assert wire.socket.close_code is None or name in LEAVING


@every_command
async def test_strangers(world: World, name: str) -> None:
    """Somebody who is no party, with a token that is good: refused, and the one who may is not hindered."""
    operation, ask, line = COMMANDS[name], await LINES[name].build(world), LINES[name]
    if line.stranger is not None:
        async with wired(world, world.stranger) as wire:
            trial = Trial(wire, operation, ask)
            reply = await trial.expect("a stranger", line.stranger, ask.fields)
            assert asker(ask).id not in str(reply)
            trial.done()
    async with wired(world, asker(ask)) as wire:
        trial = Trial(wire, operation, ask)
        await trial.expect_done()
        trial.done()


@every_command
async def test_without_connecting(world: World, name: str) -> None:
    """A command before `connect`, or behind a `connect` with a bad token, closes the socket and does nothing."""
    ask = await LINES[name].build(world)
    command = {"op": "command", "id": 1, "name": name, "key": new_key(), "body": ask.fields}
    async with wired(world) as wire:
        await wire.say(command)
        assert await wire.closed() == 4502
        assert [f["op"] for f in wire.frames] == ["error"]
        assert wire.frames[0]["error"]["code"] == "unauthenticated"
    async with wired(world) as wire:
        await wire.say({"op": "connect", "token": "bad", "topics": []}, command)
        assert await wire.closed() == 4502
        assert [f["op"] for f in wire.frames] == ["error"]
    async with wired(world, asker(ask)) as wire:
        trial = Trial(wire, COMMANDS[name], ask)
        await trial.expect_done()
        trial.done()


async def test_a_token_that_runs_out_on_an_open_socket(world: World) -> None:
    """Every command is refused with token_expired; after `refresh` on the same socket all is well again."""
    asks = {name: await LINES[name].build(world) for name in COMMANDS if name not in LEAVING}
    wires: dict[str, Wire] = {}
    for who in {asker(ask).id: asker(ask) for ask in asks.values()}.values():
        socket = await world.http.ws_connect(world.stack.hub_urls[0], protocols=(MSGPACK,))
        wires[who.id] = wire = Wire(socket)
        connected = await wire.connect(token_until(world, who, 1))
    while time.time() * 1000 < connected["token_expires_ms"]:
        assert await wire.alive()
    for name, ask in asks.items():
        reply = await wires[asker(ask).id].command(name, ask.fields)
        assert code_of(reply) == "token_expired", (name, reply)
    for name, ask in asks.items():
        wire = wires[asker(ask).id]
        await wire.say({"op": "refresh", "id": 0, "token": asker(ask).token})
        assert (await wire.hear("refreshed", 0))["token_expires_ms"] > connected["token_expires_ms"]
        assert code_of(await wire.command(name, ask.fields)) == "ok", name
    for wire in wires.values():
        await wire.socket.close()


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in LEAVING])
async def test_twice_is_once(world: World, name: str) -> None:
    """The same key on two hubs and over REST: one answer, one effect. For another asking: refused."""
    operation, ask, line = COMMANDS[name], await LINES[name].build(world), LINES[name]
    key, who = new_key(), asker(ask)
    async with wired(world, who) as one, wired(world, who, hub=1) as two:
        trial = Trial(one, operation, ask)
        first = await trial.expect("first", "ok", ask.fields, key=key)
        seen = await line.see(world, ask) if line.see else None
        second = await Trial(two, operation, ask).expect("second", line.again, ask.fields, key=key)
        third = await trial.expect("third", line.again, ask.fields, key=key)
        if operation.keyed:
            assert first["body"] == second["body"] == third["body"]
            rest = await by_rest(world, name, ask, key)
            assert rest == first["body"], "REST answers differently under the same key"
            other = other_fields(name, ask)
            if other:
                await trial.expect("the key again", "key_reused", {**ask.fields, **other}, key=key)
        if line.see:
            assert await line.see(world, ask) == seen
            assert seen not in (0, [])
        trial.done()


async def by_rest(world: World, name: str, ask: Ask, key: str) -> Any:
    route = next(route for route in ROUTES if route.operation.name == name)
    path = route.path.format(**ask.fields)
    body = {n: v for n, v in ask.fields.items() if f"{{{n}}}" not in route.path}
    answer = await world.ask(route.method, path, token=asker(ask).token, key=key, body=body)
    assert answer.status == route.status, answer.raw
    return answer.json


async def test_the_price_is_the_servers(world: World) -> None:
    ask = await LINES["orders.create"].build(world)
    forged = {
        "total_fen": 1,
        "rent_fen": 0,
        "deposit_fen": 0,
        "fee_fen": 0,
        "price_hour_fen": 1,
        "state": "ready",
    }
    async with wired(world, world.buyer) as wire:
        reply = await wire.command("orders.create", {**ask.fields, **forged})
    order = reply["body"]
    assert (order["rent_fen"], order["deposit_fen"], order["total_fen"]) == (120, 500, 620)
    assert (order["state"], order["end_ms"] - order["start_ms"]) == ("pending_payment", HOUR_MS)
