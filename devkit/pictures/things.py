"""Things that people share, each drawn in a colour of its own."""

from __future__ import annotations

import math

from devkit.pictures.sketch import Colour, Sketch, bend, darker, lighter, mixed

INK: Colour = (43, 52, 60)
STEEL: Colour = (196, 204, 210)
PALE: Colour = (247, 248, 246)
WOOD: Colour = (201, 150, 98)
GLASS: Colour = (158, 206, 224)


def mountain_bike(on: Sketch, colour: Colour) -> None:
    _bicycle(on, colour, radius=158, rear=(372, 566), front=(828, 566), tyre=34)


def folding_bike(on: Sketch, colour: Colour) -> None:
    on.shade((600, 704), 330, 26)
    rear, front, crank = (410, 596), (800, 596), (590, 606)
    for wheel in (rear, front):
        _wheel(on, wheel, 104, 24)
    on.line(STEEL, 16, (520, 300), (560, 520))
    on.line(STEEL, 16, (706, 250), (770, 480))
    on.line(darker(colour), 18, rear, (560, 520), crank, rear)
    on.line(colour, 34, (560, 520), (760, 452))
    on.line(colour, 22, (752, 420), front)
    on.box(darker(colour, 0.35), 640, 458, 682, 508, 10)
    _saddle(on, (516, 292))
    on.line(INK, 18, (706, 250), (666, 232))
    on.line(INK, 18, (706, 250), (742, 236))
    _crank(on, crank)


def _bicycle(
    on: Sketch,
    colour: Colour,
    *,
    radius: float,
    rear: tuple[float, float],
    front: tuple[float, float],
    tyre: float,
) -> None:
    on.shade((600, rear[1] + radius + 8), 400, 26)
    crank, seat, head, low = (566, 560), (500, 356), (734, 346), (752, 408)
    for wheel in (rear, front):
        _wheel(on, wheel, radius, tyre)
    on.line(darker(colour), 20, rear, crank)
    on.line(darker(colour), 18, rear, seat)
    on.line(STEEL, 18, (494, 330), (482, 292))
    on.line(STEEL, 24, (744, 380), (776, 468))
    on.line(INK, 22, (776, 468), front)
    on.line(colour, 28, seat, crank)
    on.line(colour, 32, crank, low)
    on.line(colour, 26, (506, 376), (738, 360))
    on.line(colour, 36, head, low)
    on.line(lighter(colour), 6, (530, 372), (712, 358))
    _saddle(on, (474, 284))
    on.line(STEEL, 18, head, (724, 306))
    on.line(INK, 22, (690, 290), (768, 302))
    _crank(on, crank)


def _wheel(on: Sketch, at: tuple[float, float], radius: float, tyre: float) -> None:
    on.ring(INK, at, radius, tyre)
    on.ring(STEEL, at, radius - tyre + 2, 8)
    for turn in range(12):
        angle = math.pi * turn / 12
        across, down = (radius - tyre) * math.cos(angle), (radius - tyre) * math.sin(angle)
        on.line(STEEL, 2.4, (at[0] - across, at[1] - down), (at[0] + across, at[1] + down))
    on.oval(INK, at, 16)
    on.oval(STEEL, at, 8)


def _saddle(on: Sketch, at: tuple[float, float]) -> None:
    x, y = at
    on.polygon(
        INK,
        *bend((x - 58, y - 14), (x - 20, y - 24), (x + 62, y - 4)),
        (x + 60, y + 8),
        *bend((x + 10, y + 6), (x - 30, y + 30), (x - 60, y + 6)),
    )


def _crank(on: Sketch, at: tuple[float, float]) -> None:
    x, y = at
    on.ring(INK, at, 42, 12)
    on.line(STEEL, 14, at, (x + 52, y + 56))
    on.line(INK, 18, (x + 32, y + 60), (x + 76, y + 60))
    on.oval(STEEL, at, 14)


