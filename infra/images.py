"""Photos as people upload them -> photos as they are shown: decoded, turned upright, scaled, and nothing else kept.

An image is not believed before its header has been read: a few hundred bytes can claim to be gigabytes. What a camera writes
beside the picture (place, time, owner) is not written again. All of this takes time and memory, so it runs in threads, few at once.
"""

from __future__ import annotations

import base64
import hashlib
import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from market.kernel.errors import BadImage

MOST_PIXELS = 40_000_000
LEAST_SIDE, LONGEST_SIDE = 32, 16_000
SIZES = (1440, 720, 240)
"""The longest sides of what is shown: whole, in a list, on a map. The first is the photo itself, the others have `_720` behind."""

QUALITY = 82
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
LOOK_SIDE = 8
LOOK_CHARACTERS = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """`name`: what it looks like (64 bits) and what it is (SHA-256, 128 bits), in base64url: the same picture, the same name.

    `files`: what to put behind the name -> JPEG bytes.
    """

    name: str
    width: int
    height: int
    files: dict[str, bytes]


def prepare(raw: bytes, content_type: str) -> Shown:
    """Blocks. Raise BadImage, whose `reason` is format, size, pixels or broken."""
    picture = _opened(raw, content_type)
    try:
        # A JPEG is decoded at a half, a quarter or an eighth where that is still enough.
        picture.draft("RGB", (SIZES[0], SIZES[0]))
        upright = ImageOps.exif_transpose(picture)
        whole = _fitting(_flat(upright), SIZES[0])
        whole.info = {}  # a comment would be written again
    except (OSError, ValueError, SyntaxError, MemoryError, EOFError) as error:
        raise BadImage("the image is broken", reason="broken") from error
    files = {"": _jpeg(whole)}
    for side in SIZES[1:]:
        files[f"_{side}"] = _jpeg(_fitting(whole, side))
    digest = hashlib.sha256(files[""]).digest()[:16]
    return Shown(
        name=_text(look(whole).to_bytes(8)) + _text(digest), width=whole.width, height=whole.height,
        files=files,
    )  # fmt: skip


def look(picture: Image.Image) -> int:
    """64 bits that change little when a picture is scaled, compressed or lightened: whether each of 8 by 8 fields is lighter than
    its neighbour to the right (dHash)."""
    small = picture.convert("L").resize((LOOK_SIDE + 1, LOOK_SIDE), Image.Resampling.LANCZOS)
    fields = small.tobytes()
    bits = 0
    for row in range(LOOK_SIDE):
        for column in range(LOOK_SIDE):
            place = row * (LOOK_SIDE + 1) + column
            bits = bits << 1 | (fields[place] > fields[place + 1])
    return bits


def look_of(name: str) -> int:
    """What a photo's name says of its look."""
    return int.from_bytes(base64.urlsafe_b64decode(f"{name[:LOOK_CHARACTERS]}="))


def _opened(raw: bytes, content_type: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit is below Pillow's
            picture = Image.open(io.BytesIO(raw), formats=(FORMATS[content_type],))
    except Image.DecompressionBombError as error:
        raise BadImage("the image has too many pixels", reason="pixels") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise BadImage("these bytes are no such image", reason="format") from error
    width, height = picture.size
    if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
        raise BadImage(
            "the image has too many pixels", reason="pixels", width=width, height=height, most=MOST_PIXELS
        )  # fmt: skip
    if min(width, height) < LEAST_SIDE:
        raise BadImage("the image is too small", reason="size", width=width, height=height)
    return picture


def _flat(picture: Image.Image) -> Image.Image:
    """In red, green and blue; what can be seen through, on white."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        ground = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(ground, layered).convert("RGB")
    return picture.convert("RGB")


def _fitting(picture: Image.Image, side: int) -> Image.Image:
    scale = side / max(picture.size)
    if scale >= 1:
        return picture
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _jpeg(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY, optimize=True, progressive=True)
    return out.getvalue()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
