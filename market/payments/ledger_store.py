"""The ledger's SQL: the journal, the parties' balances, and the totals that a worker rolls up."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from infra.mysql.database import Cursor, Row, Tx
from market.kernel.ids import Id
from market.payments.rules import ledger
from market.payments.rules.ledger import Entry, Moves, Posting
from market.payments.store import marks

INSERT_ENTRY = (
    "INSERT INTO entries (tx_id, line, order_id, extension, reason, account, amount_fen, at_ms) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)
ADD_TO_BALANCE = (
    "INSERT INTO balances (user_id, sort, credited_fen, debited_fen) VALUES (%s, %s, %s, %s) "
    "ON DUPLICATE KEY UPDATE credited_fen = credited_fen + VALUES(credited_fen), "
    "debited_fen = debited_fen + VALUES(debited_fen)"
)
BALANCE = "SELECT credited_fen, debited_fen FROM balances WHERE user_id = %s AND sort = %s"
ENTRY = "SELECT tx_id, line, order_id, extension, reason, account, amount_fen, at_ms FROM entries"
INSERT_UNROLLED = "INSERT INTO unrolled (tx_id) VALUES (%s)"
UNROLLED = "SELECT tx_id FROM unrolled ORDER BY tx_id LIMIT %s FOR UPDATE"
ROLLED = "DELETE FROM unrolled WHERE tx_id IN ({})"
WAITING = "SELECT COUNT(*) FROM unrolled"
ADD_TO_TOTAL = (
    "INSERT INTO totals (sort, credited_fen, debited_fen) VALUES (%s, %s, %s) "
    "ON DUPLICATE KEY UPDATE credited_fen = credited_fen + VALUES(credited_fen), "
    "debited_fen = debited_fen + VALUES(debited_fen)"
)
TOTALS = "SELECT sort, credited_fen, debited_fen FROM totals ORDER BY sort"
OVERDRAWN = (
    "SELECT account FROM entries WHERE order_id IN ({}) GROUP BY account "
    "HAVING SUM(amount_fen) < 0 AND (account LIKE 'escrow:%%' OR account LIKE 'deposit:%%')"
)
INSERT_FAULT = "INSERT IGNORE INTO ledger_faults (kind, subject) VALUES (%s, %s)"
FAULTS = "SELECT kind, subject FROM ledger_faults ORDER BY kind, subject LIMIT 100"
ALL_UNBALANCED = "SELECT tx_id FROM entries GROUP BY tx_id HAVING SUM(amount_fen) <> 0 LIMIT 100"
ALL_OVERDRAWN = (
    "SELECT account FROM entries WHERE account LIKE 'escrow:%' OR account LIKE 'deposit:%' "
    "GROUP BY account HAVING SUM(amount_fen) < 0 LIMIT 100"
)
WRONG_BALANCES = (
    "SELECT e.account FROM entries e LEFT JOIN balances b ON b.sort = 'owner' "
    "AND b.user_id = CAST(SUBSTRING_INDEX(e.account, ':', -1) AS SIGNED) WHERE e.account LIKE 'owner:%' "
    "GROUP BY e.account HAVING SUM(e.amount_fen) <> COALESCE(MAX(b.credited_fen - b.debited_fen), 0) LIMIT 100"
)


def _entry(row: Row) -> Entry:
    tx_id, line, order_id, extension, reason, account, amount_fen, at_ms = row
    return Entry(
        tx_id=Id(tx_id), line=line, order_id=Id(order_id), extension=extension, reason=reason, account=account,
        amount_fen=amount_fen, at_ms=at_ms,
    )  # fmt: skip


async def post(tx: Tx, posting: Posting) -> None:
    """Raise pymysql.err.IntegrityError when the order has a posting for that reason."""
    tx_id = tx.new_id()
    await tx.execute_many(
        INSERT_ENTRY,
        [
            (tx_id, number, posting.order_id, posting.extension, posting.reason, line.account, line.amount_fen, tx.now_ms)
            for number, line in enumerate(posting.lines)
        ],
    )  # fmt: skip
    tx.defer(INSERT_UNROLLED, tx_id)
    for line in posting.lines:
        party_id = ledger.party_of(line.account)
        if party_id is not None:
            moves = Moves().plus(line.amount_fen)
            sort = ledger.sort_of(line.account)
            tx.defer(ADD_TO_BALANCE, party_id, sort, moves.credited_fen, moves.debited_fen)


async def entries_of(cursor: Cursor, order_id: Id) -> list[Entry]:
    rows = await cursor.all(f"{ENTRY} WHERE order_id = %s ORDER BY at_ms, tx_id, line", order_id)
    return [_entry(row) for row in rows]


async def entries_of_account(
    cursor: Cursor, account: str, before: Id | None, limit: int
) -> list[Entry]:
    """The newest first, of journal transactions before that one."""
    older, *bound = ("AND tx_id < %s ", before) if before is not None else ("",)
    where = f"WHERE account = %s {older}ORDER BY tx_id DESC LIMIT %s"
    return [_entry(row) for row in await cursor.all(f"{ENTRY} {where}", account, *bound, limit)]


async def balance(cursor: Cursor, user_id: Id, sort: str) -> Moves:
    row = await cursor.one(BALANCE, user_id, sort)
    return Moves(credited_fen=row[0], debited_fen=row[1]) if row else Moves()


async def take_unrolled(tx: Tx, limit: int) -> list[Entry]:
    """All lines of the oldest journal transactions that are in no total yet; they count as rolled when `tx` commits."""
    tx_ids = [row[0] for row in await tx.all(UNROLLED, limit)]
    if not tx_ids:
        return []
    rows = await tx.all(f"{ENTRY} WHERE tx_id IN ({marks(tx_ids)}) ORDER BY tx_id, line", *tx_ids)
    tx.defer(ROLLED.format(marks(tx_ids)), *tx_ids)
    return [_entry(row) for row in rows]


async def overdrawn(cursor: Cursor, order_ids: Collection[Id]) -> list[str]:
    """The accounts of these orders from which more was taken than came."""
    return [
        str(row[0])
        for row in await cursor.all(OVERDRAWN.format(marks(order_ids)), *order_ids)
    ]  # fmt: skip


def add_totals(tx: Tx, moves: Mapping[str, Moves]) -> None:
    """Deferred, in one order of locks."""
    for sort, moved in sorted(moves.items()):
        tx.defer(ADD_TO_TOTAL, sort, moved.credited_fen, moved.debited_fen)


def add_faults(tx: Tx, kind: str, subjects: Sequence[str]) -> None:
    """Deferred; what is known already stays once."""
    for subject in subjects:
        tx.defer(INSERT_FAULT, kind, subject)


async def unrolled(cursor: Cursor) -> int:
    row = await cursor.one(WAITING)
    assert row is not None
    return int(row[0])


async def totals(cursor: Cursor) -> dict[str, Moves]:
    rows = await cursor.all(TOTALS)
    return {str(sort): Moves(credited_fen=into, debited_fen=out) for sort, into, out in rows}


async def faults(cursor: Cursor) -> list[tuple[str, str]]:
    """(kind, subject): unbalanced or overdrawn."""
    return [(str(kind), str(subject)) for kind, subject in await cursor.all(FAULTS)]


async def all_faults(cursor: Cursor) -> list[tuple[str, str]]:
    """The same from the whole journal, and balances that are not the sum of their entries. Reads everything."""
    checks = (
        ("unbalanced", ALL_UNBALANCED),
        ("overdrawn", ALL_OVERDRAWN),
        ("balance", WRONG_BALANCES),
    )
    return [(kind, str(row[0])) for kind, sql in checks for row in await cursor.all(sql)]
