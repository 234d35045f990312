"""Faces of the demo's people: hair, a shirt, and little else."""

from __future__ import annotations

from collections.abc import Callable

from devkit.pictures.sketch import Colour, Sketch, bend, darker, lighter

SIZE = (480, 480)
SKIN: Colour = (244, 206, 176)
TAN: Colour = (226, 178, 140)
BLACK: Colour = (48, 44, 48)
GREY: Colour = (150, 150, 150)
BROWN: Colour = (92, 62, 48)

Hair = Callable[[Sketch, Colour], None]


def _none(on: Sketch, colour: Colour) -> None:
    del on, colour


def _long_behind(on: Sketch, colour: Colour) -> None:
    on.box(colour, 126, 130, 354, 396, 100)


def _bob_behind(on: Sketch, colour: Colour) -> None:
    on.box(colour, 118, 110, 362, 330, 96)


def _bun_behind(on: Sketch, colour: Colour) -> None:
    on.oval(colour, (240, 98), 46)


def _fringe(on: Sketch, colour: Colour) -> None:
    on.polygon(
        colour,
        (150, 212),
        *bend((150, 212), (140, 96), (240, 92), steps=30),
        *bend((240, 92), (340, 96), (330, 212), steps=30),
        *bend((330, 212), (316, 168), (240, 172), (164, 168), (150, 212), steps=30),
    )


def _parted(on: Sketch, colour: Colour) -> None:
    on.polygon(
        colour,
        *bend((148, 226), (132, 92), (250, 94), steps=30),
        *bend((250, 94), (348, 96), (332, 226), steps=30),
        *bend((332, 226), (322, 168), (214, 140), steps=30),
        *bend((214, 140), (184, 178), (148, 226), steps=30),
    )


def _short(on: Sketch, colour: Colour) -> None:
    on.polygon(
        colour,
        *bend((150, 206), (142, 98), (240, 96), steps=30),
        *bend((240, 96), (338, 98), (330, 206), steps=30),
        (318, 176),
        *bend((318, 176), (240, 150), (162, 176), steps=30),
    )


def _quiff(on: Sketch, colour: Colour) -> None:
    on.polygon(
        colour,
        (152, 212),
        *bend((152, 212), (146, 120), (214, 112), steps=30),
        *bend((214, 112), (270, 56), (338, 112), steps=30),
        *bend((338, 112), (346, 150), (328, 212), steps=30),
        (316, 172),
        *bend((316, 172), (240, 186), (166, 172), steps=30),
    )


def _cap(on: Sketch, colour: Colour) -> None:
    on.polygon(
        colour,
        *bend((146, 190), (140, 82), (240, 84), steps=30),
        *bend((240, 84), (340, 82), (334, 190), steps=30),
    )
    on.box(darker(colour), 140, 176, 376, 202, 13)


FACES: dict[str, tuple[Colour, Colour, Colour, Colour, Hair, Hair, bool]] = {
    "陈建国": ((186, 214, 204), SKIN, GREY, (46, 96, 88), _none, _short, True),
    "小满": ((250, 214, 178), SKIN, BLACK, (226, 110, 84), _bob_behind, _fringe, False),
    "林晓": ((206, 206, 238), SKIN, BROWN, (96, 98, 176), _long_behind, _parted, False),
    "周师傅": ((246, 224, 150), TAN, (44, 84, 140), (70, 110, 160), _none, _cap, False),
    "许阿姨": ((246, 200, 204), SKIN, (110, 104, 108), (168, 72, 104), _bun_behind, _parted, True),
    "阿哲": ((190, 216, 240), TAN, BLACK, (58, 78, 100), _none, _quiff, False),
}
"""By name: the ground, the skin, the hair, the shirt, what of the hair is behind the face and what before it, and whether there are glasses."""


def face(name: str, side: int = SIZE[0]) -> bytes:
    """A JPEG, square, of so many pixels."""
    ground, skin, hair, shirt, behind, before, glasses = FACES[name]
    on = Sketch(lighter(ground), ground, SIZE)
    behind(on, hair)
    on.box(darker(skin, 0.08), 212, 290, 268, 390, 26)
    on.box(shirt, 92, 364, 388, 560, 96)
    on.oval(darker(skin, 0.08), (240, 370), 36, 24)
    on.oval(skin, (148, 232), 20, 26)
    on.oval(skin, (332, 232), 20, 26)
    on.box(skin, 152, 116, 328, 326, 86)
    for x in (204, 276):
        on.oval((60, 48, 46), (x, 228), 9, 11)
    on.arc((176, 92, 78), 7, (240, 252), 32, 35, 145)
    for x in (180, 300):
        on.oval(darker((246, 176, 156), 0.02), (x, 264), 16, 10)
    before(on, hair)
    if glasses:
        for x in (204, 276):
            on.ring((70, 66, 70), (x, 228), 31, 6)
        on.line((70, 66, 70), 6, (234, 224), (246, 224))
    return on.jpeg(size=(side, side))
