"""The running product as the fault tests handle it: who uses it, what dies in it, what its databases say."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import aiohttp

from devkit.client import JSON, MSGPACK, Person, Socket
from devkit.stack import ServingProcess, Stack

AUDIT_S = 60.0
"""So long that the audit hides nothing: what a client lacks must be healed because the hub knows that it missed something."""
HOUR_MS = 3_600_000
RENT_FEN, DEPOSIT_FEN = 1000, 20_000
KILLED = -9

Row = tuple[Any, ...]


async def eventually(
    what: str, holds: Callable[[], Awaitable[str | None]], within_s: float = 20.0
) -> None:
    """Ask until the answer is None; AssertionError with the last answer when time is over."""
    deadline = time.monotonic() + within_s
    while (wrong := await holds()) is not None:
        assert time.monotonic() < deadline, f"{what}, after {within_s:g} s: {wrong}"
        await asyncio.sleep(0.05)


class Fleet:
    """Opened with `open_fleet`."""

    def __init__(self, stack: Stack, http: aiohttp.ClientSession) -> None:
        self.stack = stack
        self.http = http
        self.apis = [p for name, p in stack.processes.items() if name.split("-")[0] == "api"]
        self.sockets: list[Socket] = []
        self._turn = itertools.count()

    # --- people ---

    async def person(self, api: int | None = None, openid: str | None = None) -> Person:
        """Somebody new, logged in; with `openid`, somebody known on another device. Their requests go to both api processes in
        turn, or to number `api` alone."""

        def url(_path: str) -> str:
            return self.apis[next(self._turn) % len(self.apis) if api is None else api].url

        person = Person(
            self.http, api=url, hubs=[hub.url for hub in self.stack.hubs],
            sandbox=self.stack.sandbox_url, openid=openid or f"o-{secrets.token_hex(8)}",
        )  # fmt: skip
        return await person.log_in()

    async def people(self, count: int) -> list[Person]:
        return list(await asyncio.gather(*(self.person() for _ in range(count))))

    async def socket(self, person: Person, hub: int = 0, encoding: str = MSGPACK) -> Socket:
        """A live socket, closed at the end of the test."""
        socket = await person.connect(encoding, hub)
        self.sockets.append(socket)
        return socket

    async def pair(self, number: int) -> tuple[Person, Socket, Person, Socket]:
        """(owner, socket, buyer, socket) on both hubs, in both encodings, watching their inboxes."""
        owner, buyer = await self.people(2)
        ones = await self.socket(owner, number % 2, JSON)
        others = await self.socket(buyer, (number + 1) % 2, MSGPACK)
        await ones.watch(f"user:{owner.id}")
        await others.watch(f"user:{buyer.id}")
        return owner, ones, buyer, others

    async def listing(self, owner: Person) -> str:
        """The id of a new listing that can be ordered at any hour."""
        body = {
            "title": f"帐篷 {secrets.token_hex(4)}", "description": "", "category": "outdoor", "lat": 31.23,
            "lng": 121.47, "address": "人民广场 1 号", "plan": {"weekly": [[[0, 1440]]] * 7},
            "price_hour_fen": RENT_FEN, "deposit_fen": DEPOSIT_FEN,
        }  # fmt: skip
        return str((await owner.publish(body))["listing_id"])

    async def pay(
        self, buyer: Person, order_id: str, extension_id: int = 0, **options: Any
    ) -> None:
        wanted = {"order_id": order_id, "extension_id": extension_id}
        prepay = await buyer.rest("POST", "/v1/payments/prepay", wanted)
        await buyer.pay(prepay["params"]["package"].removeprefix("prepay_id="), **options)

    # --- deaths ---

    async def kill(self, *names: str) -> None:
        """SIGKILL, all in one moment."""
        await asyncio.gather(*(asyncio.to_thread(self.stack[name].kill) for name in names))

    async def start(self, name: str, crash_at: str | None = None) -> None:
        """Start (again), with or without a failpoint; one that may crash while starting is not waited for."""
        await asyncio.to_thread(self.stack[name].start_to_crash, crash_at)

    async def arm(self, name: str, crash_at: str) -> None:
        """Replace a process by one that will crash at that point."""
        await self.kill(name)
        await self.start(name, crash_at)

    async def died(self, name: str, within_s: float = 20.0) -> None:
        """Wait until its failpoint has killed it."""
        process: ServingProcess = self.stack[name]

        async def dead() -> str | None:
            code = process.returncode
            assert code in (None, KILLED), f"{name} ended with {code}\n{process.log_tail()}"
            return f"{name} lives" if code is None else None

        await eventually("a crash", dead, within_s)

    async def repair(self) -> None:
        """Everything runs, and nothing is about to crash."""
        servers = self.stack.servers
        for child in (servers.mariadb, servers.redis, *self.stack.processes.values()):
            child.resume()
        await asyncio.gather(
            asyncio.to_thread(servers.mariadb.start), asyncio.to_thread(servers.redis.start)
        )
        for name, process in self.stack.processes.items():
            if "SHAREHUB_CRASH_AT" in (process.env or {}):
                await self.kill(name)
        await asyncio.gather(*(self.start(name) for name in self.stack.processes))

    # --- what the databases say ---

    def rows_now(self, sql: str, *args: object) -> list[Row]:
        """As root. Blocks for a moment."""
        with self.stack.servers.mariadb.connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql, args or None)
            return list(cursor.fetchall())

    async def rows(self, sql: str, *args: object) -> list[Row]:
        return await asyncio.to_thread(self.rows_now, sql, *args)


@contextlib.asynccontextmanager
async def open_fleet(stack: Stack) -> AsyncIterator[Fleet]:
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=30, connect=5)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        fleet = Fleet(stack, http)
        try:
            yield fleet
        finally:
            await asyncio.gather(*(socket.close() for socket in fleet.sockets))


def overlap(one: Sequence[int], other: Sequence[int]) -> bool:
    """Half-open periods."""
    return one[0] < other[1] and other[0] < one[1]


def some_hours(dice: random.Random, now_ms: int) -> tuple[int, int]:
    """A period of whole quarters within two days, beginning in an hour or later."""
    quarter = HOUR_MS // 4
    start = (now_ms // HOUR_MS + 2) * HOUR_MS + dice.randrange(190) * quarter
    return start, start + dice.randint(1, 24) * quarter
