"""What is no frame, too many frames, too large ones, and what is out of turn."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import msgspec
import pytest

from devkit.client import JSON, MSGPACK
from tests.integration.hostile.scene import World, new_key
from tests.integration.hostile.wire import Closed, Wire, code_of, wired

BAD_FRAME, UNAUTHENTICATED, TOO_BIG = 4500, 4502, 1009

PING = {"op": "ping"}
BAD_JSON: dict[str, str | bytes] = {
    "nothing": "",
    "no JSON": "ping",
    "an object": '{"op":"ping"}',
    "null": "null",
    "an empty array": "[]",
    "an array of nothing": "[null]",
    "an array of arrays": "[[]]",
    "no op": "[{}]",
    "an unknown op": '[{"op":"shutdown"}]',
    "an op of a server's frame": '[{"op":"connected"}]',
    "an op that is no string": '[{"op":1}]',
    "17 frames": "[" + ",".join(['{"op":"ping"}'] * 17) + "]",
    "one bad among good": '[{"op":"ping"},{"op":"nope"}]',
    "a command without a name": '[{"op":"command","id":1}]',
    "a command without an id": '[{"op":"command","name":"x"}]',
    "an id that is a string": '[{"op":"command","id":"1","name":"x"}]',
    "an id of 2^70": f'[{{"op":"command","id":{2**70},"name":"x"}}]',
    "a subscription's id of 2^70": f'[{{"op":"subscribe","id":{2**70},"topics":[]}}]',
    "an id of 2^53": f'[{{"op":"command","id":{2**53},"name":"x"}}]',
    "an id of -2^53": f'[{{"op":"command","id":-{2**53},"name":"x"}}]',
    "a body that is a list": '[{"op":"command","id":1,"name":"x","body":[]}]',
    "a key that is a number": '[{"op":"command","id":1,"name":"x","key":1}]',
    "topics that are strings": '[{"op":"subscribe","id":1,"topics":["listing:1"]}]',
    "a topic that is a number": '[{"op":"subscribe","id":1,"topics":[[1,null]]}]',
    "a version that is a string": '[{"op":"subscribe","id":1,"topics":[["listing:1","1"]]}]',
    "a version of 2^70": f'[{{"op":"subscribe","id":1,"topics":[["listing:1",{2**70}]]}}]',
    "a negative version": '[{"op":"subscribe","id":1,"topics":[["listing:1",-1]]}]',
    "NaN": '[{"op":"command","id":NaN,"name":"x"}]',
    "a lone surrogate": '[{"op":"command","id":1,"name":"\\ud800"}]',
    "1000 levels": '[{"op":"command","id":1,"name":"x","body":'
    + '{"a":' * 1000
    + "1"
    + "}" * 1001
    + "]",
    "30000 levels": "[" * 30_000 + "]" * 30_000,
    "binary on a JSON connection": msgspec.msgpack.encode([PING]),
}


def packed(frames: Any) -> bytes:
    return msgspec.msgpack.encode(frames)


_COMMAND = packed({"op": "command", "id": 1, "name": "chat.send", "key": "k"})[1:]
"""Four pairs, without the map's head."""

BAD_MSGPACK: dict[str, str | bytes] = {
    "nothing": b"",
    "an object": packed(PING),
    "an empty array": packed([]),
    "a truncated array": b"\x93\x81",
    "an array that claims 2^32 items": b"\xdd\xff\xff\xff\xff",
    "a string that claims 4 GiB": b"\x91\xdb\xff\xff\xff\xff",
    "something left over": packed([PING]) + b"\x00",
    "a reserved byte": b"\x91\xc1",
    "invalid UTF-8": b"\x91\x81\xa2op\xa2\xff\xfe",
    "a surrogate": b"\x91\x81\xa2op\xa3\xed\xa0\x80",
    "17 frames": packed([PING] * 17),
    "an unknown op": packed([{"op": "nope"}]),
    "an id of 2^64 - 1": packed([{"op": "command", "id": 2**64 - 1, "name": "x"}]),
    "a map as a map's key": b"\x91\x85" + _COMMAND + packed("body") + b"\x81\x81\x01\x01\x01",
    "a list with a map as a map's key": b"\x91\x85" + _COMMAND + packed("body") + b"\x81\x91\x81\x01\x01\x01",
    "a number as a body's key": b"\x91\x85" + _COMMAND + packed("body") + b"\x81\x01\x01",
    "a map as a field's key": b"\x91\x85" + _COMMAND + packed("body") + b"\x81\xa1a\x81\x81\x01\x01\x01",
    "NaN as an id": packed([{"op": "command", "id": float("nan"), "name": "x"}]),
    "an impossible timestamp": b"\x91\x85" + _COMMAND + packed("body") + b"\x81\xa1a\xc7\x0c\xff"
    + struct.pack(">Iq", 2**32 - 1, 2**62),
    "30000 levels": b"\x91" * 30_000 + b"\x90",
    "text on a msgpack connection": '[{"op":"ping"}]',
}  # fmt: skip


