"""A socket that says exactly what it is told, well-formed or not."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec

from devkit.client import JSON, MSGPACK
from tests.integration.hostile.scene import Somebody, World, new_key

PATIENCE_S = 10.0


class Wire:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.frames: list[dict[str, Any]] = []
        """All that came, in order."""
        self.msgpack = socket.protocol == MSGPACK
        self._ids = itertools.count(1)
        self._waiting: list[dict[str, Any]] = []

    async def say(self, *frames: Any) -> None:
        if self.msgpack:
            await self.socket.send_bytes(msgspec.msgpack.encode(list(frames)))
        else:
            await self.socket.send_str(msgspec.json.encode(list(frames)).decode())

    async def say_raw(self, message: bytes | str) -> None:
        if isinstance(message, bytes):
            await self.socket.send_bytes(message)
        else:
            await self.socket.send_str(message)

    async def hear(self, op: str | None = None, id_: int | None = None) -> dict[str, Any]:
        """The next frame of that sort; frames of other sorts are kept. Raise Closed."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            for frame in self._waiting:
                if op in (None, frame["op"]) and id_ in (None, frame.get("id")):
                    self._waiting.remove(frame)
                    return frame
            await self._more(deadline - asyncio.get_running_loop().time())

    async def closed(self) -> int | None:
        """The close code, once the server has closed."""
        try:
            while True:
                await self._more(PATIENCE_S)
        except Closed as closed:
            return closed.code

    async def _more(self, timeout_s: float) -> None:
        message = await asyncio.wait_for(self.socket.receive(), timeout_s)
        match message.type:
            case aiohttp.WSMsgType.BINARY:
                frames = msgspec.msgpack.decode(message.data)
            case aiohttp.WSMsgType.TEXT:
                frames = msgspec.json.decode(message.data)
            case aiohttp.WSMsgType.CLOSE:
                # What came over the wire: `close_code` turns into 1006 when our own half of the handshake fails.
                raise Closed(int(message.data))
            case _:
                raise Closed(self.socket.close_code)
        self.frames += frames
        self._waiting += frames

    async def connect(self, token: str, topics: list[Any] | None = None) -> dict[str, Any]:
        await self.say({"op": "connect", "token": token, "topics": topics or []})
        return await self.hear("connected")

    async def command(
        self, name: str, body: Any, key: str | None = "new", **more: Any
    ) -> dict[str, Any]:
        id_ = next(self._ids)
        frame = {"op": "command", "id": id_, "name": name, "body": body, **more}
        if key is not None:
            frame["key"] = new_key() if key == "new" else key
        await self.say(frame)
        return await self.hear("reply", id_)

    async def subscribe(self, *topics: str) -> dict[str, Any]:
        id_ = next(self._ids)
        await self.say(
            {"op": "subscribe", "id": id_, "topics": [[topic, None] for topic in topics]}
        )
        return await self.hear("subscribed", id_)

    async def alive(self) -> bool:
        """Whether the other side still answers."""
        await self.say({"op": "ping"})
        return bool(await self.hear("pong"))


class Closed(Exception):
    def __init__(self, code: int | None) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


@asynccontextmanager
async def wired(
    world: World, who: Somebody | None = None, *, hub: int = 0, encoding: str = MSGPACK
) -> AsyncIterator[Wire]:
    """Connected as `who`; with nobody, only the socket is open."""
    url = world.stack.hub_urls[hub]
    async with world.http.ws_connect(url, protocols=(encoding,), max_msg_size=0) as socket:
        wire = Wire(socket)
        if who is not None:
            await wire.connect(who.token)
        yield wire


def code_of(reply: dict[str, Any]) -> str:
    return "ok" if reply.get("ok") else str(reply["error"]["code"])


ENCODINGS = (MSGPACK, JSON)
