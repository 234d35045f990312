"""Where a search looks, what its cursor carries, and how its pages are put together."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.kernel.errors import BadInput
from market.kernel.geo import Box, Point
from market.kernel.ids import MAX_ID, Id
from market.listings.commands import SHOWN_CHARACTERS
from market.listings.rules import pages, searching
from market.listings.rules.ranking import Merits
from market.listings.rules.searching import MAX_SHOWN, Found

PLACE = Point(31.23, 121.47)
MERITS = Merits(
    orders_created=0, orders_completed=0, rating_centistars=400, day_fen=100, reference_fen=None,
    published_ms=0,
)  # fmt: skip
ids = st.builds(Id, st.integers(0, MAX_ID))


def found(number: int, owner: int) -> Found:
    return Found(id=Id(number), owner_id=Id(owner), point=PLACE, metres=1.0, merits=MERITS)


def found_of(owners: Sequence[int]) -> list[Found]:
    return [found(n, owner) for n, owner in enumerate(owners)]


@given(st.lists(ids, max_size=MAX_SHOWN - 1))
def test_a_cursor_is_what_was_shown(shown: list[Id]) -> None:
    text = searching.cursor(shown)
    assert text is not None
    assert searching.shown_before(text) == tuple(shown)


def test_a_search_comes_to_an_end_and_fits_its_field() -> None:
    most = [Id(MAX_ID)] * (MAX_SHOWN - 1)
    assert len(searching.cursor(most) or "") <= SHOWN_CHARACTERS
    assert searching.cursor([*most, Id(1)]) is None
    assert searching.shown_before(None) == searching.shown_before("") == ()


@pytest.mark.parametrize(
    "forged",
    [
        "A",
        "AAAA",
        "_" * 11,
        base64.urlsafe_b64encode(bytes(8 * (MAX_SHOWN + 1))).decode().rstrip("="),
    ],
)
def test_forged_cursors_are_refused(forged: str) -> None:
    with pytest.raises(BadInput):
        searching.shown_before(forged)


NO_EDGES = (None, None, None, None)


def test_around_a_place_or_within_a_box() -> None:
    assert searching.area_of(31.0, 121.0, 5_000, NO_EDGES).radius_m == 5_000
    box = searching.area_of(None, None, 5_000, (31.0, 121.0, 31.5, 121.5))
    assert (box.here, box.radius_m) == (Point(31.25, 121.25), None)
    assert box.box == Box(31.0, 31.5, ((121.0, 121.5),))
    seen_from = searching.area_of(31.0, 121.0, 5_000, (31.0, 121.0, 31.5, 121.5))
    assert (seen_from.here, seen_from.box) == (Point(31.0, 121.0), box.box)


def test_a_box_across_the_antimeridian_has_its_middle_there() -> None:
    box = searching.area_of(None, None, 5_000, (10.0, 179.8, 10.2, -179.6))
    assert box.here.lat == pytest.approx(10.1)
    assert box.here.lng == pytest.approx(-179.9)
    assert box.box.longitudes == ((179.8, 180.0), (-180.0, -179.6))


@pytest.mark.parametrize(
    ("lat", "lng", "edges"),
    [
        (None, None, NO_EDGES),
        (31.0, None, NO_EDGES),
        (None, 121.0, NO_EDGES),
        (31.0, 121.0, (31.0, None, None, None)),
        (None, None, (31.0, 121.0, 31.5, None)),
        (None, None, (31.5, 121.0, 31.0, 121.5)),
        (None, None, (31.0, 121.0, 31.0, 121.5)),
        (None, None, (31.0, 121.0, 31.5, 121.0)),
        (None, None, (31.0, 121.0, 32.5, 121.5)),
        (None, None, (-90.0, -180.0, 90.0, 180.0)),
        (None, None, (31.0, 121.5, 31.5, 121.0)),
    ],
)
def test_places_that_are_none_are_refused(
    lat: float | None, lng: float | None, edges: searching.Edges
) -> None:
    with pytest.raises(BadInput):
        searching.area_of(lat, lng, 5_000, edges)


def test_periods_and_attributes() -> None:
    assert searching.period_of(None, None, 1) is None
    for start_ms, end_ms in ((1, None), (None, 1), (2, 1), (1, 1)):
        with pytest.raises(BadInput):
            searching.period_of(start_ms, end_ms, 1)
    assert searching.attributes_of(None) == ()
    assert searching.attributes_of("gears:7,electric:true") == (
        ("gears", "7"),
        ("electric", "true"),
    )


@given(st.lists(st.integers(1, 6), max_size=80), st.integers(1, 20))
def test_no_owner_fills_a_page_that_others_could(owners: list[int], length: int) -> None:
    ranked = found_of(owners)
    page = pages.spread(ranked, length).found
    assert len(page) == min(length, len(ranked))
    assert len({one.id for one in page}) == len(page)
    each = Counter(one.owner_id for one in page)
    left_out = [one for one in ranked[: pages.WINDOW * length] if one not in page]
    if any(count > pages.OF_ONE_OWNER for count in each.values()):
        # then there was nobody else to be had
        assert all(each[one.owner_id] >= pages.OF_ONE_OWNER for one in left_out)
    firsts = [one for one in page if one in ranked[:1]]
    assert firsts == ranked[:1]


@given(st.lists(st.integers(1, 6), min_size=1, max_size=80), st.integers(1, 20))
def test_more_candidates_do_not_change_a_settled_page(owners: list[int], length: int) -> None:
    ranked = found_of(owners)
    for seen in range(len(ranked)):
        page = pages.spread(ranked[:seen], length)
        if page.settled:
            assert page.found == pages.spread(ranked, length).found


def test_what_is_new_gets_its_share_and_no_more() -> None:
    page = found_of(range(20))
    new = [found(100 + n, 100 + n) for n in range(10)]
    result = pages.explored(page, new, lambda one: one.id >= 100, lambda one: float(one.id))
    assert [one.id for one in result if one.id >= 100] == [109, 108]
    assert [result.index(one) for one in result if one.id >= 100] == [4, 14]
    assert [one.id for one in result if one.id < 100] == list(range(18))
    by_rank = [*page[:7], new[0], new[1], *page[7:18]]
    assert pages.explored(by_rank, new, lambda one: one.id >= 100, lambda one: 1.0) == tuple(
        by_rank
    )
    short = page[:9]
    assert pages.explored(short, new, lambda one: False, lambda one: 1.0) == tuple(short)


def test_what_is_new_does_not_fill_a_page_for_its_owner() -> None:
    page = found_of([1, 1, *range(2, 20)])
    new = [found(100, 1), found(101, 7), found(102, 100)]
    result = pages.explored(page, new, lambda one: False, lambda one: -float(one.id))
    assert [one.id for one in result if one.id >= 100] == [101, 102]