@pytest.mark.parametrize("when", ["before connect", "after connect"])
@pytest.mark.parametrize(
    ("encoding", "what"), [(JSON, what) for what in BAD_JSON] + [(MSGPACK, what) for what in BAD_MSGPACK]
)  # fmt: skip
async def test_no_frames(world: World, encoding: str, what: str, when: str) -> None:
    """Told why, and closed with 4500, at any time."""
    message = (BAD_JSON if encoding == JSON else BAD_MSGPACK)[what]
    async with wired(
        world, world.buyer if when == "after connect" else None, encoding=encoding
    ) as wire:
        await wire.say_raw(message)
        code = await wire.closed()
        assert wire.frames[-1]["op"] == "error", wire.frames
        assert wire.frames[-1]["error"]["code"] == "invalid", wire.frames
        assert code == BAD_FRAME


@pytest.mark.parametrize("size", [64 * 1024 + 1, 10 * 1024 * 1024])
@pytest.mark.parametrize("encoding", [JSON, MSGPACK])
@pytest.mark.parametrize("connected", [False, True])
async def test_a_message_that_is_too_large(
    world: World, size: int, encoding: str, connected: bool
) -> None:
    async with wired(world, world.buyer if connected else None, encoding=encoding) as wire:
        try:
            await wire.say_raw("x" * size if encoding == JSON else b"x" * size)
            assert await wire.closed() in (TOO_BIG, None)
        except ConnectionError:
            pass  # it was closed before we had said it all
        assert not [f for f in wire.frames if f["op"] not in ("connected",)]


async def test_a_large_message_is_closed_with_1009(world: World) -> None:
    """One that fits into the sockets' buffers, so that nothing is reset on the way."""
    async with wired(world, world.buyer) as wire:
        await wire.say_raw(b"x" * (64 * 1024 + 1))
        assert await wire.closed() == TOO_BIG


async def test_what_is_just_small_enough_is_heard(world: World) -> None:
    async with wired(world, world.buyer, encoding=JSON) as wire:
        frame = '[{"op":"ping"}'
        await wire.say_raw(frame + " " * (64 * 1024 - len(frame) - 1) + "]")
        assert (await wire.hear("pong"))["server_ms"] > 0


async def test_nobody_may_stay_without_connecting(world: World) -> None:
    """hub-2 waits for one second."""
    async with wired(world, hub=1) as wire:
        began = asyncio.get_running_loop().time()
        assert await wire.closed() == UNAUTHENTICATED
        assert 0.8 < asyncio.get_running_loop().time() - began < 5
        assert wire.frames == []


async def test_protocol_pings_do_not_prolong_the_wait(world: World) -> None:
    async with wired(world, hub=1) as wire:
        pings = asyncio.create_task(_ping_on(wire))
        assert await wire.closed() == UNAUTHENTICATED
        pings.cancel()
        await asyncio.gather(pings, return_exceptions=True)


async def _ping_on(wire: Wire) -> None:
    while True:
        await wire.socket.ping()
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("op", ["subscribe", "unsubscribe", "refresh", "ping", "pong", "command"])
async def test_connect_comes_first(world: World, op: str) -> None:
    frames: dict[str, dict[str, Any]] = {
        "subscribe": {"id": 1, "topics": [[f"listing:{world.listing['listing_id']}", None]]},
        "unsubscribe": {"id": 1, "topics": []},
        "refresh": {"id": 1, "token": world.buyer.token},
        "command": {"id": 1, "name": "notices.mark_read", "body": {"up_to": 1}},
    }
    async with wired(world) as wire:
        await wire.say({"op": op, **frames.get(op, {})})
        assert await wire.closed() == UNAUTHENTICATED
        assert [f["error"]["code"] for f in wire.frames] == ["unauthenticated"]