def drill(on: Sketch, colour: Colour) -> None:
    on.shade((560, 742), 320, 26)
    on.box(darker(colour, 0.55), 402, 640, 642, 736, 22)
    on.box(INK, 402, 668, 642, 688)
    on.polygon(darker(colour, 0.12), (452, 470), (598, 470), (606, 652), (436, 652))
    on.polygon(INK, *bend((586, 500), (620, 560), (604, 652)), (572, 652), (560, 500))
    on.box(INK, 588, 496, 622, 556, 16)
    on.box(colour, 330, 296, 700, 488, 70)
    on.box(lighter(colour), 372, 318, 640, 340, 11)
    on.polygon(darker(colour, 0.3), (690, 318), (770, 340), (770, 444), (690, 466))
    on.box(INK, 766, 344, 838, 440, 16)
    on.polygon(darker(STEEL, 0.35), (838, 364), (880, 378), (880, 406), (838, 420))
    on.line(STEEL, 14, (880, 392), (1040, 392))
    on.polygon(STEEL, (1040, 383), (1066, 392), (1040, 401))
    for x in (400, 430, 460):
        on.line(darker(colour, 0.45), 10, (x, 400), (x, 452))
    on.oval(PALE, (604, 404), 30)
    on.line(colour, 9, (592, 404), (602, 414), (618, 394))


def washer(on: Sketch, colour: Colour) -> None:
    on.shade((560, 772), 330, 26)
    on.curve(INK, 20, (640, 470), (900, 360), (980, 620), (800, 690))
    on.line(INK, 22, (404, 250), (404, 610))
    on.line(INK, 22, (404, 250), (560, 250))
    on.line(darker(INK, 0.2), 30, (404, 250), (540, 250))
    on.box(colour, 372, 392, 676, 730, 44)
    on.box(darker(colour, 0.22), 372, 600, 676, 730, 44)
    on.box(PALE, 430, 444, 560, 494, 24)
    on.oval(INK, (616, 470), 26)
    on.line(PALE, 8, (616, 470), (630, 456))
    for y in (640, 664, 688):
        on.line(darker(colour, 0.45), 8, (560, y), (636, y))
    for x in (420, 640):
        on.oval(INK, (x, 726), 50)
        on.oval(STEEL, (x, 726), 22)
    on.line(darker(STEEL, 0.3), 20, (800, 690), (880, 520))
    on.line(STEEL, 14, (880, 520), (960, 348))
    on.box(colour, 776, 640, 832, 724, 16)
    for spread in (-46, 0, 46):
        on.line(lighter(GLASS, 0.2), 9, (968 + spread * 0.3, 318), (990 + spread, 236))


def camera(on: Sketch, colour: Colour) -> None:
    on.shade((600, 716), 340, 26)
    on.polygon(darker(colour, 0.3), (486, 300), (530, 226), (690, 226), (730, 300))
    on.box(colour, 290, 290, 910, 700, 54)
    on.box(darker(colour, 0.4), 290, 374, 910, 602)
    on.box(lighter(colour, 0.18), 330, 252, 420, 296, 14)
    on.oval((214, 74, 62), (846, 334), 18)
    on.box(STEEL, 770, 258, 850, 292, 12)
    on.oval(INK, (610, 490), 196)
    on.oval(darker(STEEL, 0.15), (610, 490), 178)
    on.oval(INK, (610, 490), 160)
    on.oval((38, 62, 92), (610, 490), 122)
    on.oval((62, 108, 150), (610, 490), 84)
    on.oval((22, 34, 52), (610, 490), 46)
    on.oval((190, 220, 240), (570, 442), 24)
    on.oval((120, 170, 205), (652, 540), 12)


def projector(on: Sketch, colour: Colour) -> None:
    on.polygon((255, 244, 206), (828, 452), (1200, 170), (1200, 830), (828, 540))
    on.polygon((255, 250, 230), (828, 470), (1200, 300), (1200, 700), (828, 524))
    on.shade((580, 690), 330, 26)
    for x in (380, 780):
        on.box(INK, x - 34, 640, x + 34, 690, 12)
    on.box(colour, 300, 356, 860, 656, 54)
    on.box(darker(colour, 0.12), 300, 560, 860, 656, 54)
    on.box(lighter(colour), 350, 382, 640, 404, 11)
    on.oval(darker(colour, 0.5), (740, 498), 112)
    on.oval(INK, (740, 498), 92)
    on.oval((84, 128, 168), (740, 498), 62)
    on.oval((255, 246, 214), (740, 498), 34)
    for y in (466, 496, 526):
        on.line(darker(colour, 0.4), 10, (370, y), (520, y))
    on.oval((88, 196, 130), (380, 604), 10)


