"""Codes, trades, refunds, applications, shares, books and notifications: one sqlite file that
survives a restart.

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
    paid_at_ms INTEGER, sub_mchid TEXT NOT NULL DEFAULT '', sharing INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS refunds (
    out_refund_no TEXT PRIMARY KEY, refund_id TEXT NOT NULL UNIQUE, out_trade_no TEXT NOT NULL,
    request TEXT NOT NULL, refund_fen INTEGER NOT NULL, total_fen INTEGER NOT NULL,
    notify_url TEXT NOT NULL, state TEXT NOT NULL, made_at_ms INTEGER NOT NULL,
    done_at_ms INTEGER);
CREATE TABLE IF NOT EXISTS notices (
    id TEXT PRIMARY KEY, event_type TEXT NOT NULL, subject TEXT NOT NULL, url TEXT NOT NULL,
    resource TEXT NOT NULL, made_at_ms INTEGER NOT NULL, attempts INTEGER NOT NULL,
    done INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS applyments (
    out_request_no TEXT PRIMARY KEY, applyment_id INTEGER NOT NULL UNIQUE, state TEXT NOT NULL,
    sub_mchid TEXT UNIQUE, reason TEXT NOT NULL, name TEXT NOT NULL, made_at_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS receivers (account TEXT PRIMARY KEY, type TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS shares (
    out_order_no TEXT PRIMARY KEY, order_id TEXT NOT NULL, sub_mchid TEXT NOT NULL,
    transaction_id TEXT NOT NULL, kind TEXT NOT NULL, receivers TEXT NOT NULL,
    amount_fen INTEGER NOT NULL, description TEXT NOT NULL, state TEXT NOT NULL,
    made_at_ms INTEGER NOT NULL, done_at_ms INTEGER);
CREATE TABLE IF NOT EXISTS entries (
    id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, mchid TEXT NOT NULL, pot TEXT NOT NULL,
    amount_fen INTEGER NOT NULL, name TEXT NOT NULL, transaction_id TEXT NOT NULL,
    voucher TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS subscriptions (
    id TEXT PRIMARY KEY, openid TEXT NOT NULL, template_id TEXT NOT NULL, remaining INTEGER NOT NULL,
    always TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS subscriptions_of_a_user ON subscriptions (openid);
CREATE INDEX IF NOT EXISTS shares_of_a_transaction ON shares (transaction_id);
CREATE INDEX IF NOT EXISTS entries_of_a_transaction ON entries (transaction_id);
CREATE INDEX IF NOT EXISTS entries_of_a_merchant ON entries (mchid, pot, at_ms, amount_fen);
CREATE INDEX IF NOT EXISTS entries_by_voucher ON entries (voucher);
CREATE INDEX IF NOT EXISTS trades_by_payment ON trades (paid_at_ms);
CREATE INDEX IF NOT EXISTS refunds_by_time ON refunds (made_at_ms);
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
    WeChat's word. `sharing` is 1 when what is paid is
    frozen.
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
    sub_mchid: str = ""
    sharing: int = 0


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Applyment:
    """An owner's application to become a sub-merchant. `sub_mchid` comes with FINISH."""

    out_request_no: str
    applyment_id: int
    state: str
    sub_mchid: str | None
    reason: str
    name: str
    made_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    account: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share or a finish (`kind`). `receivers` is JSON, as asked for; `amount_fen` their sum, or
    what was released.
    """

    out_order_no: str
    order_id: str
    sub_mchid: str
    transaction_id: str
    kind: str
    receivers: str
    amount_fen: int
    description: str
    state: str
    made_at_ms: int
    done_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Money that came to (or left, below zero) a merchant's pot, "frozen" or "available".

    `name` is the business name of the fund bill, `voucher` our number for what caused it.
    """

    id: str
    at_ms: int
    mchid: str
    pot: str
    amount_fen: int
    name: str
    transaction_id: str
    voucher: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What somebody has answered about a template. `always`: "accept" or "reject" when it is not asked again."""

    id: str
    openid: str
    template_id: str
    remaining: int
    always: str


Row = TypeVar("Row", Code, Trade, Refund, Notice, Applyment, Receiver, Share, Entry, Subscription)
_TABLES: dict[type[Any], str] = {
    Code: "codes",
    Trade: "trades",
    Refund: "refunds",
    Notice: "notices",
    Applyment: "applyments",
    Receiver: "receivers",
    Share: "shares",
    Entry: "entries",
    Subscription: "subscriptions",
}
_LATER = ("sub_mchid TEXT NOT NULL DEFAULT ''", "sharing INTEGER NOT NULL DEFAULT 0")


class Store:
    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)
        self._widen()

    def close(self) -> None:
        self._db.close()

    def save(
        self,
        row: Code | Trade | Refund | Notice | Applyment | Receiver | Share | Entry | Subscription,
    ) -> None:
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

    def applyment(self, out_request_no: str) -> Applyment | None:
        return self._one(Applyment, "out_request_no = ?", out_request_no)

    def sub_merchant(self, sub_mchid: str) -> Applyment | None:
        return self._one(Applyment, "sub_mchid = ?", sub_mchid)

    def applyments(self) -> list[Applyment]:
        return self._all(Applyment, "1 ORDER BY made_at_ms")

    def receiver(self, account: str) -> Receiver | None:
        return self._one(Receiver, "account = ?", account)

    def share(self, out_order_no: str) -> Share | None:
        return self._one(Share, "out_order_no = ?", out_order_no)

    def shares_of(self, transaction_id: str) -> list[Share]:
        return self._all(Share, "transaction_id = ? ORDER BY made_at_ms", transaction_id)

    def shares_under_way(self) -> list[Share]:
        return self._all(Share, "state = 'PROCESSING'")

    def subscription(self, openid: str, template_id: str) -> Subscription | None:
        return self._one(Subscription, "openid = ? AND template_id = ?", openid, template_id)

    def subscriptions_of(self, openid: str) -> list[Subscription]:
        return self._all(Subscription, "openid = ? ORDER BY id", openid)

    def entries_of(self, mchid: str, pot: str, from_ms: int, to_ms: int) -> list[Entry]:
        where = "mchid = ? AND pot = ? AND at_ms >= ? AND at_ms < ? ORDER BY at_ms, rowid"
        return self._all(Entry, where, mchid, pot, from_ms, to_ms)

    def trades_paid(self, from_ms: int, to_ms: int) -> list[Trade]:
        where = "paid_at_ms >= ? AND paid_at_ms < ? ORDER BY paid_at_ms, rowid"
        return self._all(Trade, where, from_ms, to_ms)

    def refunds_made(self, from_ms: int, to_ms: int) -> list[Refund]:
        where = "made_at_ms >= ? AND made_at_ms < ? ORDER BY made_at_ms, rowid"
        return self._all(Refund, where, from_ms, to_ms)

    def named_fen(self, voucher: str, name: str) -> int:
        return self._sum("voucher = ? AND name = ?", voucher, name)

    def frozen_fen(self, transaction_id: str) -> int:
        """What of this payment is still frozen at its sub-merchant."""
        return self._sum("transaction_id = ? AND pot = 'frozen'", transaction_id)

    def charged_fen(self, transaction_id: str, names: tuple[str, ...]) -> int:
        """What entries of these names have taken away, less what they gave back."""
        marks = ", ".join("?" * len(names))
        return -self._sum(f"transaction_id = ? AND name IN ({marks})", transaction_id, *names)

    def balance_fen(self, mchid: str, pot: str, before_ms: int = 2**62) -> int:
        return self._sum("mchid = ? AND pot = ? AND at_ms < ?", mchid, pot, before_ms)

    def balances(self) -> dict[str, dict[str, int]]:
        """{mchid: {"frozen_fen": ..., "available_fen": ...}}, in one pass."""
        found: dict[str, dict[str, int]] = {}
        for row in self._db.execute(
            "SELECT mchid, pot, SUM(amount_fen) AS fen FROM entries GROUP BY mchid, pot"
        ):
            pots = found.setdefault(row["mchid"], {"frozen_fen": 0, "available_fen": 0})
            pots[f"{row['pot']}_fen"] = row["fen"]
        return found

    def setting(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row["value"])

    def set(self, name: str, value: str) -> None:
        self._db.execute("REPLACE INTO settings (name, value) VALUES (?, ?)", (name, value))

    def _widen(self) -> None:
        """A file that an older sandbox made lacks the newer columns."""
        there = {row["name"] for row in self._db.execute("PRAGMA table_info(trades)")}
        for column in _LATER:
            if column.split()[0] not in there:
                self._db.execute(f"ALTER TABLE trades ADD COLUMN {column}")

    def _sum(self, where: str, *values: object) -> int:
        row = self._db.execute(
            f"SELECT COALESCE(SUM(amount_fen), 0) AS fen FROM entries WHERE {where}", values
        ).fetchone()
        return int(row["fen"])

    def _one(self, kind: type[Row], where: str, *values: object) -> Row | None:
        found = self._all(kind, where, *values)
        return found[0] if found else None

    def _all(self, kind: type[Row], where: str, *values: object) -> list[Row]:
        rows = self._db.execute(f"SELECT * FROM {_TABLES[kind]} WHERE {where}", values)
        return [kind(**dict(row)) for row in rows]
