"""ShareHub's own protocol (docs/protocol.md), in msgpack. Of a push only its stamp is decoded."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from loadtest.swarm.dialect import AfterClose, Speaker


class State(Struct):
    topic: str
    kind: str
    version: int
    entries: list[Entry] | None = None
    more: bool = False


class Entry(Struct):
    version: int


class Refusal(Struct):
    topic: str
    code: str


class Refused(Struct):
    code: str


class Frame(Struct):
    """Every frame of the server's at once: what a frame does not have keeps its default, and payloads are skipped."""

    op: str
    topic: str = ""
    kind: str = ""
    version: int = 0
    committed_us: int = 0
    topics: list[State] = []
    refused: list[Refusal] = []
    error: Refused | None = None
    retry_after_ms: int = 0


PONG = msgspec.msgpack.encode([{"op": "pong"}])


class ShareHub:
    path = "/ws"
    subprotocol: str | None = "sharehub.v1.msgpack"

    def __init__(self) -> None:
        self._decoder = msgspec.msgpack.Decoder(list[Frame])
        self._encode = msgspec.msgpack.Encoder().encode
        self._last_payload = b""
        self._last_frames: list[Frame] = []
        self._id = 0

    def opened(self, client: Speaker) -> None:
        frame = {"op": "connect", "token": client.token, "topics": client.wants()}
        client.send(self._encode([frame]))

    def message(self, client: Speaker, opcode: int, payload: bytes) -> None:
        # The subscribers of one topic are sent the same bytes one after the other.
        if payload == self._last_payload:
            frames = self._last_frames
        else:
            frames = self._decoder.decode(payload)
            self._last_payload, self._last_frames = payload, frames
        for frame in frames:
            if frame.op == "push":
                client.push(frame.topic, frame.kind, frame.version, frame.committed_us)
            else:
                self._handle(client, frame)

    def _handle(self, client: Speaker, frame: Frame) -> None:
        match frame.op:
            case "ping":
                client.count("ping")
                client.send(PONG)
            case "connected" | "subscribed":
                for state in frame.topics:
                    entries = None if state.entries is None else [e.version for e in state.entries]
                    client.snapshot(state.topic, state.kind, state.version, entries, state.more)
                    if state.more:
                        client.ask_again(state.topic, 0)
                for refusal in frame.refused:
                    client.count(f"refused {refusal.code}")
                    if refusal.code == "unavailable":
                        client.ask_again(refusal.topic, 1.0)
                if frame.op == "connected":
                    client.live()
            case "bye":
                client.come_back_after(frame.retry_after_ms)
            case "error":
                client.count(f"error {frame.error.code if frame.error else '?'}")

    def watch(self, client: Speaker, topics: list[tuple[str, int | None]]) -> None:
        client.send(self._encode([{"op": "subscribe", "id": self._next_id(), "topics": topics}]))

    def unwatch(self, client: Speaker, topics: list[str]) -> None:
        client.send(self._encode([{"op": "unsubscribe", "id": self._next_id(), "topics": topics}]))

    def _next_id(self) -> int:
        self._id += 1
        return self._id

    def after_close(self, code: int) -> AfterClose:
        if code == 4100:
            return "token"
        return "end" if 4500 <= code < 5000 or code in (1002, 1007, 1009) else "back"
