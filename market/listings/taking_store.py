"""The SQL of what orders take of listings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain

from infra import wire
from infra.mysql.connection import Row, many
from infra.mysql.database import Cursor, Tx
from market.kernel.availability import Plan, offers
from market.kernel.ids import Id
from market.kernel.period import MINUTE_MS, Period
from market.kernel.seats import Use, clash
from market.listings.rules import takings as rules
from market.listings.rules.takings import State, Taking

SAVE = (
    "INSERT INTO takings (order_id, version, listing_id, start_ms, until_ms, seats, in_use, due_ms) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)
ON_NEWER = " ON DUPLICATE KEY UPDATE {}, version = GREATEST(version, VALUES(version))".format(
    ", ".join(
        f"{name} = IF(VALUES(version) > version, {value}, {name})"
        for name, value in (
            ("start_ms", "VALUES(start_ms)"),
            ("until_ms", "VALUES(until_ms)"),
            ("seats", "VALUES(seats)"),
            ("in_use", "{in_use}"),
            ("due_ms", "IF({in_use}, NULL, VALUES(due_ms))"),
        )
    )
)  # the version last: the others compare with what it was
BESIDE = "t.listing_id = l.id AND t.until_ms > %s AND t.start_ms < %s + l.buffer_minutes * 60000"
OFFERED = (
    "SELECT l.id, l.capacity, l.buffer_minutes, JSON_EXTRACT(l.terms, '$.plan'), "
    f"COALESCE((SELECT SUM(t.seats) FROM takings t WHERE {BESIDE}), 0) AS taken FROM listings l "
    "WHERE l.id IN ({}) AND l.status = 'live' AND l.capacity >= %s AND l.notice_minutes <= %s "
    "AND l.horizon_days >= %s AND l.shortest_minutes <= %s AND l.longest_minutes >= %s "
    "HAVING l.capacity > 1 OR taken = 0"
)
USES = (
    "SELECT listing_id, start_ms, until_ms, seats FROM takings "
    "WHERE listing_id IN ({}) AND until_ms > %s AND start_ms < %s AND seats > 0"
)
LOCK_STATES = "SELECT id, state, capacity FROM listings WHERE id IN ({}) ORDER BY id FOR UPDATE"
NEAR = (
    "SELECT order_id, version, listing_id, start_ms, until_ms, seats, in_use FROM takings "
    "WHERE listing_id IN ({}) AND seats > 0 AND (in_use = 1 OR until_ms > %s AND start_ms < %s)"
)
SET_STATE = "UPDATE listings SET state = %s, state_version = state_version + 1 WHERE id IN ({})"
DUE = "SELECT order_id, listing_id FROM takings WHERE due_ms <= %s ORDER BY due_ms LIMIT %s"
FORGET = "DELETE FROM takings WHERE order_id IN ({}) AND due_ms <= %s AND until_ms <= %s"
PUT_OFF = "UPDATE takings SET due_ms = until_ms WHERE order_id IN ({}) AND due_ms <= %s"


def save(tx: Tx, takings: Collection[Taking]) -> None:
    """Each only if it is newer. Deferred."""
    told = [taking for taking in takings if taking.in_use is not None]
    untold = [taking for taking in takings if taking.in_use is None]
    for some, in_use in ((told, "VALUES(in_use)"), (untold, "in_use")):
        values = [
            (t.order_id, t.version, t.listing_id, t.start_ms, t.until_ms, t.seats, bool(t.in_use), t.due_ms(tx.now_ms))
            for t in sorted(some, key=lambda taking: (taking.order_id, taking.version))
        ]  # fmt: skip
        if values:
            on_newer = ON_NEWER.format(in_use=in_use)
            tx.defer(many(SAVE, len(values)) + on_newer, *chain.from_iterable(values))


async def lock_states(tx: Tx, ids: Collection[Id]) -> list[tuple[Id, State, int, list[Taking]]]:
    """Of the listings that exist, in id order: the state last told, the seats, and what is taken of them about now."""
    wanted = sorted(ids)
    marks = _marks(wanted)
    soon_ms = tx.now_ms + rules.AHEAD_MS
    listings, takings = await tx.together(
        (LOCK_STATES.format(marks), *wanted),
        (NEAR.format(marks), *wanted, tx.now_ms, soon_ms),
    )
    near: dict[int, list[Taking]] = {row[0]: [] for row in listings}
    for order_id, version, listing_id, start_ms, until_ms, seats, in_use in takings:
        if listing_id in near:
            taking = Taking(
                order_id=Id(order_id), version=version, listing_id=Id(listing_id), start_ms=start_ms,
                until_ms=until_ms, seats=seats, in_use=bool(in_use),
            )  # fmt: skip
            near[listing_id].append(taking)
    return [(Id(id_), state, capacity, near[id_]) for id_, state, capacity in listings]


def set_states(tx: Tx, states: Mapping[Id, State]) -> None:
    """All others than before, of listings locked by this transaction. Deferred."""
    for state in sorted(set(states.values())):
        ids = [id_ for id_ in states if states[id_] == state]
        tx.defer(SET_STATE.format(_marks(ids)), state, *ids)


async def due(cursor: Cursor, now_ms: int, limit: int) -> dict[Id, Id]:
    """Order -> listing, where time alone may have changed something."""
    return {Id(row[0]): Id(row[1]) for row in await cursor.all(DUE, now_ms, limit)}


def pass_on(tx: Tx, order_ids: Iterable[Id]) -> None:
    """Forget those which are over, and have the others looked at again when they will be. Deferred."""
    ids = sorted(order_ids)
    tx.defer(FORGET.format(_marks(ids)), *ids, tx.now_ms, tx.now_ms)
    tx.defer(PUT_OFF.format(_marks(ids)), *ids, tx.now_ms)


async def still_free(
    cursor: Cursor, ids: Sequence[Id], period: Period, seats: int, now_ms: int
) -> set[Id]:
    """Which of `ids` are live and could be booked now for so many seats of that period, as far as this wing has heard: by the
    arithmetic of booking itself (`market.kernel.terms.check_offered` and `market.kernel.seats.clash`).
    """
    if not ids:
        return set()
    asked = rules.wanted(period, now_ms)
    rows = await cursor.all(
        OFFERED.format(_marks(ids)), period.start_ms, period.end_ms, *ids, seats,
        asked.most_notice_minutes, asked.least_horizon_days, asked.most_shortest_minutes,
        asked.least_longest_minutes,
    )  # fmt: skip
    is_open: dict[str, bool] = {}
    free: set[Id] = set()
    crowded: list[Row] = []
    for row in rows:
        id_, capacity, _, plan, taken = row
        opens = is_open.get(plan)
        if opens is None:
            opens = is_open[plan] = offers(_plan(plan), period)
        if not opens:
            continue
        if taken + seats <= capacity:
            free.add(Id(id_))
        else:
            crowded.append(row)
    if crowded:
        free |= await _with_room(cursor, crowded, period, seats)
    return free


async def _with_room(cursor: Cursor, rows: Sequence[Row], period: Period, seats: int) -> set[Id]:
    """Listings of several seats, of which not all are taken at the same time."""
    ends_ms = {row[0]: period.end_ms + row[2] * MINUTE_MS for row in rows}
    uses: dict[int, list[Use]] = {row[0]: [] for row in rows}
    found = await cursor.all(
        USES.format(_marks(rows)), *uses, period.start_ms, max(ends_ms.values())
    )
    for listing_id, start_ms, until_ms, taken in found:
        uses[listing_id].append(Use(Period(start_ms, until_ms), taken))
    return {
        Id(id_)
        for id_, capacity, *_ in rows
        if clash(Use(Period(period.start_ms, ends_ms[id_]), seats), uses[id_], capacity) is None
    }


@lru_cache(maxsize=4096)
def _plan(text: str) -> Plan:
    """Few plans are like no other."""
    return wire.from_json(text, Plan)


def _marks(values: Iterable[object]) -> str:
    return ", ".join("%s" for _ in values)
