"""Pictures for demo listings, drawn so that nothing has to be kept or fetched: a thing's shape on its category's colour."""

from __future__ import annotations

import io
import random

from PIL import Image, ImageDraw, ImageFilter

SIZE = (960, 720)
GROUNDS = {
    "tools": ((236, 179, 101), (196, 110, 52)), "bicycles": ((126, 200, 163), (38, 120, 102)),
    "spaces": ((168, 186, 224), (84, 98, 168)), "skills": ((242, 170, 170), (186, 76, 98)),
    "cameras": ((150, 160, 178), (52, 58, 80)), "outdoor": ((168, 206, 116), (72, 128, 60)),
    "books": ((224, 198, 160), (142, 96, 60)), "other": ((200, 200, 200), (120, 120, 120)),
}  # fmt: skip


def picture(category: str, seed: int) -> bytes:
    """A JPEG; another seed gives another picture."""
    chance = random.Random(f"{category} {seed}")
    light, dark = GROUNDS[category]
    width, height = SIZE
    image = Image.new("RGB", SIZE)
    draw = ImageDraw.Draw(image)
    for y in range(height):
        part = y / height
        row = tuple(round(a + (b - a) * part) for a, b in zip(light, dark, strict=True))
        draw.line((0, y, width, y), fill=row)
    for _ in range(14):
        left, top, size = (
            chance.uniform(0, width),
            chance.uniform(0, height),
            chance.uniform(60, 320),
        )
        shade = tuple(
            min(255, round(c * chance.uniform(0.75, 1.3))) for c in chance.choice((light, dark))
        )
        box = (left, top, left + size, top + size)
        chance.choice((draw.ellipse, draw.rectangle))(box, fill=shade)
    image = image.filter(ImageFilter.GaussianBlur(6))
    _thing(ImageDraw.Draw(image), category)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88)
    return out.getvalue()


def _thing(draw: ImageDraw.ImageDraw, category: str) -> None:
    ink, width = (255, 255, 255), 22
    match category:
        case "bicycles":
            for x in (300, 660):
                draw.ellipse((x - 130, 300, x + 130, 560), outline=ink, width=width)
            draw.line(
                (300, 430, 430, 260, 600, 260, 660, 430, 470, 430, 430, 260), fill=ink, width=width
            )
        case "cameras":
            draw.rounded_rectangle((250, 250, 710, 550), 40, outline=ink, width=width)
            draw.ellipse((380, 300, 580, 500), outline=ink, width=width)
        case "outdoor":
            draw.polygon(((220, 540), (480, 200), (740, 540)), outline=ink, width=width)
            draw.line((480, 200, 480, 540), fill=ink, width=width)
        case "books":
            for x in (310, 430, 550):
                draw.rectangle((x, 230, x + 100, 540), outline=ink, width=width)
        case "spaces":
            draw.rectangle((270, 250, 690, 550), outline=ink, width=width)
            draw.line((480, 250, 480, 550), fill=ink, width=width)
        case "skills":
            draw.ellipse((330, 330, 470, 500), outline=ink, width=width)
            draw.line((460, 420, 460, 210, 630, 250), fill=ink, width=width)
        case _:
            draw.line((330, 530, 560, 290), fill=ink, width=60)
            draw.ellipse((510, 200, 680, 370), outline=ink, width=44)