def tent(on: Sketch, colour: Colour) -> None:
    hill = mixed(colour, (92, 150, 110), 0.75)
    on.polygon(
        lighter(hill, 0.35),
        *bend((0, 640), (260, 420), (520, 600), (760, 620)),
        (760, 900),
        (0, 900),
    )
    on.polygon(
        lighter(hill, 0.18),
        *bend((420, 680), (760, 470), (1000, 560), (1200, 600)),
        (1200, 900),
        (420, 900),
    )
    on.polygon(hill, *bend((0, 720), (400, 668), (800, 700), (1200, 712)), (1200, 900), (0, 900))
    on.oval((255, 226, 150), (930, 224), 70)
    on.shade((600, 742), 400, 24, 0.35)
    on.polygon(darker(colour, 0.18), (560, 250), (1010, 738), (640, 738))
    on.polygon(colour, (560, 250), (200, 738), (820, 738))
    on.polygon(darker(colour, 0.62), (560, 330), (430, 738), (660, 738))
    on.polygon(lighter(colour, 0.25), (560, 330), (408, 738), (460, 738), (548, 470))
    on.line(PALE, 8, (560, 250), (560, 330))
    for begin, end in (((200, 738), (130, 768)), ((1010, 738), (1076, 768))):
        on.line(PALE, 7, begin, end)


def camping_table(on: Sketch, colour: Colour) -> None:
    on.shade((610, 742), 430, 24)
    for x in (330, 690):
        on.line(INK, 16, (x - 60, 480), (x + 90, 736))
        on.line(INK, 16, (x + 90, 480), (x - 60, 736))
    on.box(WOOD, 220, 440, 840, 484, 14)
    on.line(darker(WOOD), 5, (230, 462), (830, 462))
    on.box(PALE, 330, 372, 400, 442, 12)
    on.ring(PALE, (410, 404), 26, 9)
    on.polygon(darker(STEEL, 0.2), (520, 442), (536, 340), (640, 340), (656, 442))
    on.polygon((255, 222, 140), (544, 430), (554, 356), (622, 356), (632, 430))
    on.arc(INK, 8, (588, 338), 42, 190, 350)
    on.line(INK, 16, (850, 736), (1010, 500))
    on.line(INK, 16, (1040, 736), (890, 560))
    on.line(INK, 16, (1010, 500), (1050, 330))
    on.polygon(colour, (834, 560), (1010, 556), (1066, 322), (1016, 312), (980, 500), (846, 520))
    on.polygon(darker(colour), (834, 560), (846, 520), (1000, 512), (1010, 556))


def meeting_room(on: Sketch, colour: Colour) -> None:
    on.box(lighter(colour, 0.75), 0, 0, 1200, 560)
    on.box(mixed(WOOD, PALE, 0.45), 0, 560, 1200, 900)
    on.box(PALE, 150, 120, 470, 420, 10)
    on.box(GLASS, 166, 136, 454, 404, 4)
    on.polygon(lighter(GLASS, 0.5), (166, 404), (320, 136), (400, 136), (246, 404))
    on.line(PALE, 12, (310, 136), (310, 404))
    on.box(INK, 600, 130, 1040, 390, 16)
    on.box(darker(colour, 0.1), 616, 146, 1024, 374, 6)
    for x, height in ((690, 70), (760, 120), (830, 96), (900, 160)):
        on.box(lighter(colour, 0.7), x, 350 - height, x + 42, 350, 6)
    on.shade((600, 812), 400, 34)
    on.box(darker(WOOD, 0.45), 430, 720, 480, 810, 10)
    on.box(darker(WOOD, 0.45), 720, 720, 770, 810, 10)
    for x in (300, 500, 700, 900):
        on.box(colour, x - 62, 452, x + 62, 580, 30)
        on.line(INK, 12, (x, 570), (x, 640))
    on.oval(darker(WOOD, 0.25), (600, 682), 470, 104)
    on.oval(WOOD, (600, 662), 470, 104)
    on.oval(lighter(WOOD, 0.2), (600, 652), 430, 84)
    for x in (430, 770):
        on.polygon(PALE, (x - 60, 640), (x + 40, 628), (x + 64, 668), (x - 36, 682))
    on.oval(PALE, (602, 690), 28, 12)
    on.box(PALE, 576, 652, 628, 690, 10)


