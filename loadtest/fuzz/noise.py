"""Spoilt values and spoilt bytes. Everything follows from the given `random.Random`."""

from __future__ import annotations

import json
import math
from random import Random
from typing import Any

import msgspec

TEXTS = (
    "", "\x00", "x", "\ud800", "\udfff\ud800", "😀" * 20, "a" * 129, "é\x00😀", "‮", "%s%n{}", "../..", "null", "1", "-1",
    "9223372036854775808", "01", "9" * 400, "listing:", "user:007", "session:0", "a" * 5000,
)  # fmt: skip
NUMBERS: tuple[Any, ...] = (
    0, -1, 1, 255, 256, 2**31, 2**32, 2**53 - 1, 2**53, -(2**53), 2**63 - 1, 2**63, -(2**63), 2**64 - 1, 2**64, 2**70, 10**400,
    0.5, -0.0, 1e308, 5e-324, math.nan, math.inf, -math.inf, True, False, None,
)  # fmt: skip
TOKENS = (
    b"[", b"]", b"{", b"}", b'"', b",", b":", b"null", b"NaN", b"1e999", b"-", b"\\u0000", b"\\ud800", b"\\", b"[" * 8, b'{"a":' * 60,
    b'"op"', b'"op":"ping"', b'"id":1', b"9" * 60,
    b"\xc0", b"\xc1", b"\xff", b"\xdf\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff", b"\xdb\x7f\xff\xff\xff", b"\xc6\xff\xff\xff\xff",
    b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", b"\xcf" + b"\xff" * 8, b"\xd3\x80" + b"\x00" * 7, b"\xc7\x0c\xff" + b"\xff" * 12,
    b"\xd6\xff" + b"\xff" * 4, b"\x91" * 40, b"\x81\xa1a" * 40, b"\xa2op", b"\x00\x00\x00\x00", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
)  # fmt: skip


def value(dice: Random, depth: int = 3) -> Any:
    """Anything that one of the encodings can say."""
    match dice.randrange(12 if depth else 8):
        case 0 | 1 | 2 | 3:
            return dice.choice(NUMBERS)
        case 4 | 5 | 6:
            return dice.choice(TEXTS)
        case 7:
            return dice.choice((b"", b"\xff", msgspec.msgpack.Ext(5, b"x"), deep(dice)))
        case 8 | 9:
            return [value(dice, depth - 1) for _ in range(dice.randrange(4))]
        case _:
            keys = dice.sample(
                ("op", "id", "", "a", "key", "topics", "😀", "\x00"), dice.randrange(4)
            )
            return {key: value(dice, depth - 1) for key in keys}


def deep(dice: Random) -> Any:
    nest: Any = 1
    for _ in range(dice.choice((10, 100, 500))):
        nest = [nest] if dice.random() < 0.5 else {"a": nest}
    return nest


def spoil(dice: Random, thing: Any) -> Any:
    """The same thing with one part of it exchanged, dropped, doubled or renamed. Never changes `thing` itself."""
    if not isinstance(thing, dict | list) or not thing or dice.random() < 0.15:
        return value(dice)
    if isinstance(thing, list):
        at = dice.randrange(len(thing))
        head, part, tail = thing[:at], thing[at], thing[at + 1 :]
        if dice.random() < 0.2:
            return head + tail
        return [*head, spoil(dice, part), *([part] * dice.choice((0, 0, 1, 20))), *tail]
    name = dice.choice(list(thing))
    if dice.random() < 0.2:
        return {k: v for k, v in thing.items() if k != name}
    if dice.random() < 0.15:
        return {(dice.choice(TEXTS) if k == name else k): v for k, v in thing.items()}
    return {k: spoil(dice, v) if k == name else v for k, v in thing.items()}


def garble(dice: Random, raw: bytes, other: bytes = b"") -> bytes:
    """The same bytes with some flipped, cut, doubled, moved, or mixed with those of `other`."""
    mess = bytearray(raw)
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        at = dice.randrange(len(mess) + 1)
        to = min(len(mess), at + dice.choice((1, 2, 4, 30)))
        match dice.randrange(8):
            case 0 | 1 if at < len(mess):
                mess[at] ^= 1 << dice.randrange(8)
            case 2 if at < len(mess):
                mess[at] = dice.randrange(256)
            case 3:
                del mess[at:to]
            case 4:
                mess[at:at] = dice.choice(TOKENS)
            case 5:
                mess[at:at] = mess[at:to] * dice.choice((1, 2, 50))
            case 6:
                del mess[at:]
            case _:
                mess[at:to] = other[at : to + dice.randrange(40)]
    return bytes(mess[:70_000])


def to_json(thing: Any) -> bytes:
    """As JSON writers write it that ask no questions: NaN, lone surrogates, whatever the size of a number."""
    try:
        return json.dumps(thing, default=lambda _: "binary", skipkeys=True).encode()
    except (RecursionError, ValueError):
        return b"[" * 20_000 + b"]" * 20_000


def to_msgpack(thing: Any) -> bytes:
    try:
        return msgspec.msgpack.encode(thing)
    except (OverflowError, UnicodeEncodeError, RecursionError, ValueError, TypeError):
        return b"\x91" + b"\x91" * 20_000 + b"\xcf" + b"\xff" * 8


def doubled(dice: Random, frame: dict[str, Any], json_: bool) -> bytes:
    """A message of one frame that has one of its keys twice, with two values."""
    pairs = [*frame.items()]
    name = dice.choice(list(frame))
    pairs.insert(dice.randrange(len(pairs) + 1), (name, value(dice)))
    if json_:
        return b"[{" + b",".join(to_json(k) + b":" + to_json(v) for k, v in pairs) + b"}]"
    head = b"\x91" + bytes([0x80 | len(pairs)])
    return head + b"".join(to_msgpack(k) + to_msgpack(v) for k, v in pairs)
