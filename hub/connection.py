"""One client: reads its frames, runs its commands, writes what its mailbox gives. The only file that touches the socket."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any

import structlog
from aiohttp import WSCloseCode, WSMsgType, web
from msgspec import Struct
from prometheus_client import Counter, Histogram

from hub import protocol
from hub.beacons import TYPING
from hub.commands import COMMANDS
from hub.errors import error_of
from hub.joining import Joined, join
from hub.limits import REFUSED
from hub.mailbox import Item
from hub.node import Node
from hub.outlet import Outlet
from hub.protocol import (
    Bye,
    CloseCode,
    Command,
    Connect,
    Connected,
    Encoding,
    ErrorFrame,
    Limits,
    Ping,
    Pong,
    Refresh,
    Refreshed,
    Reply,
    ServerPing,
    ServerPong,
    Signal,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
)  # fmt: skip
from hub.topics import SESSION_PREFIX
from infra.tokens import Identity
from market.kernel.errors import (
    BadInput,
    Busy,
    MarketError,
    NotFound,
    SessionRevoked,
    TokenExpired,
    Unauthenticated,
    UnknownCommand,
)  # fmt: skip

log = structlog.get_logger("connection")

CLOSES = Counter("sharehub_hub_closes_total", "Sockets closed by the server, by code.", ["code"])
FRAMES = Counter("sharehub_hub_frames_total", "Frames received, by kind.", ["op"])
FRAMES_OF = {
    kind: FRAMES.labels(kind.__name__.lower())
    for kind in (Connect, Refresh, Subscribe, Unsubscribe, Command, Signal, Ping, Pong)
}
RESUME_SECONDS = Histogram(
    "sharehub_hub_resume_seconds",
    "From a connect frame to its answer, with all that the client lacked.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
RESUME_BYTES = Histogram(
    "sharehub_hub_resume_bytes",
    "Size of the answer to a connect frame.",
    buckets=(500, 1000, 2000, 5000, 10_000, 50_000, 200_000, 1_000_000),
)

CLOSE_S = 5.0


class Refused(Exception):
    """The conversation ends, with this close code."""

    def __init__(self, code: CloseCode, reason: str, error: MarketError | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.error = error


class Connection(Outlet):
    __slots__ = (
        "_commands", "_node", "_pinged_s", "_seen_s", "_socket", "_until_closed", "id", "identity", "own_session",
        "session_revoked", "topics",
    )  # fmt: skip

    def __init__(
        self,
        node: Node,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
        encoding: Encoding,
    ) -> None:
        settings = node.settings
        super().__init__(
            node.fanout, transport, encoding, settings.mailbox_bytes, settings.high_water_bytes
        )
        self.id = secrets.token_hex(8)
        self.topics: set[str] = set()
        self.identity: Identity | None = None
        self.own_session = ""
        self.session_revoked = False
        self._node = node
        self._socket = socket
        self._seen_s = time.monotonic()
        self._pinged_s: float | None = None
        self._until_closed = asyncio.timeout(None)
        self._commands: set[asyncio.Task[None]] | None = None

    # --- in -------------------------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """From the first frame to the last. Commands that have begun are finished by themselves."""
        self._node.add(self)
        try:
            async with self._until_closed:
                await self._converse()
        except TimeoutError:
            pass  # close_soon has ended it
        except ConnectionError:
            pass  # it is gone; the client will come back
        finally:
            self._node.remove(self)
            await self._close()

    async def _converse(self) -> None:
        try:
            try:
                async with asyncio.timeout(self._node.settings.connect_deadline_s):
                    frames = await self._frames()
            except TimeoutError:
                raise Refused(CloseCode.UNAUTHENTICATED, "no connect frame in time") from None
            await self._connect(*frames)
            while True:
                for frame in await self._frames():
                    await self._handle(frame)
        except Refused as refused:
            if refused.error is not None:
                self.say(ErrorFrame(error=error_of(refused.error)))
            self.close_soon(refused.code, refused.reason)

    async def _frames(self) -> list[protocol.ClientFrame]:
        message = await self._socket.receive()
        self._seen_s = time.monotonic()
        self._pinged_s = None
        if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            raise ConnectionResetError
        text = message.type is WSMsgType.TEXT
        try:
            if text != (self.encoding == "json"):
                raise BadInput(f"this connection speaks {self.encoding}")
            frames = protocol.decode(message.data)
        except BadInput as error:
            raise Refused(CloseCode.BAD_FRAME, "bad frame", error) from None
        for frame in frames:
            FRAMES_OF[type(frame)].inc()
        return frames

    async def _connect(self, first: protocol.ClientFrame, *rest: protocol.ClientFrame) -> None:
        if not isinstance(first, Connect):
            raise Refused(
                CloseCode.UNAUTHENTICATED, "connect first", Unauthenticated("connect first")
            )
        began_s = time.perf_counter()
        self.identity = identity = self._verify(first.token)
        actor = identity.actor
        self._node.identify(self, actor.user_id)
        self.own_session = f"{SESSION_PREFIX}{actor.session_id}"
        joined = await join(self._node, self, actor, first.topics, own_session=self.own_session)
        if self.session_revoked:
            raise Refused(CloseCode.SESSION_REVOKED, "session revoked", SessionRevoked())
        settings = self._node.settings
        size = self._answer(
            Connected(
                connection=self.id, user=actor.user_id, session=actor.session_id, role=actor.role,
                server_ms=self._node.now_ms(), token_expires_ms=identity.expires_ms,
                heartbeat_s=settings.heartbeat_s,
                limits=Limits(
                    protocol.MAX_MESSAGE_BYTES, protocol.MAX_FRAMES, settings.max_topics,
                    settings.max_in_flight,
                ),
                topics=joined.topics, refused=joined.refused,
            ),
            joined,
        )  # fmt: skip
        RESUME_BYTES.observe(size)
        RESUME_SECONDS.observe(time.perf_counter() - began_s)
        for frame in rest:
            await self._handle(frame)

    def _verify(self, token: str) -> Identity:
        try:
            return self._node.tokens.verify(token, self._node.now_ms())
        except TokenExpired as error:
            raise Refused(CloseCode.TOKEN_EXPIRED, "token expired", error) from None
        except Unauthenticated as error:
            raise Refused(CloseCode.UNAUTHENTICATED, "token not valid", error) from None

    async def _handle(self, frame: protocol.ClientFrame) -> None:
        match frame:
            case Command():
                self._begin(frame)
            case Subscribe():
                await self._subscribe(frame)
            case Unsubscribe():
                gone = self.topics.intersection(frame.topics) - {self.own_session}
                self._node.leave(self, gone)
                self.topics -= gone
                self.say(Unsubscribed(id=frame.id))
            case Signal():
                self._signal(frame)
            case Refresh():
                self._refresh(frame)
            case Ping():
                self.say(ServerPong(server_ms=self._node.now_ms()))
            case Pong():
                pass
            case Connect():
                self.say(ErrorFrame(error=error_of(BadInput("already connected"))))

    async def _subscribe(self, frame: Subscribe) -> None:
        assert self.identity is not None
        try:
            self._node.spend_token(self.identity.actor.user_id)
        except MarketError as error:
            self.say(ErrorFrame(error=error_of(error), id=frame.id))
            return
        joined = await join(self._node, self, self.identity.actor, frame.topics)
        self._answer(Subscribed(id=frame.id, topics=joined.topics, refused=joined.refused), joined)

    def _signal(self, frame: Signal) -> None:
        assert self.identity is not None
        user_id = self.identity.actor.user_id
        try:
            if frame.topic not in self.topics or not frame.topic.startswith(f"{TYPING}:"):
                raise NotFound("watch typing:ID first")
            self._node.spend_token(user_id)
        except MarketError as error:
            self.say(ErrorFrame(error=error_of(error)))
        else:
            self._node.beacons.type(user_id, frame.topic, frame.on)

    def _answer(self, frame: Struct, joined: Joined) -> int:
        size = self.say(frame)
        self.flush()  # a long answer must not count against what comes after it
        for item in joined.meanwhile:
            self.offer(item)
        return size

    def _refresh(self, frame: Refresh) -> None:
        assert self.identity is not None
        try:
            fresh = self._node.tokens.verify(frame.token, self._node.now_ms())
            if fresh.actor != self.identity.actor:
                raise Unauthenticated("that is somebody else's token, or another session's")
        except MarketError as error:
            self.say(ErrorFrame(error=error_of(error), id=frame.id))
            return
        self.identity = fresh
        self.say(Refreshed(id=frame.id, token_expires_ms=fresh.expires_ms))

    # --- commands -------------------------------------------------------------------------------------------------

    def _begin(self, frame: Command) -> None:
        try:
            operation = COMMANDS.get(frame.name)
            if operation is None:
                raise UnknownCommand(name=frame.name[:64])
            self._admit(operation.wing)
        except MarketError as error:
            self.say(Reply(id=frame.id, ok=False, error=error_of(error)))
            return
        task = asyncio.get_running_loop().create_task(self._perform(frame, operation))
        if self._commands is None:
            self._commands = set()
        self._commands.add(task)
        task.add_done_callback(self._commands.discard)

    def _admit(self, wing: str) -> None:
        assert self.identity is not None
        settings = self._node.settings
        self._node.spend_token(self.identity.actor.user_id)
        if self._commands is not None and len(self._commands) >= settings.max_in_flight:
            REFUSED.labels("in_flight").inc()
            raise Busy("too many commands in flight", limit=settings.max_in_flight)
        if self._node.in_flight[wing] >= settings.max_in_flight_per_wing:
            REFUSED.labels("in_flight_of_wing").inc()
            raise Busy("this part of the service is busy", wing=wing)

    async def _perform(self, frame: Command, operation: Any) -> None:
        assert self.identity is not None
        node = self._node
        node.in_flight[operation.wing] += 1
        try:
            if node.now_ms() >= self.identity.expires_ms:
                raise TokenExpired
            body = await operation.perform(
                node.wings[operation.wing],
                self.identity.actor,
                node.now_ms(),
                frame.key,
                frame.body,
            )
            reply = Reply(id=frame.id, ok=True, body=body)
        except MarketError as error:
            reply = Reply(id=frame.id, ok=False, error=error_of(error))
        finally:
            node.in_flight[operation.wing] -= 1
        self.say(reply)

    # --- out ------------------------------------------------------------------------------------------------------

    def say(self, frame: Struct) -> int:
        """A frame for this client alone; its size in bytes."""
        encoded = protocol.encode(frame, self.encoding)
        self.offer(Item(encoded))
        return len(encoded)

    async def go_away(self, retry_after_ms: int, finish_s: float) -> None:
        """Answer what is being done, say goodbye, and close."""
        if self._commands:
            await asyncio.wait(set(self._commands), timeout=finish_s)
        self.say(Bye(code=CloseCode.GOING_AWAY, reason="going away", retry_after_ms=retry_after_ms))
        self.close_soon(CloseCode.GOING_AWAY, "going away")

    def close_soon(self, code: CloseCode, reason: str) -> None:
        """Close without waiting for it: a peer that does not read cannot hold us up."""
        if self.closing is None:
            self.flush()
            CLOSES.labels(str(int(code))).inc()
            self.closing = (code, reason)
            if self._node.has(
                self
            ):  # end the pending read, or the peer's answer to our Close would be taken for it
                self._until_closed.reschedule(asyncio.get_running_loop().time())

    async def _close(self) -> None:
        """Say Close and wait for the peer's, as RFC 6455 7.1.1 wants; a while only."""
        code, reason = self.closing or (WSCloseCode.OK, "")
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._socket.close(code=code, message=reason.encode())
        except (TimeoutError, ConnectionError, RuntimeError):
            self._transport.abort()

    def check_pulse(self, now_s: float, utc_ms: int) -> None:
        """Once a second: ping the quiet, close the silent and those whose token ran out."""
        settings = self._node.settings
        if self.closing is not None or self.identity is None:
            return
        if utc_ms > self.identity.expires_ms + settings.token_grace_s * 1000:
            self.close_soon(CloseCode.TOKEN_EXPIRED, "token expired")
        elif self._pinged_s is not None:
            if now_s - self._pinged_s > settings.pong_s:
                self.close_soon(CloseCode.NO_PONG, "no pong")
        elif now_s - self._seen_s > settings.heartbeat_s:
            self._pinged_s = now_s
            self.say(ServerPing())
