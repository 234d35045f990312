"""Stretches of a log: none is skipped, none is given twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.kernel import log
from market.kernel.errors import BadInput

LAST = st.integers(0, 1000)
LIMIT = st.integers(1, 200)


@given(LAST, LIMIT)
def test_walking_backwards_gives_every_entry_once(last: int, limit: int) -> None:
    seen: list[int] = []
    before = None
    while True:
        part = log.page(last, before, None, limit)
        seen[:0] = range(part.after + 1, part.up_to + 1)
        if not part.more:
            break
        before = part.after + 1
    assert seen == list(range(1, last + 1))


@given(LAST, LIMIT)
def test_walking_onwards_gives_every_entry_once(last: int, limit: int) -> None:
    seen: list[int] = []
    while True:
        part = log.page(last, None, len(seen), limit)
        seen += range(part.after + 1, part.up_to + 1)
        if not part.more:
            break
    assert seen == list(range(1, last + 1))


@given(LAST, st.integers(0, 2000))
def test_a_returning_asker_gets_what_is_missing_and_a_new_one_the_newest(
    last: int, have: int
) -> None:
    part = log.missing(last, have)
    assert part.after == min(have, last)
    assert part.up_to - part.after == min(log.SNAPSHOT_ENTRIES, last - part.after)
    assert part.more == (part.up_to < last)
    newest = log.missing(last, None)
    assert (newest.up_to, newest.more) == (last, False)
    assert newest.up_to - newest.after == min(log.NEWCOMER_ENTRIES, last)


def test_before_and_after_at_once_are_refused() -> None:
    with pytest.raises(BadInput):
        log.page(9, 5, 2, 10)


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_what_is_gone_is_never_promised(limit: int) -> None:
    last, gone = 20, 12
    seen: list[int] = []
    before: int | None = None
    while True:
        part = log.page(last, before, None, limit, gone)
        seen = [*range(part.after + 1, part.up_to + 1), *seen]
        if not part.more:
            break
        before = seen[0]
    assert seen == list(range(gone + 1, last + 1))
    assert log.page(last, None, 3, limit, gone).after == gone
    for nothing_left in (None, 0, gone - 1):
        assert log.missing(last, nothing_left, gone) == log.Stretch(gone, last, more=False)
    assert log.missing(last, gone, gone) == log.missing(last, gone)


def test_before_what_is_gone_there_is_nothing() -> None:
    part = log.page(20, 5, None, 10, 12)
    assert part.after >= part.up_to
    assert not part.more
