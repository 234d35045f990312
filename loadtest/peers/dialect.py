"""Engine.IO 4 and Socket.IO 5 over WebSocket alone, as their servers speak it by default: every packet a text message."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from loadtest.swarm.dialect import AfterClose, Speaker

CONNECT, JOIN_ID = b"40", b"0"
EVENT, JOINED = b"42", b"430["


class Push(Struct):
    """Of an event's argument only what tells deliveries apart; the payload is skipped."""

    topic: str
    kind: str
    version: int
    committed_us: int


class SocketIo:
    path = "/socket.io/?EIO=4&transport=websocket"
    subprotocol: str | None = None

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(tuple[str, Push])
        self._last_payload = b""
        self._last_push: Push | None = None

    def opened(self, client: Speaker) -> None:
        """The server speaks first: an Engine.IO `open`."""

    def message(self, client: Speaker, opcode: int, payload: bytes) -> None:
        if payload[:2] == EVENT:
            push = self._decoded(payload)
            client.push(push.topic, push.kind, push.version, push.committed_us)
        elif payload == b"2":
            client.count("ping")
            client.send(b"3", text=True)
        elif payload[:1] == b"0":
            client.send(CONNECT, text=True)
        elif payload[:2] == CONNECT:
            self.watch(client, client.wants())
        elif payload[:4] == JOINED:
            client.live()
        else:
            client.count(f"packet {payload[:2].decode(errors='replace')}")

    def _decoded(self, payload: bytes) -> Push:
        # The members of one room are sent the same bytes one after the other.
        if self._last_push is None or payload != self._last_payload:
            self._last_push = self._decoder.decode(payload[2:])[1]
            self._last_payload = payload
        return self._last_push

    def watch(self, client: Speaker, topics: list[tuple[str, int | None]]) -> None:
        event = msgspec.json.encode(("join", [topic for topic, _ in topics]))
        client.send(EVENT + JOIN_ID + event, text=True)

    def unwatch(self, client: Speaker, topics: list[str]) -> None:
        raise NotImplementedError("rooms are left by closing the connection")

    def after_close(self, code: int) -> AfterClose:
        return "back"
