"""One client: reads its frames, runs its commands, writes what its mailbox gives. The only file that touches the socket."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any

import structlog
from aiohttp import WSCloseCode, WSMsgType, web
from msgspec import Struct
from prometheus_client import Counter

from hub import protocol
from hub.commands import COMMANDS
from hub.errors import error_of
from hub.joining import Joined, join
from hub.mailbox import Item, Mailbox
from hub.node import Node
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
    Limited,
    MarketError,
    SessionRevoked,
    TokenExpired,
    Unauthenticated,
    UnknownCommand,
)  # fmt: skip

log = structlog.get_logger("connection")

CLOSES = Counter("sharehub_hub_closes_total", "Sockets closed by the server, by code.", ["code"])
CONFLATED = Counter(
    "sharehub_hub_conflated_total", "States replaced by a newer one before they were sent."
)
FRAMES = Counter("sharehub_hub_frames_total", "Frames received, by kind.", ["op"])
BYTES_OUT = Counter("sharehub_hub_bytes_out_total", "Bytes written to sockets.")


CLOSE_S = 3.0


class Refused(Exception):
    """The conversation ends, with this close code."""

    def __init__(self, code: CloseCode, reason: str, error: MarketError | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.error = error


class Connection:
    def __init__(
        self,
        node: Node,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport,
        encoding: Encoding,
    ) -> None:
        self.id = secrets.token_hex(8)
        self.encoding: Encoding = encoding
        self.topics: set[str] = set()
        self.identity: Identity | None = None
        self.own_session = ""
        self.session_revoked = False
        self.closing: tuple[CloseCode, str] | None = None
        self.gone = asyncio.Event()
        self._node = node
        self._socket = socket
        self._transport = transport
        self._mailbox = Mailbox(encoding, node.settings.mailbox_bytes)
        self._seen_s = time.monotonic()
        self._pinged_s: float | None = None
        self._until_closed = asyncio.timeout(None)
        self._commands: set[asyncio.Task[None]] = set()
        self._tokens = float(node.settings.command_burst)
        self._tokens_s = self._seen_s

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
            self.gone.set()

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
            FRAMES.labels(type(frame).__name__.lower()).inc()
        return frames

    async def _connect(self, first: protocol.ClientFrame, *rest: protocol.ClientFrame) -> None:
        if not isinstance(first, Connect):
            raise Refused(
                CloseCode.UNAUTHENTICATED, "connect first", Unauthenticated("connect first")
            )
        self.identity = identity = self._verify(first.token)
        actor = identity.actor
        self.own_session = f"{SESSION_PREFIX}{actor.session_id}"
        joined = await join(self._node, self, actor, first.topics, own_session=self.own_session)
        if self.session_revoked:
            raise Refused(CloseCode.SESSION_REVOKED, "session revoked", SessionRevoked())
        settings = self._node.settings
        self._answer(
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
                self._node.topics.leave(self, gone, self._node.now_s())
                self.topics -= gone
                self.say(Unsubscribed(id=frame.id))
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
            self._spend_token()
        except Limited as error:
            self.say(ErrorFrame(error=error_of(error), id=frame.id))
            return
        joined = await join(self._node, self, self.identity.actor, frame.topics)
        self._answer(Subscribed(id=frame.id, topics=joined.topics, refused=joined.refused), joined)

    def _answer(self, frame: Struct, joined: Joined) -> None:
        self.say(frame)
        self.flush()  # a long answer must not count against what comes after it
        for item in joined.meanwhile:
            self.offer(item)

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
        self._commands.add(task)
        task.add_done_callback(self._commands.discard)

    def _spend_token(self) -> None:
        """Commands and subscriptions both read the primary, and share one bucket."""
        settings, now_s = self._node.settings, time.monotonic()
        refilled = self._tokens + (now_s - self._tokens_s) * settings.commands_per_s
        self._tokens, self._tokens_s = min(settings.command_burst, refilled), now_s
        if self._tokens < 1:
            raise Limited("too many commands", per_second=settings.commands_per_s)
        self._tokens -= 1

    def _admit(self, wing: str) -> None:
        self._spend_token()
        settings = self._node.settings
        if len(self._commands) >= settings.max_in_flight:
            raise Busy("too many commands in flight", limit=settings.max_in_flight)
        if self._node.in_flight[wing] >= settings.max_in_flight_per_wing:
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

    def say(self, frame: Struct) -> None:
        """A frame for this client alone."""
        self.offer(Item(protocol.encode(frame, self.encoding)))

    def offer(self, item: Item) -> None:
        """Never waits, never fails. A client that lets too much pile up is sent away, to resume."""
        if self.closing is not None:
            return
        waiting = bool(self._mailbox)
        if not self._mailbox.put(item):
            self.close_soon(CloseCode.SLOW, "too slow; resume")
        elif not waiting:
            self._node.mark_dirty(self)

    def flush(self) -> bool:
        """Write what the socket will take. False when something had to stay."""
        while self._mailbox:
            if self._transport.is_closing():
                return True
            if self._transport.get_write_buffer_size() >= self._node.settings.high_water_bytes:
                return False
            message = self._mailbox.take()
            if message is not None:
                self._transport.write(message)
                BYTES_OUT.inc(len(message))
        if self._mailbox.conflated:
            CONFLATED.inc(self._mailbox.conflated)
            self._mailbox.conflated = 0
        return True

    def say_goodbye(self, reason: str, retry_after_ms: int) -> None:
        self.say(Bye(code=CloseCode.GOING_AWAY, reason=reason, retry_after_ms=retry_after_ms))
        self.flush()

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
