"""One client's WebSocket, kept alive."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec

from devkit.client.refusal import PATIENCE_S, Refusal
from devkit.client.topic import Gap, Topic

MSGPACK, JSON = "sharehub.v1.msgpack", "sharehub.v1.json"

Push = dict[str, Any]


@dataclass(slots=True)
class Received:
    """A push and when it came (UTC microseconds)."""

    at_us: int
    push: Push


class Socket:
    """One client's connection, made again whenever it breaks, until `close`."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        urls: Iterable[str],
        token: Callable[[], str],
        encoding: str = MSGPACK,
    ) -> None:
        self._http = http
        self._urls = list(urls)
        self._token = token
        self._encoding = encoding
        self._ids = itertools.count(1)
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._unanswered: dict[int, dict[str, Any]] = {}
        self._news = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self.live = asyncio.Event()
        self.connected: dict[str, Any] = {}
        self.topics: dict[str, Topic] = {}
        self.received: list[Received] = []
        self.frames: list[dict[str, Any]] = []
        """Every frame from the server, in order."""
        self.closes: list[int | None] = []
        self.reconnects = 0

    async def open(self) -> Socket:
        self._task = asyncio.create_task(self._run())
        waiting = asyncio.create_task(self.live.wait())
        done, _ = await asyncio.wait(
            {waiting, self._task}, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED
        )
        if waiting not in done:
            waiting.cancel()
            if self._task.done():
                await self._task
            raise TimeoutError("no connection")
        return self

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._socket is not None:
            with contextlib.suppress(Exception):
                await self._socket.close()

    async def drop(self) -> None:
        """Lose the connection, as a phone does; it is made again at once."""
        if self._socket is not None:
            await self._socket.close()

    async def watch(self, *names: str) -> list[Topic]:
        """Subscribe and wait until each topic has been answered. Raise Refusal when one is refused for good."""
        for name in names:
            self.topics.setdefault(name, Topic(name)).refused = "pending"
        deadline = time.monotonic() + PATIENCE_S
        while True:
            pending = [n for n in names if self.topics[n].refused is not None]
            if not pending:
                return [self.topics[name] for name in names]
            await self._ask(
                {"op": "subscribe", "topics": [[n, self.topics[n].version] for n in pending]}
            )
            for name in pending:
                code = self.topics[name].refused
                if code in (
                    "not_found",
                    "too_many_topics",
                    "unknown_topic",
                ) and time.monotonic() > deadline - (
                    PATIENCE_S if code != "not_found" else PATIENCE_S - 2
                ):
                    del self.topics[name]
                    raise Refusal({"code": code, "message": name})
            if time.monotonic() > deadline:
                raise TimeoutError(f"cannot join {pending}")
            if any(self.topics[n].refused for n in pending):
                await asyncio.sleep(0.05)

    async def command(self, name: str, body: dict[str, Any], key: str | None = None) -> Any:
        """The reply's body. Retryable refusals and lost answers are repeated under the same key; raise Refusal."""
        key = key or secrets.token_hex(8)
        deadline, pause = time.monotonic() + PATIENCE_S, 0.03
        while True:
            reply = await self._ask({"op": "command", "name": name, "key": key, "body": body})
            if reply["ok"]:
                return reply.get("body")
            refusal = Refusal(reply["error"])
            if not refusal.retryable or time.monotonic() > deadline:
                raise refusal
            await asyncio.sleep(random.uniform(pause / 2, pause))
            pause = min(1.0, pause * 2)

    async def until(self, topic: str, happened: Callable[[Topic], bool]) -> Topic:
        """Wait until what is known of a topic satisfies a condition."""
        async with asyncio.timeout(PATIENCE_S), self._news:
            await self._news.wait_for(lambda: topic in self.topics and happened(self.topics[topic]))
        return self.topics[topic]

    async def push_where(self, matches: Callable[[Push], bool]) -> Received:
        """The first push received, ever, that matches; waits for it."""

        def find() -> Received | None:
            return next((r for r in self.received if matches(r.push)), None)

        async with asyncio.timeout(PATIENCE_S), self._news:
            found = await self._news.wait_for(find)
        assert found is not None
        return found

    # --- below: the wire ------------------------------------------------------------------------------------------

    async def _ask(self, frame: dict[str, Any]) -> dict[str, Any]:
        id_ = next(self._ids)
        frame = {**frame, "id": id_}
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._replies[id_] = future
        self._unanswered[id_] = frame
        try:
            await self._send([frame])
            async with asyncio.timeout(PATIENCE_S):
                return await future
        finally:
            self._replies.pop(id_, None)
            self._unanswered.pop(id_, None)

    async def _send(self, frames: list[dict[str, Any]]) -> None:
        """When the connection is down nothing is lost: what is unanswered is sent again once it is up."""
        socket = self._socket
        if socket is None or socket.closed or not self.live.is_set():
            return
        with contextlib.suppress(ConnectionError, aiohttp.ClientError):
            if self._encoding == MSGPACK:
                await socket.send_bytes(msgspec.msgpack.encode(frames))
            else:
                await socket.send_str(msgspec.json.encode(frames).decode())

    async def _run(self) -> None:
        failures = 0
        while True:
            url = self._urls[self.reconnects % len(self._urls)]
            try:
                async with self._http.ws_connect(
                    url, protocols=(self._encoding,), max_msg_size=0, autoping=True,
                    timeout=aiohttp.ClientWSTimeout(ws_close=0.5),
                ) as self._socket:  # fmt: skip
                    await self._hello(self._socket)
                    failures = 0
                    await self._read(self._socket)
                    code = self._socket.close_code
            except (aiohttp.ClientError, OSError, TimeoutError):
                code = None
            self.live.clear()
            self.closes.append(code)
            if code is not None and 4500 <= code < 5000:
                refused = Refusal(
                    {"code": f"close_{code}", "message": "the server will not have us"}
                )
                for future in self._replies.values():
                    if not future.done():
                        future.set_exception(refused)
                raise refused
            self.reconnects += 1
            failures += 1
            await asyncio.sleep(random.uniform(0, min(1.0, 0.02 * 2**failures)))

    async def _hello(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        topics = [[t.name, t.version] for t in self.topics.values()]
        hello = [{"op": "connect", "token": self._token(), "topics": topics}]
        if self._encoding == MSGPACK:
            await socket.send_bytes(msgspec.msgpack.encode(hello))
        else:
            await socket.send_str(msgspec.json.encode(hello).decode())

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            at_us = time.time_ns() // 1000
            decode = (
                msgspec.msgpack.decode
                if message.type is aiohttp.WSMsgType.BINARY
                else msgspec.json.decode
            )
            for frame in decode(message.data):
                await self._take(frame, at_us)
            async with self._news:
                self._news.notify_all()

    async def _take(self, frame: dict[str, Any], at_us: int) -> None:
        self.frames.append(frame)
        op = frame["op"]
        if op == "push":
            self.received.append(Received(at_us, frame))
            topic = self.topics.get(frame["topic"])
            if topic is not None:
                try:
                    topic.apply(
                        frame["kind"],
                        frame["version"],
                        frame["payload"],
                        frame.get("key"),
                        frame.get("epoch"),
                    )
                except Gap:
                    await self._repair(topic)
        elif op == "ping":
            await self._send([{"op": "pong"}])
        elif op == "connected":
            self.connected = frame
            self._joined(frame)
            self.live.set()
            if self._unanswered:
                frames = list(self._unanswered.values())
                for start in range(0, len(frames), 16):
                    await self._send(frames[start : start + 16])
            await self._ask_for_more(frame)
        elif op in ("subscribed", "reply", "unsubscribed", "refreshed") or (
            op == "error" and "id" in frame
        ):
            if op == "subscribed":
                self._joined(frame)
                await self._ask_for_more(frame)
            future = self._replies.get(frame["id"])
            if future is not None and not future.done():
                future.set_result(frame)

    def _joined(self, frame: dict[str, Any]) -> None:
        for given in frame["topics"]:
            topic = self.topics.setdefault(given["topic"], Topic(given["topic"]))
            topic.refused = None
            topic.kind = given["kind"]
            if given["kind"] in ("log", "keyed"):
                for entry in given.get("entries") or ():
                    if topic.kind == "log":
                        if topic.version is None:
                            topic.version = entry["version"] - 1
                        if entry["version"] == topic.version + 1:
                            topic.log[entry["version"]] = entry["payload"]
                            topic.version = entry["version"]
                    else:
                        topic.apply(
                            "keyed", entry["version"], entry["payload"], entry.get("key"), None
                        )
                if topic.version is None:
                    topic.version = given["version"]
            elif given.get("state") is not None:
                topic.apply(
                    given["kind"], given["version"], given["state"], None, given.get("epoch")
                )
            elif topic.version is None:
                topic.version = given["version"]
        for refused in frame["refused"]:
            if refused["topic"] in self.topics:
                self.topics[refused["topic"]].refused = refused["code"]

    async def _ask_for_more(self, frame: dict[str, Any]) -> None:
        """Logs that were cut, and topics that could not be read at that moment."""
        again = [t["topic"] for t in frame["topics"] if t.get("more")]
        later = [r["topic"] for r in frame["refused"] if r["code"] == "unavailable"]
        if later and frame.get("id") not in self._replies:  # `watch` asks again by itself
            asyncio.get_running_loop().call_later(0.2, self._resubscribe, later)
        if again:
            self._resubscribe(again)

    async def _repair(self, topic: Topic) -> None:
        self._resubscribe([topic.name])

    def _resubscribe(self, names: list[str]) -> None:
        haves = [[name, self.topics[name].version] for name in names if name in self.topics]
        if haves:
            frame = {"op": "subscribe", "id": next(self._ids), "topics": haves}
            task = asyncio.get_running_loop().create_task(self._send([frame]))
            self._background.add(task)
            task.add_done_callback(self._background.discard)

    _background: set[asyncio.Task[None]] = set()
