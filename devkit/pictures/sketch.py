"""Flat drawing on a canvas of 1200 x 900 units, smooth at the edges."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFilter

Point = tuple[float, float]
Colour = tuple[int, int, int]

SIZE = (1200, 900)
FINE = 2
"""Pixels drawn for each one kept."""


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """So much of the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def darker(colour: Colour, share: float = 0.2) -> Colour:
    return mixed(colour, (16, 24, 32), share)


def lighter(colour: Colour, share: float = 0.35) -> Colour:
    return mixed(colour, (255, 255, 255), share)


class Sketch:
    def __init__(self, top: Colour, bottom: Colour, size: tuple[int, int] = SIZE) -> None:
        self._size = size
        width, height = (side * FINE for side in size)
        slope = Image.linear_gradient("L").rotate(
            -18, expand=True, resample=Image.Resampling.BILINEAR
        )
        inset = slope.size[0] // 5
        mask = slope.crop((inset, inset, slope.size[0] - inset, slope.size[1] - inset)).resize(
            (width, height)
        )
        self._image = Image.composite(
            Image.new("RGB", (width, height), bottom), Image.new("RGB", (width, height), top), mask
        )
        self._draw = ImageDraw.Draw(self._image)

    # --- shapes; the later lies over the earlier ---

    def polygon(self, colour: Colour, *points: Point) -> None:
        self._draw.polygon(_fine(points), fill=colour)

    def oval(self, colour: Colour, at: Point, across: float, down: float | None = None) -> None:
        """`across` and `down` are half of its width and height."""
        self._draw.ellipse(self._around(at, across, down), fill=colour)

    def ring(self, colour: Colour, at: Point, radius: float, width: float) -> None:
        """`width` inwards from the radius."""
        self._draw.ellipse(self._around(at, radius), outline=colour, width=round(width * FINE))

    def box(
        self,
        colour: Colour,
        left: float,
        top: float,
        right: float,
        bottom: float,
        round_: float = 0,
    ) -> None:
        where = tuple(side * FINE for side in (left, top, right, bottom))
        self._draw.rounded_rectangle(where, round_ * FINE, fill=colour)

    def line(self, colour: Colour, width: float, *points: Point) -> None:
        """With round ends and joints."""
        self._draw.line(_fine(points), fill=colour, width=round(width * FINE), joint="curve")
        for point in points:
            self.oval(colour, point, width / 2)

    def arc(
        self, colour: Colour, width: float, at: Point, radius: float, begin: float, end: float
    ) -> None:
        """Clockwise from `begin` to `end`, in degrees from three o'clock; round ends."""
        steps = max(2, int(abs(end - begin) / 4))
        angles = [math.radians(begin + (end - begin) * step / steps) for step in range(steps + 1)]
        self.line(
            colour,
            width,
            *((at[0] + radius * math.cos(a), at[1] + radius * math.sin(a)) for a in angles),
        )

    def curve(self, colour: Colour, width: float, *points: Point) -> None:
        """A Bézier curve of three or four points."""
        self.line(colour, width, *bend(*points))

    def shade(self, at: Point, across: float, down: float, strength: float = 0.28) -> None:
        """A soft shadow on the ground."""
        mask = Image.new("L", (self._size[0] // 2, self._size[1] // 2))
        (x, y), half = at, 0.5
        box = ((x - across) * half, (y - down) * half, (x + across) * half, (y + down) * half)
        ImageDraw.Draw(mask).ellipse(box, fill=round(255 * strength))
        mask = mask.filter(ImageFilter.GaussianBlur(max(3, down * half * 0.5))).resize(
            self._image.size
        )
        self._image.paste((20, 30, 40), mask=mask)

    # --- the picture ---

    def jpeg(
        self,
        *,
        part: tuple[float, float, float] | None = None,
        size: tuple[int, int] | None = None,
        quality: int = 88,
    ) -> bytes:
        """`part`: the middle and the width of what is to be seen, in units; all of it without."""
        seen = self._image
        if part is not None:
            x, y, width = part
            height = width * self._size[1] / self._size[0]
            left = min(max(0, x - width / 2), self._size[0] - width)
            top = min(max(0, y - height / 2), self._size[1] - height)
            right, low = left + width, top + height
            seen = seen.crop((left * FINE, top * FINE, right * FINE, low * FINE))
        out = io.BytesIO()
        seen.resize(size or self._size, Image.Resampling.LANCZOS).save(out, "JPEG", quality=quality)
        return out.getvalue()

    def _around(
        self, at: Point, across: float, down: float | None = None
    ) -> tuple[float, float, float, float]:
        x, y = at
        down = across if down is None else down
        return (x - across) * FINE, (y - down) * FINE, (x + across) * FINE, (y + down) * FINE


def bend(*points: Point, steps: int = 24) -> list[Point]:
    """Points along a Bézier curve."""
    found = []
    for step in range(steps + 1):
        part, some = step / steps, list(points)
        while len(some) > 1:
            some = [
                (a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part)
                for a, b in pairwise(some)
            ]
        found.append(some[0])
    return found


def _fine(points: Sequence[Point]) -> list[Point]:
    return [(x * FINE, y * FINE) for x, y in points]
