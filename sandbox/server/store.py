"""Codes, trades, refunds and notifications: one sqlite file that survives a restart.

Calls are synchronous on purpose: one process, one thread, and a check with its act between two
awaits is atomic.
"""

from __future__ import annotations

import sqlite3
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

SCHEMA = """
CREATE TABLE IF NOT EXISTS codes (
    code TEXT PRIMARY KEY, openid TEXT NOT NULL, unionid TEXT, made_at_ms INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS trades (
    out_trade_no TEXT PRIMARY KEY, prepay_id TEXT NOT NULL UNIQUE, prepay_at_ms INTEGER NOT NULL,
    request TEXT NOT NULL, description TEXT NOT NULL, amount_fen INTEGER NOT NULL,
    openid TEXT NOT NULL, attach TEXT NOT NULL, notify_url TEXT NOT NULL,
    expires_at_ms INTEGER NOT NULL, state TEXT NOT NULL, transaction_id TEXT UNIQUE,
    paid_at_ms INTEGER);
CREATE TABLE IF NOT EXISTS refunds (
    out_refund_no TEXT PRIMARY KEY, refund_id TEXT NOT NULL UNIQUE, out_trade_no TEXT NOT NULL,
    request TEXT NOT NULL, refund_fen INTEGER NOT NULL, total_fen INTEGER NOT NULL,
    notify_url TEXT NOT NULL, state TEXT NOT NULL, made_at_ms INTEGER NOT NULL,
    done_at_ms INTEGER);
CREATE TABLE IF NOT EXISTS notices (
    id TEXT PRIMARY KEY, event_type TEXT NOT NULL, subject TEXT NOT NULL, url TEXT NOT NULL,
    resource TEXT NOT NULL, made_at_ms INTEGER NOT NULL, attempts INTEGER NOT NULL,
    done INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS refunds_of_a_trade ON refunds (out_trade_no);
CREATE INDEX IF NOT EXISTS notices_of_a_subject ON notices (subject);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    code: str
    openid: str
    unionid: str | None
    made_at_ms: int
    used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """`request` is the canonical text of the prepay, to tell a repetition from a clash. `state` is
    WeChat's word.
    """

    out_trade_no: str
    prepay_id: str
    prepay_at_ms: int
    request: str
    description: str
    amount_fen: int
    openid: str
    attach: str
    notify_url: str
    expires_at_ms: int
    state: str
    transaction_id: str | None
    paid_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    out_refund_no: str
    refund_id: str
    out_trade_no: str
    request: str
    refund_fen: int
    total_fen: int
    notify_url: str
    state: str
    made_at_ms: int
    done_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notification on its way. `subject` is the out_trade_no or out_refund_no, `resource` the
    JSON to be sealed.
    """

    id: str
    event_type: str
    subject: str
    url: str
    resource: str
    made_at_ms: int
    attempts: int
    done: int


Row = TypeVar("Row", Code, Trade, Refund, Notice)
_TABLES: dict[type[Any], str] = {
    Code: "codes",
    Trade: "trades",
    Refund: "refunds",
    Notice: "notices",
}


class Store:
    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        self._db.close()

    def save(self, row: Code | Trade | Refund | Notice) -> None:
        """Inserts the row, or replaces the one with the same primary key."""
        names = [field.name for field in fields(row)]
        marks = ", ".join("?" * len(names))
        self._db.execute(
            f"REPLACE INTO {_TABLES[type(row)]} ({', '.join(names)}) VALUES ({marks})",
            astuple(row),
        )

    def code(self, code: str) -> Code | None:
        return self._one(Code, "code = ?", code)

    def trade(self, out_trade_no: str) -> Trade | None:
        return self._one(Trade, "out_trade_no = ?", out_trade_no)

    def trade_of_transaction(self, transaction_id: str) -> Trade | None:
        return self._one(Trade, "transaction_id = ?", transaction_id)

    def trade_of_prepay(self, prepay_id: str) -> Trade | None:
        return self._one(Trade, "prepay_id = ?", prepay_id)

    def trades(self) -> list[Trade]:
        return self._all(Trade, "1 ORDER BY prepay_at_ms")

    def refund(self, out_refund_no: str) -> Refund | None:
        return self._one(Refund, "out_refund_no = ?", out_refund_no)

    def refunds_of(self, out_trade_no: str) -> list[Refund]:
        return self._all(Refund, "out_trade_no = ? ORDER BY made_at_ms", out_trade_no)

    def refunds_under_way(self) -> list[Refund]:
        return self._all(Refund, "state = 'PROCESSING'")

    def notice_about(self, subject: str) -> Notice | None:
        return self._one(Notice, "subject = ? ORDER BY made_at_ms DESC LIMIT 1", subject)

    def notices_under_way(self) -> list[Notice]:
        return self._all(Notice, "done = 0")

    def setting(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row["value"])

    def set(self, name: str, value: str) -> None:
        self._db.execute("REPLACE INTO settings (name, value) VALUES (?, ?)", (name, value))

    def _one(self, kind: type[Row], where: str, *values: object) -> Row | None:
        found = self._all(kind, where, *values)
        return found[0] if found else None

    def _all(self, kind: type[Row], where: str, *values: object) -> list[Row]:
        rows = self._db.execute(f"SELECT * FROM {_TABLES[kind]} WHERE {where}", values)
        return [kind(**dict(row)) for row in rows]
