"""The demo's data: a picture for all that is offered, a face for everybody who is known, and a consent that the mini-program takes for one."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from devkit.history import PAST, UNDER_WAY
from devkit.pictures import FACES, THINGS, face, photos
from devkit.pictures.sketch import SIZE
from devkit.seed import KNOWN, OFFERS, PEOPLE

PHOTO_BYTES = 200_000


@pytest.mark.parametrize("thing", THINGS)
def test_a_thing_has_two_photos_that_load_fast(thing: str) -> None:
    whole, closer = photos(thing)
    assert whole != closer
    for photo in (whole, closer):
        image = Image.open(io.BytesIO(photo))
        assert (image.format, image.size) == ("JPEG", SIZE)
        assert len(photo) < PHOTO_BYTES


def test_no_two_offers_look_the_same() -> None:
    assert sorted(offer[2] for offer in OFFERS) == sorted(THINGS)


def test_who_is_known_has_a_face_and_the_newcomer_has_none() -> None:
    known = {person["name"] for person in PEOPLE if person["openid"] in KNOWN}
    assert known == set(FACES)
    assert len({face(name) for name in known}) == len(known) == len(PEOPLE) - 1


def test_what_has_happened_is_about_what_is_offered_by_who_is_there() -> None:
    titles, names = {offer[0] for offer in OFFERS}, {person["name"] for person in PEOPLE}
    assert {UNDER_WAY, *(deal.title for deal in PAST)} <= titles
    assert {deal.buyer for deal in PAST} <= names
