"""The SQL of experiments: who was shown what under which arm, and who ordered it."""

from __future__ import annotations

from collections.abc import Sequence

from infra import wire
from infra.mysql.connection import many
from infra.mysql.database import Cursor, Tx
from market.insights.rules.readout import Plan, Readout, Tally
from market.kernel.exposure import Exposure
from market.kernel.facts import Heard, OrderMoved
from market.kernel.ids import Id

PUT_PLAN = (
    "INSERT INTO experiments (id, version, closed_ms, plan) VALUES (%s, %s, %s, %s) ON DUPLICATE KEY UPDATE "
    "closed_ms = IF(VALUES(version) > version, VALUES(closed_ms), closed_ms), "
    "plan = IF(VALUES(version) > version, VALUES(plan), plan), "
    "computed_ms = IF(VALUES(version) > version, 0, computed_ms), version = GREATEST(version, VALUES(version))"
)
ADD_EXPOSURES = (
    "INSERT INTO exposures (experiment_id, user_id, arm, region, at_ms, hits) VALUES "
    "(%s, %s, %s, %s, %s, %s)"
)
ADD_PARTICIPANTS = (
    "INSERT INTO participants (experiment_id, user_id, arm, region, first_ms, pages, empty_pages, mixed) VALUES "
    "(%s, %s, %s, %s, %s, 1, %s, 0)"
)
SEEN_AGAIN = (
    " ON DUPLICATE KEY UPDATE mixed = IF(arm <> VALUES(arm), 1, mixed), first_ms = LEAST(first_ms, VALUES(first_ms)), "
    "pages = pages + 1, empty_pages = empty_pages + VALUES(empty_pages)"
)
ADD_SHOWN = "INSERT INTO shown (experiment_id, user_id, listing_id, first_ms, best_rank) VALUES (%s, %s, %s, %s, %s)"
SHOWN_AGAIN = (
    " ON DUPLICATE KEY UPDATE first_ms = LEAST(first_ms, VALUES(first_ms)), "
    "best_rank = LEAST(best_rank, VALUES(best_rank))"
)
PUT_ORDERS = (
    "INSERT INTO ordered (order_id, version, buyer_id, listing_id, made_ms, moved_ms, state, disputed) VALUES "
    "(%s, %s, %s, %s, %s, %s, %s, %s)"
)
MOVED_AGAIN = (
    " ON DUPLICATE KEY UPDATE made_ms = GREATEST(made_ms, VALUES(made_ms)), "
    "disputed = GREATEST(disputed, VALUES(disputed)), moved_ms = GREATEST(moved_ms, VALUES(moved_ms)), "
    "state = IF(VALUES(version) > version, VALUES(state), state), version = GREATEST(version, VALUES(version))"
)
UNWILLING = "SELECT user_id FROM unwilling WHERE unwilling = 1 AND user_id IN ({})"
KNOWN_WILL = "SELECT version FROM unwilling WHERE user_id = %s FOR UPDATE"
PUT_WILL = (
    "INSERT INTO unwilling (user_id, version, unwilling) VALUES (%s, %s, %s) "
    "ON DUPLICATE KEY UPDATE version = VALUES(version), unwilling = VALUES(unwilling)"
)
FORGET = (
    "DELETE FROM exposures WHERE user_id = %s",
    "DELETE FROM participants WHERE user_id = %s",
    "DELETE FROM shown WHERE user_id = %s",
)
FORGET_ORDERS = "DELETE FROM ordered WHERE buyer_id = %s"
DUE = (
    "SELECT id FROM experiments WHERE computed_ms <= %s AND (computed_ms = 0 OR computed_ms < closed_ms) "
    "ORDER BY computed_ms LIMIT %s"
)
PLAN = "SELECT plan, readout FROM experiments WHERE id = %s"
PEOPLE = (
    "SELECT arm, region, COUNT(*), CAST(SUM(empty_pages > 0) AS SIGNED) FROM participants "
    "WHERE experiment_id = %s AND mixed = 0 AND first_ms < %s GROUP BY arm, region"
)
MIXED = "SELECT COUNT(*) FROM participants WHERE experiment_id = %s AND mixed = 1"
ORDERED = (
    "SELECT p.arm, p.region, COUNT(DISTINCT p.user_id), "
    "COUNT(DISTINCT IF(o.state IN ('declined', 'expired', 'cancelled', 'refunded'), p.user_id, NULL)), "
    "COUNT(DISTINCT IF(o.disputed, p.user_id, NULL)) FROM participants p "
    "JOIN shown s ON s.experiment_id = p.experiment_id AND s.user_id = p.user_id AND s.first_ms < %s "
    "JOIN ordered o ON o.buyer_id = s.user_id AND o.listing_id = s.listing_id "
    "AND o.made_ms >= s.first_ms AND o.made_ms < s.first_ms + %s "
    "WHERE p.experiment_id = %s AND p.mixed = 0 AND p.first_ms < %s GROUP BY p.arm, p.region"
)
PUT_READOUT = "UPDATE experiments SET computed_ms = %s, readout = %s WHERE id = %s AND version = %s"
OLD = (
    "DELETE FROM exposures WHERE at_ms < %s LIMIT %s",
    "DELETE FROM ordered WHERE moved_ms < %s LIMIT %s",
)
FOR_EVER = 2**62


