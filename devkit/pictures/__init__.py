"""Pictures for the demo, drawn when they are needed: nothing is kept or fetched."""

from __future__ import annotations

from collections.abc import Callable

from devkit.pictures import things
from devkit.pictures.faces import FACES, face
from devkit.pictures.sketch import Colour, Sketch, lighter

__all__ = ["FACES", "THINGS", "face", "photos"]

THINGS: dict[
    str, tuple[Callable[[Sketch, Colour], None], Colour, Colour, tuple[float, float, float]]
] = {
    "mountain bike": (things.mountain_bike, (214, 84, 58), (190, 222, 214), (720, 420, 620)),
    "folding bike": (things.folding_bike, (44, 128, 148), (246, 222, 178), (600, 520, 620)),
    "drill": (things.drill, (236, 148, 40), (206, 216, 228), (720, 400, 640)),
    "washer": (things.washer, (246, 196, 48), (188, 216, 236), (540, 560, 620)),
    "camera": (things.camera, (74, 82, 92), (232, 206, 190), (610, 480, 560)),
    "projector": (things.projector, (236, 238, 240), (120, 128, 168), (660, 500, 620)),
    "tent": (things.tent, (238, 126, 62), (186, 220, 240), (560, 520, 640)),
    "camping table": (things.camping_table, (62, 126, 108), (240, 220, 176), (480, 460, 620)),
    "meeting room": (things.meeting_room, (86, 110, 172), (222, 228, 240), (800, 330, 680)),
    "guitar": (things.guitar, (208, 134, 70), (228, 206, 216), (540, 560, 600)),
    "books": (things.books, (186, 72, 74), (236, 224, 200), (480, 480, 600)),
    "pump": (things.pump, (58, 100, 190), (204, 226, 214), (560, 500, 560)),
}
"""What there is a picture of: how it is drawn, its colour, the ground's, and where one looks closer (the middle, and the width of what is seen)."""


def photos(thing: str) -> list[bytes]:
    """Two JPEGs: all of it, and a closer look."""
    draw, colour, ground, closer = THINGS[thing]
    sketch = Sketch(lighter(ground, 0.45), ground)
    sketch.oval(lighter(ground, 0.28), (600, 440), 372)
    draw(sketch, colour)
    return [sketch.jpeg(), sketch.jpeg(part=closer)]
