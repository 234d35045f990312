"""Those who do business in `orders`: their sockets and phones, their listings, and the database where it is asked and hurried."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import pymysql

from devkit.client import Person, Refusal, Socket
from devkit.stack import Stack
from loadtest.soaks.orders_model import Broken, Order

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
TICK_S = 0.1
PATIENCE_S = 120.0
"""How long a command may go unanswered while everything dies around it, and how long what happens by itself may take."""
CONTESTED_HOURS = 40 * 24
ALONE_HOURS = 40 * 24
SHIFT_MS = 120 * DAY_MS
BY_REST = 0.15
PERIODS = ("ready", "in_use")
"""States whose timer is anchored at the period's end."""
REST_PATHS = {"orders.create": "/v1/orders", "payments.prepay": "/v1/payments/prepay"}

OFFERS: tuple[dict[str, Any], ...] = (
    {"price_hour_fen": 1000, "deposit_fen": 20_000},
    {"price_hour_fen": 0, "deposit_fen": 0},
    {"price_hour_fen": 0, "deposit_fen": 0, "booking": "request"},
    {"price_hour_fen": 903, "deposit_fen": 0, "booking": "request"},
    {"price_hour_fen": 0, "deposit_fen": 0, "capacity": 2},
    {"price_hour_fen": 777, "deposit_fen": 3333, "capacity": 3},
)
"""Half of the listings cost nothing: their orders live all the same, and WeChat has a business of its own to see to."""


@dataclass(frozen=True, slots=True)
class Row:
    """An order as the database has it."""

    state: str
    version: int
    start_code: str
    return_code: str
    end_ms: int
    longer: str
    """The state of its newest extension; empty: none."""


@dataclass(slots=True, kw_only=True)
class Listing:
    id: str
    owner: Citizen
    offer: dict[str, Any]
    alone: itertools.count[int]


@dataclass(slots=True)
class Citizen:
    person: Person
    socket: Socket

    @property
    def id(self) -> str:
        return self.person.id