def put_plan(tx: Tx, plan: Plan) -> None:
    """Only when newer. Deferred."""
    closed_ms = plan.closed_ms if plan.stopped_ms else FOR_EVER
    tx.defer(PUT_PLAN, plan.experiment_id, plan.version, closed_ms, wire.json(plan).decode())


async def add_exposures(tx: Tx, exposures: Sequence[Exposure]) -> None:
    """But those of people who have said no."""
    users = sorted({exposure.user_id for exposure in exposures})
    marks = ", ".join(["%s"] * len(users))
    unwilling = {user_id for (user_id,) in await tx.all(UNWILLING.format(marks), *users)}
    pages = [exposure for exposure in exposures if exposure.user_id not in unwilling]
    if not pages:
        return
    _defer_many(
        tx, ADD_EXPOSURES, "",
        [(e.experiment_id, e.user_id, e.arm, e.region, e.at_ms, wire.json(e.shown).decode()) for e in pages],
    )  # fmt: skip
    _defer_many(
        tx, ADD_PARTICIPANTS, SEEN_AGAIN,
        sorted((e.experiment_id, e.user_id, e.arm, e.region, e.at_ms, not e.shown) for e in pages),
    )  # fmt: skip
    shown = [(e.experiment_id, e.user_id, s.listing_id, e.at_ms, s.rank) for e in pages for s in e.shown]  # fmt: skip
    _defer_many(tx, ADD_SHOWN, SHOWN_AGAIN, sorted(shown))


def put_orders(tx: Tx, facts: Sequence[Heard]) -> None:
    """Of order.* facts, in any order. Deferred."""
    rows = [
        (
            order.order_id, order.version, order.buyer_id, order.listing_id,
            fact.occurred_ms if order.transition == "create" else 0, fact.occurred_ms, order.state,
            order.state == "disputed",
        )
        for fact in facts
        if isinstance(order := fact.data, OrderMoved)
    ]  # fmt: skip
    _defer_many(tx, PUT_ORDERS, MOVED_AGAIN, sorted(rows))


async def choose(tx: Tx, user_id: Id, version: int, *, unwilling: bool, forgotten: bool) -> None:
    """What the user's newest version says. Of who says no nothing is kept. Locks the row."""
    row = await tx.one(KNOWN_WILL, user_id)
    if (row is None and not unwilling) or (row is not None and row[0] >= version):
        return
    tx.defer(PUT_WILL, user_id, version, unwilling)
    if unwilling:
        for sql in (*FORGET, *((FORGET_ORDERS,) if forgotten else ())):
            tx.defer(sql, user_id)


async def due(cursor: Cursor, before_ms: int, limit: int) -> list[Id]:
    """Experiments whose read-out is older, and may have changed since."""
    return [Id(id_) for (id_,) in await cursor.all(DUE, before_ms, limit)]


async def read(cursor: Cursor, experiment_id: Id) -> tuple[Plan, Readout | None] | None:
    row = await cursor.one(PLAN, experiment_id)
    if row is None:
        return None
    plan, readout = row
    return (
        wire.from_json(plan, Plan),
        None if readout is None else wire.from_json(readout, Readout),
    )


async def tally(cursor: Cursor, plan: Plan) -> tuple[list[Tally], int]:
    """The people by arm and region, and how many have seen two arms."""
    id_, until_ms = plan.experiment_id, plan.ends_ms
    people = await cursor.all(PEOPLE, id_, until_ms)
    ordered = {
        (arm, region): counts
        for arm, region, *counts in await cursor.all(
            ORDERED, until_ms, plan.window_ms, id_, until_ms
        )
    }
    row = await cursor.one(MIXED, id_)
    assert row is not None
    tallies = []
    for arm, region, count, empty in people:
        did, lost, disputed = ordered.get((arm, region), (0, 0, 0))
        tallies.append(
            Tally(
                arm=arm, region=region, people=count, ordered=did, empty=int(empty), lost=lost, disputed=disputed
            )
        )  # fmt: skip
    return tallies, row[0]


async def put_readout(cursor: Cursor, readout: Readout) -> None:
    """Unless the experiment has changed meanwhile: then it is computed again."""
    await cursor.execute(
        PUT_READOUT, readout.computed_ms, wire.json(readout).decode(), readout.experiment_id, readout.version
    )  # fmt: skip


async def forget_old(cursor: Cursor, exposures_ms: int, orders_ms: int, limit: int) -> int:
    """Delete what is older; how much."""
    deleted = 0
    for sql, before_ms in zip(OLD, (exposures_ms, orders_ms), strict=True):
        deleted += await cursor.execute(sql, before_ms, limit)
    return deleted


def _defer_many(tx: Tx, insert: str, on_duplicate: str, rows: Sequence[Sequence[object]]) -> None:
    if rows:
        sql = many(insert, len(rows)) + on_duplicate
        tx.defer(sql, *(value for row in rows for value in row))
