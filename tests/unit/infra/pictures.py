"""Pictures for tests: real ones, and some that only claim to be."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image


def gradient(width: int, height: int, *, turn: int = 0) -> Image.Image:
    """Nothing in it is the same twice. `turn` gives another picture."""
    picture = Image.new("RGB", (width, height))
    picture.putdata(
        [
            ((x * 255 // width + turn) % 256, y * 255 // height, (x * 7 + y * 3 + turn) % 256)
            for y in range(height)
            for x in range(width)
        ]
    )
    return picture


def encoded(picture: Image.Image, format_: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, format_, **options)
    return out.getvalue()


def opened(raw: bytes) -> Image.Image:
    return Image.open(io.BytesIO(raw))


def bomb(width: int, height: int) -> bytes:
    """A PNG of a hundred bytes that claims to have so many pixels, and has none."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"")
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )
