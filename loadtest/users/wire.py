"""One WebSocket that speaks `sharehub.v1.msgpack`: messages of frames, both ways."""

from __future__ import annotations

import struct
from typing import Any

import msgspec
import websocket

from loadtest.users.trouble import Trouble

SUBPROTOCOL = "sharehub.v1.msgpack"
OPEN_S = 15.0
SILENCE_S = 60.0
"""The server says something at least every 25 s (a ping); longer silence means that the connection is dead."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder()


class Closed(Trouble):
    """The connection is over. `code`: the server's, 1006 for none."""

    def __init__(self, code: int, why: str = "") -> None:
        super().__init__(f"closed with {code} {why}".rstrip())
        self.code = code


class Wire:
    """Blocks the greenlet that calls it. One greenlet reads, any may write."""

    def __init__(self, url: str) -> None:
        """Raise Closed when there is no connection; its code is the HTTP status when the upgrade was refused with one."""
        try:
            self._socket = websocket.create_connection(
                url, subprotocols=[SUBPROTOCOL], timeout=OPEN_S, enable_multithread=True
            )
        except websocket.WebSocketBadStatusException as error:
            raise Closed(error.status_code, "upgrade refused") from error
        except (OSError, websocket.WebSocketException) as error:
            raise Closed(1006, f"no connection: {error!r}") from error
        self._socket.settimeout(SILENCE_S)

    def send(self, frames: list[dict[str, Any]]) -> None:
        try:
            self._socket.send_binary(_encoder.encode(frames))
        except (OSError, websocket.WebSocketException) as error:
            raise Closed(1006, repr(error)) from error

    def receive(self) -> tuple[list[dict[str, Any]], int]:
        """The next message's frames, and its bytes."""
        try:
            opcode, data = self._socket.recv_data()
        except (OSError, websocket.WebSocketException) as error:
            raise Closed(1006, repr(error)) from error
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else 1005
            raise Closed(code, data[2:].decode(errors="replace"))
        if opcode != websocket.ABNF.OPCODE_BINARY:
            raise Closed(1003, "a text message to a msgpack client")
        return _decoder.decode(data), len(data)

    def close(self) -> None:
        """Say goodbye without waiting for the answer."""
        try:
            self._socket.send_close(1000, b"")
        except (OSError, websocket.WebSocketException):
            pass
        self._socket.shutdown()