async def test_connecting_twice_is_refused_and_changes_nobody(world: World) -> None:
    async with wired(world, world.stranger) as wire:
        await wire.say(
            {
                "op": "connect",
                "token": world.buyer.token,
                "topics": [[f"user:{world.buyer.id}", None]],
            }
        )
        assert (await wire.hear("error"))["error"]["code"] == "invalid"
        answer = await wire.subscribe(f"user:{world.buyer.id}")
        assert [r["code"] for r in answer["refused"]] == ["not_found"]


async def test_refresh_takes_only_a_token_of_the_same_session(world: World) -> None:
    other_session = await world.log_in(world.stranger.openid)
    assert other_session.id == world.stranger.id
    async with wired(world, world.stranger) as wire:
        for token in (
            world.buyer.token,
            other_session.token,
            "garbage",
            world.stranger.refresh_token,
            "",
        ):
            await wire.say({"op": "refresh", "id": 5, "token": token})
            assert (await wire.hear("error", 5))["error"]["code"] == "unauthenticated"
        answer = await wire.subscribe(f"user:{world.buyer.id}", f"user:{world.stranger.id}")
        assert [r["topic"] for r in answer["refused"]] == [f"user:{world.buyer.id}"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x",
        "orders",
        "orders.create ",
        "orders.get",
        "users.login",
        "users.refresh",
        "é\x00😀" * 2000,
    ],
)
async def test_unknown_commands(world: World, name: str) -> None:
    """Reads and public actions are no commands; the connection goes on."""
    async with wired(world, world.buyer) as wire:
        assert code_of(await wire.command(name, {})) == "unknown_command"
        assert await wire.alive()


async def test_many_frames_in_one_message(world: World) -> None:
    """Sixteen are heard, each is answered."""
    async with wired(world, world.buyer) as wire:
        await wire.say(
            *({"op": "command", "id": n, "name": "nope", "key": new_key()} for n in range(16))
        )
        assert {(await wire.hear("reply"))["id"] for _ in range(16)} == set(range(16))


async def test_a_burst_of_commands_is_limited(world: World) -> None:
    """On hub-2: beyond the burst, `rate_limited` or `busy`, both retryable; the connection goes on, and so do others."""
    async with (
        wired(world, world.stranger, hub=1) as wire,
        wired(world, world.buyer, hub=1) as other,
    ):
        for start in range(0, 160, 16):
            await wire.say(
                *(
                    {
                        "op": "command",
                        "id": n,
                        "name": "notices.mark_read",
                        "body": {"up_to": 2**53},
                    }
                    for n in range(start, start + 16)
                )
            )
        replies = [await wire.hear("reply") for _ in range(160)]
        codes = {code_of(reply) for reply in replies}
        assert "rate_limited" in codes
        assert codes <= {"rate_limited", "busy", "invalid"}
        for reply in replies:
            assert reply["error"]["retryable"] == (code_of(reply) != "invalid")
        assert code_of(await other.command("notices.mark_read", {"up_to": 2**53})) == "invalid"
        assert await wire.alive()


@pytest.mark.parametrize("path", ["/", "/ws/", "/nope", "/healthz/x"])
async def test_other_paths_of_the_hub(world: World, path: str) -> None:
    async with world.http.get(world.stack.hubs[0].url + path) as answer:
        assert answer.status == 404


async def test_ws_without_an_upgrade(world: World) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        async with world.http.request(method, world.stack.hubs[0].url + "/ws") as answer:
            assert 400 <= answer.status < 500


async def test_the_hub_outlives_all_of_this(world: World) -> None:
    async with wired(world, world.buyer) as wire:
        assert await wire.alive()
    with pytest.raises(Closed):
        await wire.hear("nothing")
    for hub in world.stack.hubs:
        assert "unexpected error" not in hub.log_file.read_text(), hub.log_file
        assert "Traceback" not in hub.log_file.read_text(), hub.log_file
