"""What is remembered of calendars is what the version says, or nothing."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from market.kernel.ids import Id
from market.kernel.period import HOUR_MS, MINUTE_MS, Period
from market.kernel.seats import Use
from market.orders import remembered
from market.orders.remembered import Remembered
from market.orders.rules.deciding import Calendar
from tests.unit.market.orders.samples import BOOKABLE, NOW_MS

TAKEN = {Id(1): Use(Period(NOW_MS, NOW_MS + HOUR_MS))}
BEFORE = 0.0
"""When the connection was opened."""


@pytest.fixture
def known() -> Remembered:
    known = Remembered()
    known.keep([Calendar(BOOKABLE, dict(TAKEN))], NOW_MS)
    return known


def test_the_same_version_has_the_same_uses(known: Remembered) -> None:
    assert known.has(BOOKABLE.listing_id, NOW_MS)
    found = known.busy(BOOKABLE, NOW_MS, BEFORE)
    assert found == TAKEN
    found.clear()  # the caller's own
    assert known.busy(BOOKABLE, NOW_MS, BEFORE) == TAKEN


@pytest.mark.parametrize("version", [BOOKABLE.version - 1, BOOKABLE.version + 1])
def test_another_version_is_not_known(known: Remembered, version: int) -> None:
    assert known.busy(replace(BOOKABLE, version=version), NOW_MS, BEFORE) is None


def test_what_ended_before_was_not_read(known: Remembered) -> None:
    assert not known.has(BOOKABLE.listing_id, NOW_MS - 1)
    assert known.busy(BOOKABLE, NOW_MS - 1, BEFORE) is None


def test_a_server_that_came_later_is_not_believed_to_have_it(known: Remembered) -> None:
    assert known.busy(BOOKABLE, NOW_MS, time.monotonic()) is None


def test_what_is_over_is_forgotten(known: Remembered) -> None:
    later_ms = NOW_MS + HOUR_MS + MINUTE_MS
    kept = known.busy(BOOKABLE, later_ms, BEFORE)
    assert kept == TAKEN
    known.keep([Calendar(BOOKABLE, kept)], later_ms)
    assert known.busy(BOOKABLE, later_ms, BEFORE) == {}


def test_only_the_listings_used_last_are_kept(
    known: Remembered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "MOST", 2)
    others = [replace(BOOKABLE, listing_id=Id(n)) for n in (1, 2)]
    known.keep([Calendar(other, {}) for other in others], NOW_MS)
    assert [known.has(b.listing_id, NOW_MS) for b in (BOOKABLE, *others)] == [False, True, True]
