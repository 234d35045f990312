"""As much of RFC 6455 as a client needs that sends little and is sent unmasked, uncompressed frames."""

from __future__ import annotations

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
CONTINUATION = 0x0

KEY = "c2hhcmVodWItc3dhcm0uLg=="
ACCEPT = b"UWUZvpM+tdeFUmwujKGTdSFgmUk="
"""What a server makes of KEY (section 4.2.2)."""


def upgrade(path: str, authority: str, subprotocol: str | None) -> bytes:
    """The client's handshake."""
    lines = [
        f"GET {path} HTTP/1.1", f"Host: {authority}", "Upgrade: websocket", "Connection: Upgrade",
        f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13",
    ]  # fmt: skip
    if subprotocol is not None:
        lines.append(f"Sec-WebSocket-Protocol: {subprotocol}")
    return "\r\n".join([*lines, "", ""]).encode()


def masked(opcode: int, payload: bytes) -> bytes:
    """A final client frame. The masking key is four zeros: the same bytes on the wire, and nothing to compute."""
    length = len(payload)
    if length < 126:
        head = bytes([0x80 | opcode, 0x80 | length])
    elif length < 65_536:
        head = bytes([0x80 | opcode, 0xFE]) + length.to_bytes(2, "big")
    else:
        head = bytes([0x80 | opcode, 0xFF]) + length.to_bytes(8, "big")
    return head + b"\0\0\0\0" + payload


def bounds(data: bytes, at: int) -> tuple[int, int]:
    """Where the payload of the frame at `at` begins and ends; (0, 0) while its head is not whole."""
    size = len(data)
    if size - at < 2:
        return 0, 0
    length = data[at + 1] & 0x7F
    begin = at + 2
    if length == 126:
        begin += 2
        length = int.from_bytes(data[at + 2 : begin], "big")
    elif length == 127:
        begin += 8
        length = int.from_bytes(data[at + 2 : begin], "big")
    return (begin, begin + length) if size >= begin else (0, 0)
