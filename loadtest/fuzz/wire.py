"""A WebSocket by hand (RFC 6455), so that it can be held wrongly."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from random import Random

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
ODD_CODES = (0, 999, 1000, 1001, 1004, 1005, 1006, 1015, 2999, 3000, 4000, 4999, 5000, 65535)


def frame(
    dice: Random, opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0, masked: bool = True,
    claims: int | None = None,
) -> bytes:  # fmt: skip
    """One frame. `claims`: the length in its head, if that is not the payload's."""
    length = len(payload) if claims is None else claims
    head = bytearray([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if masked else 0
    if length < 126 and claims is None:
        head.append(bit | length)
    elif length < 2**16 and claims is None:
        head.append(bit | 126)
        head += struct.pack(">H", length)
    else:
        head.append(bit | 127)
        head += struct.pack(">Q", length)
    if not masked:
        return bytes(head) + payload
    key = dice.randbytes(4)
    size = len(payload)
    stream = int.from_bytes((key * (size // 4 + 1))[:size])
    return bytes(head) + key + (int.from_bytes(payload) ^ stream).to_bytes(size)


def message(dice: Random, opcode: int, payload: bytes) -> bytes:
    """The whole message, rightly said: in one frame, or in several with pings between them."""
    if dice.random() < 0.92 or not payload:
        return frame(dice, opcode, payload)
    cuts = sorted(dice.randrange(len(payload) + 1) for _ in range(dice.choice((1, 2, 5))))
    parts = [payload[a:b] for a, b in zip([0, *cuts], [*cuts, len(payload)], strict=True)]
    said = b""
    for number, part in enumerate(parts):
        kind = CONTINUATION if number else opcode
        said += frame(dice, kind, part, fin=number == len(parts) - 1)
        if number < len(parts) - 1 and dice.random() < 0.5:
            said += frame(dice, dice.choice((PING, PONG)), dice.randbytes(dice.choice((0, 5, 125))))
    return said


def broken(dice: Random, opcode: int, payload: bytes) -> bytes:
    """What breaks RFC 6455, or ends the conversation by it."""
    match dice.randrange(12):
        case 0:
            return frame(dice, opcode, payload, masked=False)
        case 1:
            return frame(dice, opcode, payload, rsv=dice.randrange(1, 8))
        case 2:
            return frame(dice, dice.choice((3, 4, 5, 6, 7, 11, 12, 13, 14, 15)), payload)
        case 3:
            return frame(
                dice,
                opcode,
                payload,
                claims=dice.choice((2**16, 2**31, 2**40, 2**63 - 1, 2**64 - 1)),
            )
        case 4:
            return frame(dice, dice.choice((CLOSE, PING, PONG)), b"x" * dice.choice((126, 5000)))
        case 5:
            return frame(dice, dice.choice((CLOSE, PING, PONG)), b"x", fin=False)
        case 6:
            return frame(dice, CONTINUATION, payload, fin=dice.random() < 0.5)
        case 7:
            return frame(dice, opcode, payload[:9], fin=False) + frame(dice, opcode, payload)
        case 8:
            reason = dice.choice((b"", b"bye", b"\xff\xfe", b"x" * 123))
            return frame(dice, CLOSE, struct.pack(">H", dice.choice(ODD_CODES)) + reason)
        case 9:
            return frame(dice, CLOSE, dice.choice((b"", b"\x03")))
        case 10:
            return frame(dice, opcode, b" " * dice.choice((2**16, 2**16 + 1, 70_000)))
        case _:
            whole = frame(dice, opcode, payload)
            return whole[: dice.randrange(len(whole))]


@dataclass(slots=True)
class Said:
    """One frame of the server's."""

    opcode: int
    payload: bytes


class NotWebSocket(Exception):
    """The server's own bytes break RFC 6455."""


async def hear(reader: asyncio.StreamReader) -> Said:
    """The server's next frame. Raise IncompleteReadError at the end, NotWebSocket for what no server may say."""
    first, second = await reader.readexactly(2)
    length = second & 0x7F
    if length == 126:
        (length,) = struct.unpack(">H", await reader.readexactly(2))
    elif length == 127:
        (length,) = struct.unpack(">Q", await reader.readexactly(8))
    if not first & 0x80 or first & 0x70 or second & 0x80:
        raise NotWebSocket(f"a frame that begins with {first:#x} {second:#x}")
    if first & 0x0F not in (TEXT, BINARY, CLOSE, PING, PONG):
        raise NotWebSocket(f"opcode {first & 15}")
    return Said(first & 0x0F, await reader.readexactly(length))
