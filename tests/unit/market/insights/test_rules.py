"""Hours and spans."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.insights.rules import counting as rules
from market.kernel.errors import BadInput
from market.kernel.period import HOUR_MS


@given(st.integers(0, 2**53))
def test_a_moment_lies_in_its_hour(occurred_ms: int) -> None:
    hour_ms = rules.hour_of(occurred_ms)
    assert hour_ms % HOUR_MS == 0
    assert hour_ms <= occurred_ms < hour_ms + HOUR_MS


def test_spans_are_bounded() -> None:
    assert rules.span(0, rules.MAX_SPAN_MS).length_ms == rules.MAX_SPAN_MS
    for from_ms, to_ms in ((0, rules.MAX_SPAN_MS + 1), (5, 5), (6, 5)):
        with pytest.raises(BadInput):
            rules.span(from_ms, to_ms)