class Town:
    """Opened with `open_town`."""

    def __init__(self, stack: Stack, http: aiohttp.ClientSession, dice: random.Random) -> None:
        self.stack = stack
        self.counts: Counter[str] = Counter()
        self._http = http
        self._dice = dice
        self.buyers: list[Citizen] = []
        self.operators: list[Citizen] = []
        self.strangers: list[Citizen] = []
        self.listings: list[Listing] = []
        self.base_ms = (int(time.time() * 1000) // HOUR_MS + 3) * HOUR_MS
        self._asked: dict[str, list[asyncio.Future[Row]]] = {}
        self._hurried: list[Order] = []
        self._hurried_longer: list[tuple[Order, int]] = []

    # --- people ---

    async def settle(self, buyers: int, listings: int) -> None:
        """Everybody arrives and every listing is there for orders."""
        owners, self.buyers, self.operators, self.strangers = [
            await self._arrive(names)
            for names in (
                [f"owner-{n}" for n in range(max(2, listings // 4))],
                [f"buyer-{n}" for n in range(buyers)],
                ["operator"],
                ["stranger-1", "stranger-2"],
            )
        ]
        for number in range(listings):
            await self._publish(owners[number % len(owners)], OFFERS[number % len(OFFERS)])

    async def _arrive(self, names: Sequence[str]) -> list[Citizen]:
        return list(await asyncio.gather(*(self._citizen(name) for name in names)))

    async def _citizen(self, openid: str) -> Citizen:
        apis = [p for name, p in self.stack.processes.items() if name.startswith("api")]
        person = Person(
            self._http, api=lambda _: self._dice.choice(apis).url, hubs=[h.url for h in self.stack.hubs],
            sandbox=self.stack.sandbox_url, openid=openid,
        )  # fmt: skip
        await person.log_in()
        return Citizen(person, await person.connect(hub=self._dice.randrange(2)))

    async def _publish(self, owner: Citizen, offer: dict[str, Any]) -> None:
        body = {
            "title": f"帐篷 {secrets.token_hex(4)}", "description": "", "category": "outdoor", "lat": 31.23,
            "lng": 121.47, "address": "人民广场 1 号", "plan": {"weekly": [[[0, 1440]]] * 7}, **offer,
        }  # fmt: skip
        made = await owner.person.publish(body)
        self.listings.append(
            Listing(id=made["listing_id"], owner=owner, offer=offer, alone=itertools.count())
        )

    def period(self, listing: Listing, dice: random.Random) -> tuple[int, int, bool]:
        """One that others may want too, or now and then one that nobody else will ask for."""
        if dice.random() < 0.15 and (hour := next(listing.alone)) < ALONE_HOURS:
            start_ms = self.base_ms + (CONTESTED_HOURS + 4 + hour) * HOUR_MS
            return start_ms, start_ms + HOUR_MS, True
        start_ms = self.base_ms + dice.randrange(CONTESTED_HOURS) * HOUR_MS
        return start_ms, start_ms + dice.choice((1, 1, 1, 2, 3)) * HOUR_MS, False

    # --- asking ---

    async def ask(
        self, who: Citizen, name: str, body: dict[str, Any], *, key: str | None = None,
        rest: bool | None = None,
    ) -> Any:  # fmt: skip
        """The answer, however often it takes under one key. Raise Refusal for a definite no, Broken when none ever comes."""
        key = key or secrets.token_hex(8)
        deadline = time.monotonic() + PATIENCE_S
        by_rest = self._dice.random() < BY_REST if rest is None else rest
        while True:
            self.counts["commands"] += 1
            try:
                if by_rest:
                    return await who.person.rest("POST", *_by_rest(name, body), key=key)
                return await who.socket.command(name, body, key)
            except Refusal as refusal:
                if not refusal.retryable:
                    raise
                last: Exception = refusal
            except (TimeoutError, aiohttp.ClientError, OSError) as error:
                last = error
            if time.monotonic() > deadline:
                raise Broken(f"{name} {body} has no answer after {PATIENCE_S:g} s: {last!r}")

    async def confirm(self, prepay_id: str, **options: Any) -> bool:
        """The finger on the phone. False when WeChat does not take it: closed, or paid before."""
        path = f"{self.stack.sandbox_url}/sandbox/pay"
        async with self._http.post(path, json={"prepay_id": prepay_id, **options}) as answer:
            await answer.read()
            return answer.status == 200

    async def faults(self) -> dict[str, int]:
        """What the sandbox has done wrong so far, by kind."""
        async with self._http.get(f"{self.stack.sandbox_url}/sandbox/faults") as answer:
            return dict((await answer.json())["injected"])

    # --- the database ---

    def hurry(self, order: Order) -> None:
        """Let the time of its present state be over."""
        order.hurried.add(order.state)
        if order.state in PERIODS:
            order.shifted = True
        order.say(f"time passes in {order.state}")
        self._hurried.append(order)

    def hurry_longer(self, order: Order, extension: int) -> None:
        """Let the time to pay for an extension be over."""
        order.say(f"time passes for extension {extension}")
        self._hurried_longer.append((order, extension))

    async def row(self, order: Order) -> Row:
        """The order as the database has it a moment from now."""
        future: asyncio.Future[Row] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(order.id, []).append(future)
        return await future

    async def until(self, order: Order, holds: Callable[[Row], bool]) -> Row:
        """Wait for what payments or time do. Raise Broken when they do not, or do what they may not."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            row = await self.row(order)
            order.saw(row.state, row.version)
            if holds(row):
                return row
            if time.monotonic() > deadline:
                raise order.broken(f"nothing has happened for {PATIENCE_S:g} s")

    async def tick_for_ever(self) -> None:
        """Everything that is asked of the database in one round, again and again; a database that is away is asked later."""
        while True:
            await asyncio.sleep(TICK_S)
            for citizen in (*self.buyers, *self.operators, *self.strangers):
                citizen.socket.frames.clear()
            for listing in self.listings:
                listing.owner.socket.frames.clear()
            asked, hurried = self._asked, self._hurried
            longer, self._hurried_longer = self._hurried_longer, []
            self._asked, self._hurried = {}, []
            try:
                rows = await asyncio.to_thread(self._round, list(asked), hurried, longer)
            except (pymysql.err.MySQLError, OSError):
                rows = {}
                self._hurried += hurried
                self._hurried_longer += longer
            for order_id, futures in asked.items():
                if order_id not in rows:
                    self._asked.setdefault(order_id, []).extend(futures)
                    continue
                for future in futures:
                    if not future.done():
                        future.set_result(rows[order_id])

    def _round(
        self, asked: Sequence[str], hurried: Sequence[Order], longer: Sequence[tuple[Order, int]]
    ) -> dict[str, Row]:
        if not (asked or hurried or longer):
            return {}
        now_ms = int(time.time() * 1000)
        with self.stack.servers.mariadb.connect() as connection, connection.cursor() as cursor:
            for order in sorted(hurried, key=lambda order: int(order.id)):
                shift_ms = SHIFT_MS if order.shifted else 0
                cursor.execute(
                    "UPDATE orders.orders SET entered_ms = entered_ms - %s, pay_by_ms = LEAST(pay_by_ms, %s), "
                    "start_ms = start_ms - %s, end_ms = end_ms - %s, until_ms = until_ms - %s, due_ms = %s "
                    "WHERE id = %s AND state = %s AND version = %s",
                    (SHIFT_MS, now_ms, shift_ms, shift_ms, shift_ms, now_ms, order.id, order.state, order.version),
                )  # fmt: skip
            for order, extension in sorted(longer, key=lambda wish: int(wish[0].id)):
                cursor.execute(
                    "UPDATE orders.orders SET extensions = JSON_SET(extensions, %s, %s), due_ms = %s WHERE id = %s "
                    "AND JSON_VALUE(extensions, %s) = 'pending_payment'",
                    (f"$[{extension - 1}].pay_by_ms", now_ms, now_ms, order.id, f"$[{extension - 1}].state"),
                )  # fmt: skip
            if not asked:
                return {}
            marks = ", ".join(["%s"] * len(asked))
            cursor.execute(
                "SELECT id, state, version, start_code, return_code, end_ms, "
                "COALESCE(JSON_VALUE(extensions, CONCAT('$[', JSON_LENGTH(extensions) - 1, '].state')), '') "
                f"FROM orders.orders WHERE id IN ({marks})",
                tuple(asked),
            )
            rows = {str(id_): Row(*rest) for id_, *rest in cursor.fetchall()}
            # InnoDB shows a commit a moment before it is durable, and MariaDB may be killed in that moment.
            cursor.execute("FLUSH LOCAL ENGINE LOGS")
            return rows

    async def close(self) -> None:
        everybody = {id(c): c for c in (*self.buyers, *self.operators, *self.strangers)}
        everybody |= {id(listing.owner): listing.owner for listing in self.listings}
        await asyncio.gather(*(citizen.socket.close() for citizen in everybody.values()))


def _by_rest(name: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if name in REST_PATHS:
        return REST_PATHS[name], body
    rest = {field: value for field, value in body.items() if field != "order_id"}
    return f"/v1/orders/{body['order_id']}/{name.partition('.')[2]}", rest


@contextlib.asynccontextmanager
async def open_town(stack: Stack, dice: random.Random) -> AsyncIterator[Town]:
    """With its clock ticking."""
    timeout = aiohttp.ClientTimeout(total=30, connect=5)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        town = Town(stack, http, dice)
        ticking = asyncio.create_task(town.tick_for_ever())
        try:
            yield town
        finally:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
            await town.close()
