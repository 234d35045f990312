"""The people and the orders of `hub`: written straight into the database, because ten thousand logins are not what is measured.

People come in pairs, an owner and a buyer, with two orders between them. Each order is paid and ready, so that three transitions
are left to it, all asked for over REST: `start` (owner), `return` and `dispute` (buyer). No money moves and no calendar changes in these.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from devkit.servers import MariaDb
from infra.tokens import Tokens
from loadtest.swarm import Plan, request
from market.kernel.actor import Actor
from market.kernel.ids import Id, IdMaker
from market.kernel.period import DAY_MS, HOUR_MS, Period
from market.orders import store
from market.orders.rules.life import PROCESS_VERSION
from market.orders.rules.order import Order
from market.orders.rules.price import Line

TOKENS_LAST_S = 24 * 3600
ORDERS_PER_PAIR = 2
STEPS = ("start", "return", "dispute")
BODIES = {
    "start": b'{"code":"000000"}',
    "return": b'{"code":"000000"}',
    "dispute": '{"reason":"车筐坏了"}'.encode(),
}
BATCH = 2000

# The driver sends many rows in one statement only when all values are placeholders.
USER = (
    "INSERT INTO users (id, version, openid, nickname, avatar_url, role, banned, created_ms) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)
SESSION = (
    "INSERT INTO sessions (id, version, user_id, generation, revoked, expires_ms, created_ms) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s)"
)
LINES = (
    Line(code="rent_hour", quantity=4, unit_fen=500, total_fen=2000),
    Line(code="deposit", quantity=1, unit_fen=20_000, total_fen=20_000),
)


@dataclass(frozen=True, slots=True)
class Person:
    id: Id
    token: str


@dataclass(frozen=True, slots=True)
class Deal:
    """One order."""

    id: Id
    owner: Person
    buyer: Person


class Moved(msgspec.Struct):
    """What the answer to a transition says."""

    order_id: str
    version: int


class Error(msgspec.Struct):
    code: str


class Refused(msgspec.Struct):
    """What any other answer says."""

    error: Error


class Scene:
    """Makes people and orders. Blocks."""

    def __init__(self, mariadb: MariaDb, tokens: Tokens) -> None:
        self._mariadb = mariadb
        self._tokens = tokens
        self._ids = IdMaker(lambda below: random.randrange(below))
        self._clock_ms = int(time.time() * 1000) - DAY_MS
        """Ids of their own milliseconds, so that no two are the same."""

    def people(self, count: int) -> list[Person]:
        now_ms = int(time.time() * 1000)
        actors = [
            Actor(user_id=self._id(), role="user", session_id=self._id()) for _ in range(count)
        ]
        self._insert(
            "users", USER,
            [
                (int(a.user_id), 1, f"bench-{a.user_id}", f"用户 {n}", "", "user", 0, now_ms)
                for n, a in enumerate(actors)
            ],
        )  # fmt: skip
        self._insert(
            "users", SESSION,
            [(int(a.session_id), 1, int(a.user_id), 1, "", now_ms + 30 * DAY_MS, now_ms) for a in actors],
        )  # fmt: skip
        return [Person(a.user_id, self._tokens.access(a, now_ms)) for a in actors]

    def deals(self, people: Sequence[Person]) -> list[Deal]:
        """Two for each pair, the pairs being neighbours in the list."""
        now_ms = int(time.time() * 1000)
        pairs = list(zip(people[::2], people[1::2], strict=False))
        deals = [Deal(self._id(), *pair) for pair in pairs for _ in range(ORDERS_PER_PAIR)]
        orders = (_order(deal, self._id(), now_ms) for deal in deals)
        self._insert("orders", store.INSERT_ORDER, [store.values(order) for order in orders])
        return deals

    def versions(self, listing: str) -> dict[str, int]:
        """By topic, what MySQL has of everything that is watched here. An inbox that has nothing is left out."""
        found: dict[str, int] = {}
        with self._mariadb.connect(schema="orders") as connection, connection.cursor() as cursor:
            cursor.execute("SELECT id, version FROM orders")
            for id_, version in cursor.fetchall():
                found[f"order:{id_}:owner"] = found[f"order:{id_}:buyer"] = version
            cursor.execute("SELECT user_id, last_seq FROM notices.inboxes")
            found |= {f"user:{user}": seq for user, seq in cursor.fetchall()}
            cursor.execute("SELECT version FROM listings.listings WHERE id = %s", [int(listing)])
            found |= {f"listing:{listing}": version for (version,) in cursor.fetchall()}
        return found

    def facts_under_way(self, wings: Sequence[str]) -> int:
        """Outbox rows that are to be carried, and inbox rows that are to be handled."""
        count = 0
        with self._mariadb.connect() as connection, connection.cursor() as cursor:
            for wing in wings:
                cursor.execute(
                    f"SELECT (SELECT COUNT(*) FROM {wing}.outbox) + "
                    f"(SELECT COUNT(*) FROM {wing}.inbox WHERE done = 0)"
                )
                count += int(cursor.fetchone()[0])
        return count

    def _id(self) -> Id:
        self._clock_ms += 1
        return self._ids.make(self._clock_ms)

    def _insert(self, schema: str, statement: str, rows: list[tuple[object, ...]]) -> None:
        with self._mariadb.connect(schema=schema) as connection, connection.cursor() as cursor:
            for at in range(0, len(rows), BATCH):
                cursor.executemany(statement, rows[at : at + BATCH])


def _order(deal: Deal, listing_id: Id, now_ms: int) -> Order:
    """Paid and ready."""
    begins_ms = now_ms + 30 * DAY_MS
    return Order(
        id=deal.id, version=2, process_version=PROCESS_VERSION, state="ready", entered_ms=now_ms, listing_id=listing_id,
        buyer_id=deal.buyer.id, owner_id=deal.owner.id, title="山地自行车，二十四速，带车锁", address="人民广场 1 号",
        period=Period(begins_ms, begins_ms + 4 * HOUR_MS), buffer_ms=0, seats=1, terms_version=1,
        policy="flexible", lines=LINES, rent_fen=2000, deposit_fen=20_000, fee_fen=200, late_hour_fen=500,
        late_fen=0, claim_fen=0, refund_fen=0, refund_deposit_fen=0, owner_fen=0, pay_by_ms=now_ms,
        start_code="000000", return_code="000000", wrong_codes=0, reason="", evidence=0, created_ms=now_ms,
    )  # fmt: skip


def plans(
    people: Sequence[Person], deals: Sequence[Deal], urls: tuple[str, ...], first_id: int = 0
) -> list[Plan]:
    """One client a person, with three topics: the inbox and both orders. Half of the pairs sit on one hub, half on two."""
    topics: dict[Id, list[str]] = {person.id: [f"user:{person.id}"] for person in people}
    for deal in deals:
        topics[deal.owner.id].append(f"order:{deal.id}:owner")
        topics[deal.buyer.id].append(f"order:{deal.id}:buyer")
    return [
        Plan(
            id=first_id + n, urls=urls, topics=tuple(topics[person.id]), token=person.token,
            first_url=n // 2 + n % 2 * (n // 4 % 2),
        )
        for n, person in enumerate(people)
    ]  # fmt: skip


class Traffic:
    """The transitions that the orders have left: the first of all of them, then the second of all."""

    def __init__(self, deals: Sequence[Deal]) -> None:
        self.left = len(deals) * len(STEPS)
        self._moves = self._all(list(deals))

    def _all(self, deals: list[Deal]) -> Iterator[bytes]:
        # Shuffled once: two transitions of one order are as far apart as can be. Next to each other, the second's state might
        # take the first's place on its way, as it may.
        random.shuffle(deals)
        for step in STEPS:
            for deal in deals:
                actor = deal.owner if step == "start" else deal.buyer
                yield request(
                    "POST", f"/v1/orders/{deal.id}/{step}", token=actor.token, key=f"{deal.id}-{step}",
                    body=BODIES[step],
                )  # fmt: skip

    def schedule(self, per_s: float, seconds: float) -> list[tuple[float, bytes]]:
        """Evenly, as many as are left at most."""
        count = min(self.left, int(per_s * seconds))
        self.left -= count
        return [(n / per_s, next(self._moves)) for n in range(count)]


def edits(listing: str, owner: Person, version: int, seconds: float) -> list[tuple[float, bytes]]:
    """The listing's address, which nobody has to look at first, once a second, each on top of the one before."""
    schedule = []
    for n in range(int(seconds)):
        body = f'{{"version":{version + n},"address":"人民广场 {n} 号"}}'.encode()
        one = request("PATCH", f"/v1/listings/{listing}", token=owner.token, key=f"edit-{version + n}", body=body)  # fmt: skip
        schedule.append((n + 0.5, one))
    return schedule
