"""The market of `orders` and `growth`: people, and listings that are copies of one which was published as listings are."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import aiohttp

from devkit.client import Person as Phone
from devkit.loop import CENTER, WHOLE_WEEK
from devkit.servers import MariaDb
from devkit.stack import Stack
from infra.config import WINGS, Config
from infra.tokens import Tokens
from loadtest.benches.hub_scene import BATCH, TOKENS_LAST_S, Person, Scene
from market.kernel.period import DAY_MS, HOUR_MS

COPIED = (("listings", "listings", "id"), ("orders", "bookables", "listing_id"))
"""Schema, table and key of what the wings know of a listing."""

WRITTEN = (
    "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s "
    "AND EXTRA NOT LIKE '%%GENERATED%%' ORDER BY ORDINAL_POSITION"
)
"""The columns that are written, and not derived from the others."""


SHORT_MS = HOUR_MS // 4
PAST_BATCH = 250_000
LOWEST_ID = 10**9
"""Below all ids that are made."""


class Market(Scene):
    """Makes people and listings, and compares what was acknowledged with what is there. Blocks, but for `publish`."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(
            stack.servers.mariadb, Tokens(Config(stack.environment).token_keys, TOKENS_LAST_S)
        )
        self._stack = stack

    @property
    def mariadb(self) -> MariaDb:
        return self._mariadb

    async def publish(self) -> int:
        """One listing, and its id, once all wings have heard of it."""
        async with aiohttp.ClientSession() as http:
            phone = Phone(
                http, api=self._stack.api_url, hubs=[hub.url for hub in self._stack.hubs],
                sandbox=self._stack.sandbox_url, openid="bench-owner",
            )  # fmt: skip
            await phone.log_in()
            body = {
                "title": "共享会议室，十人，带投影", "category": "spaces", "lat": CENTER[0], "lng": CENTER[1],
                "plan": WHOLE_WEEK, "price_hour_fen": 4000,
            }  # fmt: skip
            return int((await phone.publish(body))["listing_id"])

    def listings(self, model: int, owners: Sequence[Person], count: int) -> list[int]:
        """Copies of the model, the owners taking turns."""
        ids = [int(self._id()) for _ in range(count)]
        for schema, table, key in COPIED:
            with self.cursor() as cursor:
                cursor.execute(WRITTEN, [schema, table])
                names = [column for (column,) in cursor.fetchall()]
                columns = ", ".join(f"`{name}`" for name in names)
                cursor.execute(f"SELECT {columns} FROM {schema}.{table} WHERE {key} = %s", [model])
                row = dict(zip(names, cursor.fetchone(), strict=True))
                insert = f"INSERT INTO {schema}.{table} ({columns}) VALUES ({', '.join(['%s'] * len(names))})"
                rows = [
                    tuple((row | {key: id_, "owner_id": int(owners[n % len(owners)].id)}).values())
                    for n, id_ in enumerate(ids)
                ]
                for at in range(0, len(rows), BATCH):
                    cursor.executemany(insert, rows[at : at + BATCH])
        return ids

    def past(self, listings: Sequence[int], have: int, count: int) -> None:
        """Completed orders, so that there are `count` of them and not `have`: as many of each listing, one after the other."""
        each = max(1, count // len(listings))
        begin_ms = int(time.time() * 1000) // SHORT_MS * SHORT_MS - DAY_MS
        with self.cursor() as cursor:
            cursor.execute(
                "CREATE TEMPORARY TABLE orders.numbered (n INT PRIMARY KEY, listing_id BIGINT)"
            )
            cursor.executemany(
                "INSERT INTO orders.numbered VALUES (%s, %s)", list(enumerate(listings))
            )
            cursor.execute("SELECT * FROM orders.orders LIMIT 1")
            names = [column[0] for column in cursor.description]
            for first in range(have, count, PAST_BATCH):
                last = min(first + PAST_BATCH, count) - 1
                slot = f"(seq MOD {each} + {have // len(listings)})"
                columns = {name: f"o.`{name}`" for name in names} | {
                    "id": f"{LOWEST_ID} + seq", "listing_id": "numbered.listing_id", "state": "'completed'",
                    "buyer_id": "seq DIV 50", "due_ms": "NULL", "created_ms": f"{begin_ms} - seq",
                    "start_ms": f"{begin_ms} - ({slot} + 1) * {SHORT_MS}", "end_ms": f"{begin_ms} - {slot} * {SHORT_MS}",
                    "until_ms": f"{begin_ms} - {slot} * {SHORT_MS}",
                }  # fmt: skip
                cursor.execute(
                    f"INSERT INTO orders.orders ({', '.join(f'`{n}`' for n in columns)}) "
                    f"SELECT {', '.join(columns.values())} FROM orders.seq_{first}_to_{last} "
                    f"JOIN orders.numbered ON numbered.n = seq DIV {each} MOD {len(listings)}, "
                    "(SELECT * FROM orders.orders ORDER BY id DESC LIMIT 1) o"
                )

    def durable(self) -> bool:
        """Whether the server puts every commit on disk before it says so."""
        return int(self.value("SELECT @@innodb_flush_log_at_trx_commit")) == 1

    def orders(self) -> set[int]:
        with self.cursor() as cursor:
            cursor.execute("SELECT id FROM orders.orders")
            return {row[0] for row in cursor.fetchall()}

    def overlaps(self) -> int:
        """Orders that take up time which another one of that listing has taken."""
        return int(
            self.value(
                "SELECT COUNT(*) FROM (SELECT start_ms, MAX(until_ms) OVER (PARTITION BY listing_id "
                "ORDER BY start_ms, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS taken_until "
                "FROM orders.orders WHERE blocking = 1) beside WHERE start_ms < taken_until"
            )
        )

    def wait_for_facts(self, patience_s: float) -> tuple[int, float]:
        """(facts that are still under way, seconds waited)."""
        began = time.monotonic()
        while True:
            left = self.facts_under_way(WINGS)
            waited_s = time.monotonic() - began
            if not left or waited_s > patience_s:
                return left, waited_s
            time.sleep(0.1)

    def value(self, sql: str) -> Any:
        with self.cursor() as cursor:
            cursor.execute(sql)
            row = cursor.fetchone()
        return row[0] if row else None

    @contextmanager
    def cursor(self) -> Iterator[Any]:
        with self._mariadb.connect() as connection, connection.cursor() as cursor:
            yield cursor
