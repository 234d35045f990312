"""WeChat's bill of a day against our books: what is in both, in one of them, or not the same.

A day is Beijing's, and its bill is there from 10:00 of the next one. Each thing of ours is to be found in one bill: of the
day on which WeChat did it, which near midnight may be another than ours, so what is looked for is whatever was done by the
day's end and has been in no bill yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Literal

from market.kernel.ids import Id

Sort = Literal["payment", "refund", "commission"]
Kind = Literal["missing_there", "missing_here", "differing"]

BEIJING = timezone(timedelta(hours=8))
READY_HOUR = 10
LONGEST_GAP_DAYS = 60
"""WeChat keeps bills for three months; what was not compared for so long is compared no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that moved money, by its number. `done`: it did, as far as its side knows."""

    sort: Sort
    number: str
    amount_fen: int
    sub_mchid: str
    done: bool
    order_id: Id = Id(0)
    bill_day: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`ours_fen`, `theirs_fen`: 0 where it is missing."""

    sort: Sort
    kind: Kind
    number: str
    order_id: Id
    ours_fen: int
    theirs_fen: int


def day_of(at_ms: int) -> date:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(BEIJING).date()


def end_ms(day: date) -> int:
    """The first moment after the day, in UTC milliseconds."""
    after = datetime(day.year, day.month, day.day, tzinfo=BEIJING) + timedelta(days=1)
    return int(after.timestamp()) * 1000


def days_due(last: date | None, now_ms: int) -> list[date]:
    """The days whose bills are there and not compared yet, the oldest first; only yesterday's when none ever was."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(BEIJING)
    newest = now.date() - timedelta(days=1 if now.hour >= READY_HOUR else 2)
    first = newest if last is None else last + timedelta(days=1)
    first = max(first, newest - timedelta(days=LONGEST_GAP_DAYS))
    return [first + timedelta(days=n) for n in range((newest - first).days + 1)]


def compare(
    day: str, theirs: Iterable[Item], ours: Mapping[tuple[Sort, str], Item]
) -> tuple[list[Item], list[Difference]]:
    """(what of ours is in the bill as it should be, what is not). `ours` has all that the bill names and we know."""
    matched, differences = [], []
    for line in theirs:
        known = ours.get((line.sort, line.number))
        if known is None or (line.done and not known.done):
            kind: Kind = "missing_here"
        elif (
            (known.amount_fen, known.sub_mchid) != (line.amount_fen, line.sub_mchid)
            or (known.done and not line.done)
            or known.bill_day not in ("", day)
        ):
            kind = "differing"
        else:
            matched.append(known)
            continue
        differences.append(
            Difference(
                sort=line.sort, kind=kind, number=line.number, order_id=known.order_id if known else Id(0),
                ours_fen=known.amount_fen if known and known.done else 0, theirs_fen=line.amount_fen,
            )
        )  # fmt: skip
    return matched, differences


def missing(ours: Iterable[Item]) -> list[Difference]:
    """What should have been in a bill by now, and was not."""
    return [
        Difference(
            sort=item.sort, kind="missing_there", number=item.number, order_id=item.order_id,
            ours_fen=item.amount_fen, theirs_fen=0,
        )
        for item in ours
    ]  # fmt: skip
