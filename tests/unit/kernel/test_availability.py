"""What a plan offers, against the same thing done slowly: minute by minute, by the clock on the wall."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from market.kernel.availability import (
    ALWAYS,
    DAY_MINUTES,
    DayException,
    Plan,
    Window,
    offers,
    open_periods,
)
from market.kernel.errors import BadInput
from market.kernel.period import DAY_MS, HOUR_MS, MINUTE_MS, Period, merge

SHANGHAI, BERLIN, NEW_YORK = "Asia/Shanghai", "Europe/Berlin", "America/New_York"
LORD_HOWE, CAIRO = "Australia/Lord_Howe", "Africa/Cairo"  # half an hour; at midnight


def at(zone: str, text: str, fold: int = 0) -> int:
    """UTC milliseconds of a local time."""
    return int(
        datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1000
    )


def week(*windows: Window) -> tuple[tuple[Window, ...], ...]:
    return (windows,) * 7


@cache
def wall(zone: str, minute: int) -> tuple[date, int]:
    local = datetime.fromtimestamp(minute * 60, UTC).astimezone(ZoneInfo(zone))
    return local.date(), local.hour * 60 + local.minute


def slowly(plan: Plan, within: Period) -> list[Period]:
    """A minute is open when the clock on the wall then stands within a window of that day."""
    replaced = {date.fromisoformat(e.day): e.windows for e in plan.exceptions}
    minutes = []
    for minute in range(within.start_ms // MINUTE_MS, -(-within.end_ms // MINUTE_MS)):
        day, wall_minute = wall(plan.time_zone, minute)
        windows = replaced.get(day, plan.weekly[day.weekday()])
        if any(start_ms <= minute * MINUTE_MS < end_ms for start_ms, end_ms in plan.blocks):
            continue
        if any(start <= wall_minute < end for start, end in windows):
            start_ms = max(minute * MINUTE_MS, within.start_ms)
            minutes.append(Period(start_ms, min((minute + 1) * MINUTE_MS, within.end_ms)))
    return merge(minutes)


def edge_falls_in_a_repeated_hour(plan: Plan, within: Period) -> bool:
    """A window that ends or begins in an hour which the clocks show twice: by the wall it would be two pieces."""
    zone = ZoneInfo(plan.time_zone)
    day = datetime.fromtimestamp(within.start_ms / 1000, UTC).date() - timedelta(days=1)
    last = datetime.fromtimestamp(within.end_ms / 1000, UTC).date() + timedelta(days=1)
    edges = {
        edge
        for windows in (*plan.weekly, *(e.windows for e in plan.exceptions))
        for w in windows
        for edge in w
    }
    while day <= last:
        for edge in edges:
            local = datetime(day.year, day.month, day.day) + timedelta(minutes=edge)
            first, second = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
            assert first is not None
            assert second is not None
            if first > second:
                return True
        day += timedelta(days=1)
    return False


windows = st.sets(st.integers(0, DAY_MINUTES), min_size=2, max_size=2).map(
    lambda edges: (min(edges), max(edges))
)
days = st.lists(windows, max_size=3).map(tuple)
CHANGES = {
    SHANGHAI: ("2026-06-01",),
    BERLIN: ("2026-03-29", "2026-10-25"),
    NEW_YORK: ("2026-03-08", "2026-11-01"),
    LORD_HOWE: ("2026-04-05", "2026-10-04"),
    CAIRO: ("2026-04-24", "2026-10-29"),
}
"""zone -> days around which its clocks change."""


@st.composite
def plans(draw: st.DrawFn) -> tuple[Plan, Period]:
    zone = draw(st.sampled_from(sorted(CHANGES)))
    center = date.fromisoformat(draw(st.sampled_from(CHANGES[zone])))
    weekly = tuple(draw(days) for _ in range(7))
    exceptions = tuple(
        DayException(day=str(center + timedelta(days=offset)), windows=draw(days))
        for offset in draw(st.sets(st.integers(-2, 2), max_size=3))
    )
    midnight = at("UTC", f"{center}T00:00")
    blocks = tuple(
        (midnight + first * MINUTE_MS, midnight + (first + minutes) * MINUTE_MS)
        for first, minutes in draw(
            st.lists(st.tuples(st.integers(-2000, 2000), st.integers(1, 1000)), max_size=2)
        )
    )
    start = midnight + draw(st.integers(-2 * 1440, 1440)) * MINUTE_MS
    length = draw(st.integers(1, 2 * 1440)) * MINUTE_MS
    plan = Plan(weekly=weekly, exceptions=exceptions, time_zone=zone, blocks=blocks)
    return plan, Period(start, start + length)


@settings(max_examples=150, deadline=None)
@given(plans())
@example(
    (
        Plan(weekly=week((60, 150)), time_zone=BERLIN),
        Period(at("UTC", "2026-03-28T00:00"), at("UTC", "2026-03-30T00:00")),
    )
)
@example(
    (
        Plan(weekly=week((150, 300)), time_zone=BERLIN),
        Period(at("UTC", "2026-03-28T00:00"), at("UTC", "2026-03-30T00:00")),
    )
)
@example(
    (
        Plan(weekly=week((120, 180)), time_zone=BERLIN),
        Period(at("UTC", "2026-03-28T00:00"), at("UTC", "2026-03-30T00:00")),
    )
)
def test_it_agrees_with_the_clock_on_the_wall(case: tuple[Plan, Period]) -> None:
    plan, within = case
    assume(not edge_falls_in_a_repeated_hour(plan, within))
    assert open_periods(plan, within) == slowly(plan, within)


@settings(max_examples=50, deadline=None)
@given(plans())
def test_it_stays_within_what_was_asked_and_never_repeats_itself(case: tuple[Plan, Period]) -> None:
    plan, within = case
    found = open_periods(plan, within)
    assert all(within.contains(period) for period in found)
    assert merge(found) == found


@settings(max_examples=50, deadline=None)
@given(plans(), st.floats(0.01, 0.99))
def test_asking_in_two_parts_gives_the_same(case: tuple[Plan, Period], part: float) -> None:
    plan, within = case
    middle = within.start_ms + int(within.length_ms * part)
    halves = [Period(within.start_ms, middle), Period(middle, within.end_ms)]
    assert merge(p for half in halves for p in open_periods(plan, half)) == open_periods(
        plan, within
    )


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [(BERLIN, "2026-03-29", 23), (BERLIN, "2026-10-25", 25), (NEW_YORK, "2026-03-08", 23),
     (NEW_YORK, "2026-11-01", 25), (SHANGHAI, "2026-03-29", 24), (LORD_HOWE, "2026-10-04", 23.5)],
)  # fmt: skip
def test_a_whole_day_is_as_long_as_the_clocks_make_it(zone: str, day: str, hours: float) -> None:
    plan = Plan(
        weekly=((),) * 7,
        exceptions=(DayException(day=day, windows=((0, DAY_MINUTES),)),),
        time_zone=zone,
    )
    noon = at(zone, f"{day}T12:00")
    (found,) = open_periods(plan, Period(noon - 3 * DAY_MS, noon + 3 * DAY_MS))
    assert found.length_ms == hours * HOUR_MS
    assert found.start_ms == at(zone, f"{day}T00:00")


def test_in_spring_a_window_inside_the_missing_hour_offers_nothing_that_day() -> None:
    plan = Plan(weekly=week((120, 180)), time_zone=BERLIN)
    day = Period(at(BERLIN, "2026-03-29T00:00"), at(BERLIN, "2026-03-30T00:00"))
    assert open_periods(plan, day) == []


def test_in_spring_a_window_that_ends_in_the_missing_hour_ends_when_the_clocks_jump() -> None:
    plan = Plan(weekly=week((60, 150)), time_zone=BERLIN)
    day = Period(at(BERLIN, "2026-03-29T00:00"), at(BERLIN, "2026-03-30T00:00"))
    assert open_periods(plan, day) == [
        Period(at(BERLIN, "2026-03-29T01:00"), at(BERLIN, "2026-03-29T03:00"))
    ]


def test_in_autumn_the_repeated_hour_belongs_to_a_window_that_spans_it() -> None:
    plan = Plan(weekly=week((120, 180)), time_zone=BERLIN)
    day = Period(at(BERLIN, "2026-10-25T00:00"), at(BERLIN, "2026-10-26T00:00"))
    assert open_periods(plan, day) == [
        Period(at(BERLIN, "2026-10-25T02:00"), at(BERLIN, "2026-10-25T03:00"))
    ]
    assert open_periods(plan, day)[0].length_ms == 2 * HOUR_MS


def test_in_autumn_an_edge_within_the_repeated_hour_means_its_first_coming() -> None:
    plan = Plan(weekly=week((60, 150)), time_zone=BERLIN)
    day = Period(at(BERLIN, "2026-10-25T00:00"), at(BERLIN, "2026-10-26T00:00"))
    assert open_periods(plan, day) == [
        Period(at(BERLIN, "2026-10-25T01:00"), at(BERLIN, "2026-10-25T02:30", fold=0))
    ]


def test_windows_that_meet_at_midnight_are_one() -> None:
    monday = date(2026, 6, 1)
    weekly = (((22 * 60, DAY_MINUTES),), ((0, 120),), (), (), (), (), ())
    plan = Plan(weekly=weekly)
    night = Period(at(SHANGHAI, f"{monday}T22:00"), at(SHANGHAI, "2026-06-02T02:00"))
    assert open_periods(plan, Period(night.start_ms - DAY_MS, night.end_ms + DAY_MS)) == [night]
    assert offers(plan, night)
    assert not offers(plan, Period(night.start_ms, night.end_ms + 1))
    assert not offers(plan, Period(night.start_ms - 1, night.end_ms))


def test_an_exception_replaces_its_day_and_no_other() -> None:
    closed = Plan(weekly=week((0, DAY_MINUTES)), exceptions=(DayException(day="2026-06-02"),))
    three = Period(at(SHANGHAI, "2026-06-01T00:00"), at(SHANGHAI, "2026-06-04T00:00"))
    assert open_periods(closed, three) == [
        Period(three.start_ms, at(SHANGHAI, "2026-06-02T00:00")),
        Period(at(SHANGHAI, "2026-06-03T00:00"), three.end_ms),
    ]


def test_a_block_is_cut_out_of_whatever_is_open() -> None:
    start = at(SHANGHAI, "2026-06-01T00:00")
    block = (start + 90 * MINUTE_MS, start + 2 * DAY_MS)
    plan = Plan(weekly=week((60, DAY_MINUTES)), blocks=(block,))
    assert open_periods(plan, Period(start, start + 3 * DAY_MS)) == [
        Period(start + HOUR_MS, block[0]),
        Period(start + 2 * DAY_MS + HOUR_MS, start + 3 * DAY_MS),
    ]
    assert not offers(plan, Period(block[0] - 1, block[0] + 1))


def test_always_is_always() -> None:
    year = Period(at("UTC", "2026-01-01T00:00"), at("UTC", "2027-01-01T00:00"))
    assert open_periods(ALWAYS, year) == [year]
    assert offers(ALWAYS, year)


@pytest.mark.parametrize(
    "arguments",
    [
        {"weekly": ((),) * 6},
        {"weekly": ((),) * 8},
        {"weekly": week((0, 1441))},
        {"weekly": week((-1, 10))},
        {"weekly": week((10, 10))},
        {"weekly": week((20, 10))},
        {"weekly": week(*((n, n + 1) for n in range(25)))},
        {"weekly": week(), "time_zone": "Mars/Olympus"},
        {"weekly": week(), "time_zone": "../../etc/passwd"},
        {"weekly": week(), "time_zone": "Asia"},
        {"weekly": week(), "time_zone": ""},
        {"weekly": week(), "time_zone": "a" * 5000},
        {"weekly": week(), "time_zone": "a\0b"},
        {"weekly": week(), "exceptions": (DayException(day="2026-02-30"),)},
        {"weekly": week(), "exceptions": (DayException(day="tomorrow"),)},
        {"weekly": week(), "exceptions": (DayException(day="2026-06-01", windows=((5, 4),)),)},
        {"weekly": week(), "blocks": ((5, 5),)},
        {"weekly": week(), "blocks": ((-1, 5),)},
        {"weekly": week(), "blocks": ((1, 2),) * 201},
        {"weekly": week(), "exceptions": (DayException(day="2026-06-01"),) * 367},
    ],
)  # fmt: skip
def test_what_is_no_plan_is_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        Plan(**arguments)  # type: ignore[arg-type]
