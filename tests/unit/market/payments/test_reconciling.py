"""Which bills are due, and what differs in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from market.kernel.ids import Id
from market.payments.rules import reconciling
from market.payments.rules.reconciling import Item

PAID = Item(
    sort="payment", number="P1", amount_fen=12_000, sub_mchid="16001", done=True, order_id=Id(7)
)


def beijing(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+08:00").timestamp() * 1000)


def test_yesterdays_bill_is_due_from_ten_in_beijing() -> None:
    assert reconciling.days_due(None, beijing("2026-11-22T09:59:59")) == [date(2026, 11, 20)]
    assert reconciling.days_due(None, beijing("2026-11-22T10:00:00")) == [date(2026, 11, 21)]
    assert reconciling.days_due(date(2026, 11, 21), beijing("2026-11-22T23:59:59")) == []
    assert reconciling.days_due(date(2026, 11, 18), beijing("2026-11-22T12:00:00")) == [
        date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 21),
    ]  # fmt: skip


def test_what_wechat_has_forgotten_is_not_asked_for() -> None:
    days = reconciling.days_due(date(2020, 1, 1), beijing("2026-11-22T12:00:00"))
    assert len(days) == reconciling.LONGEST_GAP_DAYS + 1
    assert days[-1] == date(2026, 11, 21)


@given(st.datetimes(datetime(2024, 1, 1), datetime(2034, 1, 1)))
def test_a_day_ends_where_the_next_begins(at: datetime) -> None:
    at_ms = int(at.replace(tzinfo=UTC).timestamp() * 1000)
    day = reconciling.day_of(at_ms)
    begin_ms = reconciling.end_ms(day - timedelta(days=1))
    assert begin_ms <= at_ms < reconciling.end_ms(day)
    assert reconciling.day_of(begin_ms) == day


def kinds(theirs: list[Item], *ours: Item) -> list[str]:
    known = {(item.sort, item.number): item for item in ours}
    return [d.kind for d in reconciling.compare("2026-11-21", theirs, known)[1]]


def test_the_same_on_both_sides_is_no_difference() -> None:
    assert kinds([PAID], PAID) == []
    assert kinds([PAID], replace(PAID, bill_day="2026-11-21")) == []


def test_each_way_of_differing() -> None:
    assert kinds([PAID]) == ["missing_here"]
    assert kinds([PAID], replace(PAID, done=False)) == ["missing_here"]
    assert kinds([PAID], replace(PAID, amount_fen=12_001)) == ["differing"]
    assert kinds([PAID], replace(PAID, sub_mchid="16002")) == ["differing"]
    assert kinds([PAID], replace(PAID, bill_day="2026-11-20")) == ["differing"]  # billed twice
    assert kinds([replace(PAID, done=False)], PAID) == ["differing"]
    assert [d.kind for d in reconciling.missing([PAID])] == ["missing_there"]


def test_a_refund_under_way_on_both_sides_is_no_difference() -> None:
    under_way = replace(PAID, sort="refund", done=False)
    assert kinds([under_way], under_way) == []
