"""Forgets what may be forgotten: idempotency keys after seven days, handled facts after thirty. Measures backlogs."""

from __future__ import annotations

from prometheus_client import Gauge

from infra.mysql import idempotency, inbox, outbox
from infra.mysql.database import Database

EVERY_S = 5.0

INBOX_WAITING = Gauge("sharehub_inbox_waiting", "Facts not handled yet.", ["wing"])
INBOX_OLDEST = Gauge(
    "sharehub_inbox_oldest_seconds", "Age of the oldest fact not handled yet.", ["wing"]
)
INBOX_POISON = Gauge("sharehub_inbox_poison", "Facts that failed five times or more.", ["wing"])
OUTBOX_WAITING = Gauge("sharehub_outbox_waiting", "Facts not carried yet.", ["wing"])
OUTBOX_OLDEST = Gauge(
    "sharehub_outbox_oldest_seconds", "Age of the oldest fact not carried yet.", ["wing"]
)


class Janitor:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def run_once(self, now_ms: int) -> int:
        async with self._db.read() as cursor:
            forgotten = await idempotency.forget(cursor, now_ms) + await inbox.forget(
                cursor, now_ms
            )
            waiting, oldest_us, poison = await inbox.backlog(cursor)
            INBOX_WAITING.labels(self._db.wing).set(waiting)
            INBOX_OLDEST.labels(self._db.wing).set(_age_s(oldest_us, now_ms))
            INBOX_POISON.labels(self._db.wing).set(poison)
            waiting, oldest_us = await outbox.backlog(cursor)
            OUTBOX_WAITING.labels(self._db.wing).set(waiting)
            OUTBOX_OLDEST.labels(self._db.wing).set(_age_s(oldest_us, now_ms))
        return forgotten


def _age_s(stamp_us: int | None, now_ms: int) -> float:
    return 0.0 if stamp_us is None else max(0.0, now_ms / 1000 - stamp_us / 1e6)
