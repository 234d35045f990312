"""A connection to Redis that only listens.

Messages are handed over in `data_received`, many for one read and without a coroutine: redis-py's PubSub costs some 60 us of
CPU for each message, this 2. It is made once and never mends itself: whoever uses it must know of every gap.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable
from typing import Any, cast

import hiredis
from redis.asyncio.connection import SSLConnection, parse_url
from redis.exceptions import ConnectionError as Disconnected

OnMessage = Callable[[bytes, bytes], None]
OnSubscribed = Callable[[bytes], None]
CHUNK = 500
REST_S = 0.01
MOST_REST_S = 0.02
"""After each message that a read has brought we rest, up to the most: a lone message is heard at once, and what comes at hundreds a
second is heard together. That spares wake-ups, which cost more than the messages, and lets a client get several pushes in one frame."""


class Subscriber(asyncio.Protocol):
    """Made by `open_subscriber`. `lost` is done, with the reason, when the connection is."""

    def __init__(self, on_message: OnMessage, on_subscribed: OnSubscribed) -> None:
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self.lost.add_done_callback(lambda future: future.cancelled() or future.exception())
        self._on_message = on_message
        self._on_subscribed = on_subscribed
        self._reader = hiredis.Reader()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        reader, on_message, heard = self._reader, self._on_message, 0
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not False:
                if type(reply) is list:
                    kind = reply[0]
                    if kind == b"message":
                        on_message(reply[1], reply[2])
                        heard += 1
                    elif kind == b"subscribe":
                        self._on_subscribed(reply[1])
                elif isinstance(reply, Exception):
                    raise Disconnected(str(reply))
        except (hiredis.ProtocolError, Disconnected) as error:
            self._end(Disconnected(str(error)))
        if heard and self._transport is not None:
            self._transport.pause_reading()
            self._loop.call_later(min(heard * REST_S, MOST_REST_S), self._read_on)

    def _read_on(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or Disconnected("Redis closed the connection"))

    def subscribe(self, channels: Iterable[str]) -> None:
        """`on_subscribed` is called for each as Redis acknowledges it."""
        self._send_in_chunks("SUBSCRIBE", channels)

    def unsubscribe(self, channels: Iterable[str]) -> None:
        self._send_in_chunks("UNSUBSCRIBE", channels)

    def close(self) -> None:
        self._end(Disconnected("closed"))

    def send(self, *words: str) -> None:
        if self._transport is not None:
            self._transport.write(hiredis.pack_command(words))  # type: ignore[arg-type]

    def _send_in_chunks(self, verb: str, channels: Iterable[str]) -> None:
        all_ = list(channels)
        for start in range(0, len(all_), CHUNK):
            self.send(verb, *all_[start : start + CHUNK])

    def _end(self, reason: Exception) -> None:
        if not self.lost.done():
            self.lost.set_exception(reason)
        if self._transport is not None:
            self._transport.abort()
            self._transport = None


async def open_subscriber(
    url: str, on_message: OnMessage, on_subscribed: OnSubscribed, *, timeout_s: float = 1.0
) -> Subscriber:
    """Connect and log in as the URL says. Raise OSError or TimeoutError when Redis is away."""
    options: dict[str, Any] = dict(parse_url(url))
    tls = options.get("connection_class") is SSLConnection
    loop = asyncio.get_running_loop()

    def protocol() -> Subscriber:
        return Subscriber(on_message, on_subscribed)

    async with asyncio.timeout(timeout_s):
        if "path" in options:
            _, subscriber = await loop.create_unix_connection(protocol, options["path"])
        else:
            _, subscriber = await loop.create_connection(
                protocol, options.get("host", "localhost"), options.get("port", 6379),
                ssl=ssl.create_default_context() if tls else None,
            )  # fmt: skip
    if options.get("password"):
        subscriber.send("AUTH", options.get("username") or "default", options["password"])
    return subscriber
