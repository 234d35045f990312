"""When a listing may be used: a weekly plan with dated exceptions, in the listing's own time zone, less blocked periods."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from market.kernel.errors import BadInput
from market.kernel.period import DAY_MS, MINUTE_MS, Period, merge, without

DAY_MINUTES = 24 * 60
MAX_BLOCKS = 200

Window = tuple[int, int]
"""[start, end) in minutes after local midnight, 0 <= start < end <= 1440."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayException:
    """On `day` (ISO date, local) these windows replace the weekly ones; none means closed."""

    day: str
    windows: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`weekly` has seven lists of windows, Monday first. `blocks` are what the owner keeps: [start_ms, end_ms) of UTC."""

    weekly: tuple[tuple[Window, ...], ...]
    exceptions: tuple[DayException, ...] = ()
    time_zone: str = "Asia/Shanghai"
    blocks: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if len(self.weekly) != 7:
            raise BadInput("a weekly plan has seven days")
        if len(self.exceptions) > 366:
            raise BadInput("at most 366 exceptions")
        if len(self.blocks) > MAX_BLOCKS:
            raise BadInput(f"at most {MAX_BLOCKS} blocked periods")
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise BadInput("unknown time zone", time_zone=self.time_zone) from None
        for exception in self.exceptions:
            try:
                date.fromisoformat(exception.day)
            except ValueError:
                raise BadInput("an exception's day is an ISO date", day=exception.day) from None
        for windows in (*self.weekly, *(e.windows for e in self.exceptions)):
            if len(windows) > 24:
                raise BadInput("at most 24 windows a day")
            for start, end in windows:
                if not 0 <= start < end <= DAY_MINUTES:
                    raise BadInput("a window is [start, end) in minutes of the day")
        for start_ms, end_ms in self.blocks:
            Period(start_ms, end_ms)


ALWAYS = Plan(weekly=(((0, DAY_MINUTES),),) * 7)


def open_periods(plan: Plan, within: Period) -> list[Period]:
    """All that the plan offers of `within`, ascending, merged over midnights, clipped to `within`."""
    zone = ZoneInfo(plan.time_zone)
    replaced = {date.fromisoformat(e.day): e.windows for e in plan.exceptions}
    first = datetime.fromtimestamp(within.start_ms / 1000, UTC).astimezone(zone).date()
    last = datetime.fromtimestamp(within.end_ms / 1000, UTC).astimezone(zone).date()
    found = []
    day, midnight_ms = first, _local_ms(first, 0, zone)
    while day <= last:
        next_ms = _local_ms(day, DAY_MINUTES, zone)
        clocks_stay = next_ms - midnight_ms == DAY_MS  # on most days, which need no looking up
        for window in replaced.get(day, plan.weekly[day.weekday()]):
            start_ms, end_ms = (
                midnight_ms + minute * MINUTE_MS if clocks_stay else _local_ms(day, minute, zone)
                for minute in window
            )
            start_ms, end_ms = max(start_ms, within.start_ms), min(end_ms, within.end_ms)
            if start_ms < end_ms:
                found.append(Period(start_ms, end_ms))
        day, midnight_ms = day + timedelta(days=1), next_ms
    return without(merge(found), (Period(*block) for block in plan.blocks))


def offers(plan: Plan, period: Period) -> bool:
    """Whether the whole of `period` lies within what the plan offers."""
    return open_periods(plan, period) == [period]


def _local_ms(day: date, minute: int, zone: ZoneInfo) -> int:
    """UTC ms of a local time. One that the clocks show twice is its first coming; one that they jump over is the jump."""
    local = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)
    first, second = local.replace(tzinfo=zone), local.replace(tzinfo=zone, fold=1)
    after_s, before_s = int(first.timestamp()), int(second.timestamp())
    if (
        before_s < after_s
    ):  # the jump lies between what this time is by the old offset and by the new one
        while after_s - before_s > 1:
            middle_s = (before_s + after_s) // 2
            if datetime.fromtimestamp(middle_s, zone).utcoffset() == first.utcoffset():
                before_s = middle_s
            else:
                after_s = middle_s
    return after_s * 1000
