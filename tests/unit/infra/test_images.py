"""Photos: what is kept of them, what is not, and what they are called."""

from __future__ import annotations

import pytest
from PIL import Image

from infra import images
from market.kernel.errors import BadImage
from tests.unit.infra.pictures import bomb, encoded, gradient, opened

GPS, ORIENTATION, MAKE = 0x8825, 0x0112, 0x010F


def distance(one: str, other: str) -> int:
    """In how many bits two names say that pictures look different."""
    first, second = (images.look_of(name) for name in (one, other))
    return (first ^ second).bit_count()


def test_what_a_camera_writes_beside_a_picture_is_gone() -> None:
    exif = Image.Exif()
    exif[MAKE] = "secret camera"
    exif[ORIENTATION] = 6  # lying on its side
    exif.get_ifd(GPS)[2] = (31.0, 13.0, 49.0)
    raw = encoded(gradient(400, 300), "JPEG", exif=exif, comment=b"secret comment")
    assert b"secret" in raw
    shown = images.prepare(raw, "image/jpeg")
    assert (shown.width, shown.height) == (300, 400)  # upright
    assert set(shown.files) == {"", "_720", "_240"}
    for content in shown.files.values():
        assert b"secret" not in content
        assert dict(opened(content).getexif()) == {}
        assert opened(content).format == "JPEG"


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_each_size_fits_and_keeps_its_shape(format_: str) -> None:
    raw = encoded(gradient(2_000, 1_000), format_)
    shown = images.prepare(raw, f"image/{format_.lower()}")
    sizes = {behind: opened(content).size for behind, content in shown.files.items()}
    assert sizes == {"": (1440, 720), "_720": (720, 360), "_240": (240, 120)}
    assert (shown.width, shown.height) == (1440, 720)


def test_the_same_picture_has_the_same_name_and_others_look_different() -> None:
    picture = gradient(640, 480)
    one = images.prepare(encoded(picture, "PNG"), "image/png").name
    assert images.prepare(encoded(picture, "PNG"), "image/png").name == one
    squeezed = encoded(picture.resize((500, 375)), "JPEG", quality=60)
    again = images.prepare(squeezed, "image/jpeg").name
    assert again != one
    assert distance(one, again) <= 3
    other = images.prepare(encoded(picture.rotate(90), "PNG"), "image/png").name
    assert distance(one, other) > 10


def test_what_can_be_seen_through_is_on_white() -> None:
    clear = encoded(Image.new("RGBA", (64, 64), (0, 0, 0, 0)), "PNG")
    shown = opened(images.prepare(clear, "image/png").files[""])
    assert shown.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("raw", "type_", "reason"),
    [
        (b"", "image/png", "format"),
        (encoded(gradient(64, 64), "PNG"), "image/jpeg", "format"),
        (encoded(gradient(640, 640), "JPEG")[:9_000], "image/jpeg", "broken"),
        (bomb(2**31 - 1, 2**31 - 1), "image/png", "pixels"),
        (encoded(gradient(31, 64), "PNG"), "image/png", "size"),
    ],
)
def test_what_cannot_be_shown(raw: bytes, type_: str, reason: str) -> None:
    with pytest.raises(BadImage) as refused:
        images.prepare(raw, type_)
    assert refused.value.data["reason"] == reason
