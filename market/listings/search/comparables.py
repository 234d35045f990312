"""What comparable listings cost nearby, found out now and then: of a category in a district, or where those are few around it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from infra.mysql.database import Cursor, Database, Tx
from market.kernel.cells import DISTRICT
from market.listings.rules.ranking import ENOUGH_COMPARABLE, reference_fen

AROUND = DISTRICT - 1
PART = AROUND - 1
"""Lengths of the names of what is comparable if the district has too little, and of what is looked through at a time."""

NEXT = "SELECT MIN(district) FROM findable WHERE district > %s"
MEDIANS = (
    "SELECT category, area, listings, AVG(day_fen) FROM (SELECT category, LEFT(district, %s) AS area, day_fen, "
    "ROW_NUMBER() OVER (PARTITION BY category, LEFT(district, %s) ORDER BY day_fen) AS place, "
    "COUNT(*) OVER (PARTITION BY category, LEFT(district, %s)) AS listings "
    "FROM findable WHERE district LIKE %s) AS placed "
    "WHERE place BETWEEN listings / 2e0 AND listings / 2e0 + 1 AND listings >= %s GROUP BY category, area, listings"
)
KNOWN = "SELECT category, area, reference_fen, listings FROM comparables WHERE area LIKE %s"
SAVE = (
    "INSERT INTO comparables (category, area, reference_fen, listings) VALUES (%s, %s, %s, %s) "
    "ON DUPLICATE KEY UPDATE reference_fen = VALUES(reference_fen), listings = VALUES(listings)"
)
FORGET = "DELETE FROM comparables WHERE category = %s AND area = %s"
FOUND = "SELECT DISTINCT category, district, reference_fen FROM findable WHERE district LIKE %s"
APPLY = (
    "UPDATE findable JOIN ({}) AS found USING (category, district) SET findable.reference_fen = found.reference "
    "WHERE NOT (findable.reference_fen <=> found.reference)"
)
RIGHT = "SELECT %s AS category, %s AS district, %s AS reference"

Key = tuple[str, str]
"""Category and area."""


@dataclass(frozen=True, slots=True)
class Comparable:
    reference_fen: int
    listings: int


async def refresh(db: Database, now_ms: int) -> int:
    """Look through all that is findable, one part of the country after the other; how many districts' listings of a category
    got another reference."""
    changed, last = 0, ""
    while True:
        async with db.read() as cursor:
            row = await cursor.one(NEXT, last)
        if row is None or row[0] is None:
            return changed
        part = str(row[0])[:PART]
        last = part + "~"  # after all geohashes that begin so
        changed += await _refresh(db, part, now_ms)


async def _refresh(db: Database, part: str, now_ms: int) -> int:
    """Whoever publishes meanwhile may write what was known before: the next round sees it."""
    within = f"{part}%"
    async with db.read() as cursor:
        now = await _medians(cursor, within, DISTRICT) | await _medians(cursor, within, AROUND)
        known = {
            (category, area): Comparable(reference, listings)
            for category, area, reference, listings in await cursor.all(KNOWN, within)
        }
        found = await cursor.all(FOUND, within)
    wrong = []
    for category, district, reference in found:
        comparable = now.get((category, district)) or now.get((category, district[:AROUND]))
        right = comparable.reference_fen if comparable else None
        if right != reference:
            wrong.append((category, district, right))
    changes = sorted(key for key in now.keys() | known.keys() if now.get(key) != known.get(key))
    if not changes and not wrong:
        return 0

    async def body(tx: Tx) -> None:
        for key in changes:
            if key in now:
                tx.defer(SAVE, *key, now[key].reference_fen, now[key].listings)
            else:
                tx.defer(FORGET, *key)
        if wrong:
            tx.defer(APPLY.format(" UNION ALL ".join([RIGHT] * len(wrong))), *chain(*wrong))

    await db.act(now_ms, body, type(None))
    return len(wrong)


async def _medians(cursor: Cursor, within: str, length: int) -> dict[Key, Comparable]:
    rows = await cursor.all(MEDIANS, length, length, length, within, ENOUGH_COMPARABLE)
    return {
        (category, area): Comparable(reference_fen(float(median)), int(listings))
        for category, area, listings, median in rows
    }