def guitar(on: Sketch, colour: Colour) -> None:
    on.shade((560, 790), 320, 24)
    on.line(darker(WOOD, 0.55), 40, (640, 470), (862, 176))
    on.line(darker(WOOD, 0.7), 58, (876, 158), (914, 108))
    for part in (0.0, 0.5, 1.0):
        x, y = 880 + 32 * part, 156 - 42 * part
        on.oval(STEEL, (x + 34, y + 22), 11)
        on.oval(STEEL, (x - 34, y - 26), 11)
    for shell, grow in ((darker(colour, 0.45), 14), (colour, 0)):
        on.oval(shell, (470, 620), 178 + grow)
        on.oval(shell, (600, 472), 124 + grow)
        on.polygon(
            shell, (330 - grow, 520), (500, 400 - grow), (690 + grow, 560), (600, 730 + grow)
        )
    on.oval(lighter(colour, 0.2), (430, 660), 90)
    on.oval(colour, (452, 640), 100)
    on.oval(darker(colour, 0.35), (560, 522), 70)
    on.oval(darker(colour, 0.75), (560, 522), 58)
    on.line(darker(WOOD, 0.55), 40, (600, 520), (760, 312))
    on.line(darker(WOOD, 0.65), 20, (398, 636), (486, 712))
    for off in (-13, -4, 5, 14):
        on.line(
            (240, 236, 224), 2.4, (442 + off, 676 + off * 0.8), (892 + off * 0.5, 130 + off * 0.5)
        )


def books(on: Sketch, colour: Colour) -> None:
    on.shade((600, 742), 400, 24)
    spines = (colour, mixed(colour, (36, 60, 92), 0.7), mixed(colour, (236, 196, 120), 0.65))
    for at, (spine, height) in enumerate(zip(spines, (470, 500, 450), strict=True)):
        left = 300 + at * 122
        top = 736 - height
        on.box(spine, left, top, left + 114, 736, 10)
        on.box(lighter(spine, 0.4), left, top + 52, left + 114, top + 66)
        on.box(lighter(spine, 0.4), left, 664, left + 114, 678)
        on.oval(lighter(spine, 0.55), (left + 57, top + 168), 30)
        for line in range(3):
            on.line(
                lighter(spine, 0.55),
                10,
                (left + 57, top + 236 + line * 34),
                (left + 57, top + 244 + line * 34),
            )
    on.polygon(darker(colour, 0.25), (700, 700), (960, 640), (972, 690), (706, 740))
    on.polygon(PALE, (704, 696), (950, 640), (960, 668), (708, 724))
    on.polygon(spines[2], (676, 660), (930, 588), (962, 636), (704, 700))
    on.polygon(lighter(spines[2], 0.3), (740, 652), (900, 608), (912, 626), (752, 672))


def pump(on: Sketch, colour: Colour) -> None:
    on.shade((590, 752), 320, 24)
    on.curve(INK, 22, (720, 420), (1010, 380), (960, 720), (820, 730))
    on.box(darker(STEEL, 0.3), 786, 704, 866, 752, 12)
    on.box(colour, 372, 300, 730, 744, 60)
    on.box(darker(colour, 0.2), 372, 610, 730, 744, 60)
    on.arc(INK, 28, (550, 312), 120, 190, 350)
    on.box(INK, 430, 370, 672, 540, 26)
    on.box((36, 78, 72), 446, 386, 656, 524, 16)
    for x in (490, 560):
        on.line(
            (150, 240, 200),
            12,
            (x, 420),
            (x + 38, 420),
            (x + 38, 454),
            (x, 454),
            (x, 490),
            (x + 38, 490),
        )
    on.oval((150, 240, 200), (632, 490), 7)
    on.oval(PALE, (480, 612), 34)
    on.oval(PALE, (620, 612), 34)
    on.line(colour, 9, (464, 612), (496, 612))
    on.line(colour, 9, (604, 612), (636, 612))
    on.line(colour, 9, (620, 596), (620, 628))
    on.box(INK, 412, 740, 470, 758, 8)
    on.box(INK, 632, 740, 690, 758, 8)
