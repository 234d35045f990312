"""Whether everything that was committed, and nothing else, has had its effect once, and whether every client knows it.

The insights hear every fact there is, so their inbox is the list of all facts that were carried. It is compared with what each
wing's own tables say must have been told (nothing lost), and with what each consumer has done (nothing doubled).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from devkit.client import Person, Socket, Topic
from infra import wire
from infra.config import WINGS
from market.kernel.facts import EXTENSION_MOVED, KINDS, CalendarChanged, MessageSent, OrderMoved
from tests.faults.fleet import DEPOSIT_FEN, RENT_FEN, Fleet, Row, eventually, overlap
from workers.jobs import handlers_of

HEALED_S = 8.0
"""How long a client may lag behind at the end. The audit that would make up for anything comes less often (AUDIT_S)."""

FREE = {"declined", "expired", "cancelled", "refunded"}
ENDS = {*FREE, "completed"}
UNPAID = {"requested", "pending_payment", "expiring", "declined", "cancelled", "expired"}
ERRANDS = ("refunds", "payouts")
NOTICES_OF = {
    "order.evidence_added": 1,
    "payment.refunded": 1,
    "payment.settled": 1,
    "payment.onboarding": 1,
    "rating.given": 1,
    "ratings.revealed": 2,
    "credit.changed": 1,
    "listing.reviewed": 1,
}
"""How many people are told of a fact; an order's moves say themselves."""
FACT_OF_WING = {
    "user": "users", "session": "users", "listing": "listings", "order": "orders", "calendar": "orders",
    "payment": "payments", "rating": "ratings", "ratings": "ratings", "credit": "ratings", "chat": "chat",
    "notice": "notices",
}  # fmt: skip
COUNTED_APART = ("credit.changed", "listing.rated", "listing.reviewed", "listing.state_changed")
"""Kinds whose versions are counted by themselves, though another kind has the same entity."""
BESIDE = {"listing.rated": "ratings"}


def teller_of(kind: str) -> str:
    return BESIDE.get(kind) or FACT_OF_WING[kind.partition(".")[0]]


async def calm(fleet: Fleet, within_s: float = 30.0) -> None:
    """Wait until nothing is on its way: no fact, no refund, no payout, no payment that WeChat has and we have not."""

    # In one statement, which sees one moment: a fact is always in an outbox, or not done in an inbox, or done.
    statement = " UNION ALL ".join(
        [
            *(f"SELECT '{w} has to tell', kind, entity, '' FROM {w}.outbox" for w in WINGS),
            *(
                f"SELECT '{w} has to hear', kind, entity, error FROM {w}.inbox WHERE done = 0"
                for w in WINGS
            ),
            *(
                f"SELECT 'money is on its way', status, order_id, error FROM payments.{table} WHERE status <> 'done'"
                for table in ERRANDS
            ),
        ]
    )

    # A worker that died at an errand leaves a lease of a minute (errands.LEASE_MS): let that minute pass at once.
    leased = "SELECT id FROM payments.{} WHERE status <> 'done' AND due_ms > %s"
    expire = "UPDATE payments.{} SET due_ms = 0 WHERE id = %s"

    async def busy() -> str | None:
        rows = await fleet.rows(f"{statement} LIMIT 5")
        if rows and all(row[0] == "money is on its way" for row in rows):
            for table in ERRANDS:
                soon_ms = time.time_ns() // 1_000_000 + 5_000
                for (id_,) in await fleet.rows(leased.format(table), soon_ms):
                    await fleet.rows(expire.format(table), id_)
        return str(rows) if rows else None

    await eventually("calm", busy, within_s)


async def assert_truth(fleet: Fleet, clients: Iterable[tuple[Person, Socket]] = ()) -> None:
    """After `calm`. All tables as a whole, then every client's topics."""
    await asyncio.to_thread(_assert_tables, fleet)
    await assert_clients(fleet, clients, HEALED_S)


async def assert_clients(
    fleet: Fleet, clients: Iterable[tuple[Person, Socket]], within_s: float
) -> None:
    """After `calm`: what each client has is what one that comes now is given, topic by topic, and what the database has."""
    await asyncio.gather(*(_assert_client(fleet, *client, within_s) for client in clients))


# --- the tables -----------------------------------------------------------------------------------------------------------


class Facts:
    """All that were carried, in the order in which each wing told them."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.by_entity: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
        self.ids: dict[int, str] = {}
        self.orders: list[tuple[str, OrderMoved]] = []
        self.calendars: Counter[int] = Counter()
        self.lines: set[tuple[int, int]] = set()
        for fact_id, kind, entity, version, data in rows:
            self.ids[fact_id] = kind
            group = teller_of(kind) + (f":{kind}" if kind in COUNTED_APART else "")
            self.by_entity[group, entity].append(version)
            known = wire.from_msgpack(bytes(data), KINDS[kind])
            if isinstance(known, OrderMoved):
                self.orders.append((kind, known))
            elif isinstance(known, CalendarChanged):
                self.calendars[int(known.listing_id)] += 1
            elif isinstance(known, MessageSent):
                self.lines.add((int(known.conversation_id), known.seq))
        self.kinds = Counter(self.ids.values())


def _assert_tables(fleet: Fleet) -> None:
    rows = fleet.rows_now
    facts = Facts(
        rows("SELECT fact_id, kind, entity, version, data FROM insights.inbox ORDER BY seq")
    )
    _assert_each_heard_once(fleet, facts)
    _assert_all_told(fleet, facts)
    _assert_orders(fleet, facts)
    _assert_money(fleet)
    _assert_projections(fleet, facts)
    _assert_notices(fleet, facts)


def _assert_each_heard_once(fleet: Fleet, facts: Facts) -> None:
    """Every consumer has done exactly the facts that it handles. The inbox's unique key excludes a second row of one fact."""
    for wing in WINGS:
        rows = fleet.rows_now(f"SELECT fact_id, done, attempts FROM {wing}.inbox")
        assert [row for row in rows if not row[1]] == [], wing
        kinds = set(handlers_of(wing))
        told = {id_ for id_, kind in facts.ids.items() if kind in kinds and teller_of(kind) != wing}
        assert {row[0] for row in rows} == told, f"{wing} did not hear what was told"
        assert fleet.rows_now(f"SELECT COUNT(*) FROM {wing}.outbox") == [(0,)]
    counted: dict[str, int] = dict(
        fleet.rows_now("SELECT kind, SUM(facts) FROM insights.facts_per_hour GROUP BY kind")
    )
    assert {kind: int(n) for kind, n in counted.items()} == dict(facts.kinds)


def _assert_all_told(fleet: Fleet, facts: Facts) -> None:
    """Each entity's versions 1, 2, ... n were told, each once and in this order, and the entity is at version n."""

    def assert_versions(group: str, sql: str, first: int = 1) -> None:
        told = {e: versions for (g, e), versions in facts.by_entity.items() if g == group}
        present: dict[int, int] = dict(fleet.rows_now(sql))
        if group in ("listings", "orders"):
            told = {e: v for e, v in told.items() if e in present}
        expected = {e: list(range(first, n + 1)) for e, n in present.items() if n >= first}
        wrong = {e: (told.get(e), n) for e, n in expected.items() if told.get(e) != n}
        assert not wrong, f"{group}: {wrong}"
        assert told.keys() == expected.keys(), group

    revoked: dict[int, int] = dict(
        fleet.rows_now("SELECT id, version FROM users.sessions WHERE revoked <> ''")
    )
    users = {e: v for (g, e), v in facts.by_entity.items() if g == "users" and e not in revoked}
    assert users == {
        id_: list(range(1, n + 1))
        for id_, n in fleet.rows_now("SELECT id, version FROM users.users")
    }
    assert all(facts.by_entity["users", id_] == [n] for id_, n in revoked.items())
    assert_versions("listings", "SELECT id, version FROM listings.listings")
    assert_versions(
        "listings:listing.state_changed", "SELECT id, state_version FROM listings.listings WHERE state_version > 0"
    )  # fmt: skip
    assert_versions("orders", "SELECT id, version FROM orders.orders")
    assert_versions("ratings:credit.changed", "SELECT id, version FROM ratings.credits")
    assert_versions("ratings:listing.rated", "SELECT id, version FROM ratings.listing_ratings")
    # Nobody hears of notices but their users: `_assert_client` looks at those, and here at what there is to be told.
    gaps = "SELECT user_id FROM notices.inboxes b WHERE last_seq <> (SELECT COUNT(*) FROM notices.entries e WHERE e.user_id = b.user_id)"
    assert fleet.rows_now(gaps) == []
    assert_versions("chat", "SELECT id, last_seq FROM chat.conversations")
    assert facts.lines == set(fleet.rows_now("SELECT conversation_id, seq FROM chat.messages"))
    table = "SELECT COUNT(*) FROM"
    for kind, sql in (
        ("payment.received", f"{table} payments.payments WHERE status = 'paid'"),
        (
            "payment.settled",
            "SELECT COUNT(DISTINCT tx_id) FROM payments.entries WHERE reason = 'settled'",
        ),
        ("payment.released", f"{table} payments.payouts WHERE status = 'done'"),
        ("payment.refunded", f"{table} payments.refunds WHERE status = 'done'"),
        ("rating.given", f"{table} ratings.ratings"),
        ("ratings.revealed", f"{table} ratings.windows WHERE revealed = 1"),
    ):
        assert fleet.rows_now(sql) == [(facts.kinds[kind],)], kind


def _assert_orders(fleet: Fleet, facts: Facts) -> None:
    """Replay the facts: legal steps, no two bookings of a listing that overlap at any moment, and the tables' state at the end."""
    taken: defaultdict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
    states: dict[int, str] = {}
    changes: Counter[int] = Counter(facts.calendars)
    for kind, moved in facts.orders:
        listing, order = int(moved.listing_id), int(moved.order_id)
        period = (moved.start_ms, moved.taken_until_ms)
        if moved.transition == "create":
            assert order not in states, f"order {order} was created twice"
            clash = [other for other in taken[listing].values() if overlap(period, other)]
            assert not clash, f"order {order} for {period} was booked over {clash}"
            taken[listing][order] = period
            changes[listing] += 1
        elif moved.state in FREE:
            changes[listing] += taken[listing].pop(order, None) is not None
        elif period != taken[listing][order]:
            assert kind == EXTENSION_MOVED, (
                f"order {order} takes {period} by its {moved.transition}"
            )
            others = [other for id_, other in taken[listing].items() if id_ != order]
            clash = [other for other in others if overlap(period, other)]
            assert not clash, f"order {order} was extended to {period} over {clash}"
            taken[listing][order] = period
            changes[listing] += 1
        states[order] = moved.state
    rows = fleet.rows_now(
        "SELECT id, state, listing_id, start_ms, until_ms, blocking FROM orders.orders"
    )
    assert states == {row[0]: row[1] for row in rows}
    blocking = {(row[2], row[0], row[3], row[4]) for row in rows if row[5]}
    assert blocking == {
        (listing, o, *p) for listing, orders in taken.items() for o, p in orders.items()
    }
    versions = fleet.rows_now("SELECT listing_id, version FROM orders.bookables")
    assert dict(versions) == dict(changes), "calendars"


def _assert_money(fleet: Fleet) -> None:
    """The ledger sums to zero, as a whole, in each journal transaction, and each order's money is where its state says."""
    rows = fleet.rows_now
    assert rows("SELECT COALESCE(SUM(amount_fen), 0) FROM payments.entries") == [(0,)]
    assert not rows(
        "SELECT tx_id, SUM(amount_fen) FROM payments.entries GROUP BY tx_id HAVING SUM(amount_fen) <> 0"
    )
    balances: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for order, account, fen in rows(
        "SELECT order_id, account, SUM(amount_fen) FROM payments.entries GROUP BY order_id, account"
    ):
        balances[order][account.partition(":")[0]] += int(fen)
    sql = "SELECT o.id, o.state, o.rent_fen, o.deposit_fen, o.fee_fen, o.refund_fen, o.owner_fen, p.status, o.extensions FROM orders.orders o LEFT JOIN payments.payments p ON p.order_id = o.id AND p.extension = 0"
    for order, state, rent, deposit, fee, back, owner, payment, extensions in rows(sql):
        for longer in json.loads(extensions):
            if longer["state"] == "paid":
                rent, fee = rent + longer["rent_fen"], fee + longer["fee_fen"]
                back, owner = back + longer["refund_fen"], owner + longer["owner_fen"]
        found = {name: fen for name, fen in balances[order].items() if fen}
        context = f"order {order} is {state}, its payment {payment}"
        assert (rent % RENT_FEN, deposit) == (0, DEPOSIT_FEN)
        if payment != "paid":
            assert state in UNPAID, context
            assert found == {}, context
        elif state in ENDS:
            # the owner's part has been released, the platform's lies in its own account
            assert back + owner + fee == rent + deposit, context
            assert found == ({"wechat": -fee, "platform": fee} if fee else {}), context
        else:
            assert state not in UNPAID, context
            assert found == {"wechat": -rent - deposit, "escrow": rent, "deposit": deposit}, context


SEEN_LISTINGS = "SELECT id, version FROM listings.listings WHERE published_ms > 0"
"""Of drafts nobody hears but their owners."""


def _assert_projections(fleet: Fleet, facts: Facts) -> None:
    """What wings keep of one another is what the others have."""
    for theirs, ours in (
        (SEEN_LISTINGS, "SELECT listing_id, listing_version FROM orders.bookables"),
        (SEEN_LISTINGS, "SELECT id, version FROM chat.listings"),
        ("SELECT id, version FROM users.users", "SELECT user_id, version FROM payments.payers"),
        ("SELECT id, state FROM orders.orders", "SELECT order_id, state FROM payments.payables WHERE extension = 0"),
        ("SELECT id, owner_id FROM orders.orders", "SELECT id, owner_id FROM chat.conversations WHERE kind = 'order'"),
        ("SELECT id, owner_id FROM orders.orders WHERE state = 'completed'", "SELECT order_id, owner_id FROM ratings.windows"),
        (
            "SELECT listing_id, COUNT(*) FROM orders.orders WHERE state IN "
            "('completed', 'declined', 'expired', 'cancelled', 'refunded') GROUP BY listing_id",
            "SELECT id, orders_created FROM listings.listings WHERE orders_created > 0",
        ),
        (
            "SELECT listing_id, COUNT(*) FROM orders.orders WHERE state = 'completed' GROUP BY listing_id",
            "SELECT id, orders_completed FROM listings.listings WHERE orders_completed > 0",
        ),
        (
            "SELECT ratee_id, COUNT(*) FROM ratings.ratings WHERE revealed = 1 GROUP BY ratee_id",
            "SELECT id, ratings FROM ratings.credits WHERE ratings > 0",
        ),
        (
            "SELECT id, ratings FROM ratings.credits WHERE ratings > 0",
            "SELECT user_id, ratings FROM listings.owners WHERE ratings > 0",
        ),
    ):  # fmt: skip
        assert dict(fleet.rows_now(theirs)) == dict(fleet.rows_now(ours)), ours


def _assert_notices(fleet: Fleet, facts: Facts) -> None:
    """As many as the facts call for. Chat lines are told together, so there only must be one at least; what lies ahead is told by
    the clock."""
    told: Counter[str] = Counter(
        dict(fleet.rows_now("SELECT kind, COUNT(*) FROM notices.entries GROUP BY kind"))
    )
    expected = Counter({kind: n * NOTICES_OF.get(kind, 0) for kind, n in facts.kinds.items()})
    for kind, moved in facts.orders:
        expected[kind] += len(moved.tells)
    unasked = ("chat.message", "read", "chat_read", "order.starting", "order.ending")
    assert {k: n for k, n in told.items() if k not in unasked} == {
        kind: n for kind, n in expected.items() if n
    }
    twice = (
        "SELECT user_id, kind, order_id, COUNT(*) FROM notices.entries e WHERE order_id IS NOT NULL "
        "AND kind <> 'order.extension' GROUP BY user_id, kind, order_id HAVING COUNT(*) > "
        "1 + (SELECT COUNT(*) FROM payments.payments p WHERE p.order_id = e.order_id AND p.extension > 0 AND kind LIKE 'payment.%')"
    )
    assert fleet.rows_now(twice) == []


# --- the clients ----------------------------------------------------------------------------------------------------------

VERSIONS = {
    "order": "SELECT version FROM orders.orders WHERE id = %s",
    "calendar": "SELECT version FROM orders.bookables WHERE listing_id = %s",
    "listing": "SELECT version FROM listings.listings WHERE id = %s",
    "chat": "SELECT last_seq FROM chat.conversations WHERE id = %s",
    "user": "SELECT last_seq FROM notices.inboxes WHERE user_id = %s",
}


async def _assert_client(fleet: Fleet, person: Person, socket: Socket, within_s: float) -> None:
    newcomer = await fleet.socket(person)
    names = [name for name in socket.topics if name.partition(":")[0] in VERSIONS]
    for start in range(0, len(names), 50):
        await newcomer.watch(*names[start : start + 50])
    versions = {name: await _version(fleet, name) for name in names}

    async def behind() -> str | None:
        for name in names:
            wrong = _difference(socket.topics[name], newcomer.topics[name], versions[name])
            if wrong:
                return f"{person.openid} and {name}: {wrong}; of it came {_heard(socket, name)}"
        return None

    await eventually("clients up to date", behind, within_s)


def _heard(socket: Socket, topic: str) -> list[str]:
    """What the server has said of a topic, and when the connection was made anew, in order."""
    heard = []
    for frame in socket.frames:
        parts = [f for f in (*frame.get("topics", ()), *frame.get("refused", ())) if f["topic"] == topic]  # fmt: skip
        if frame["op"] == "push" and frame["topic"] == topic:
            heard.append(f"push {frame['version']}")
        elif parts or frame["op"] in ("connected", "error"):
            said = [part.get("code", part.get("version")) for part in parts]
            heard.append(f"{frame['op']} {said or frame.get('error', '')}")
    return heard


async def _version(fleet: Fleet, topic: str) -> int:
    kind, id_ = topic.split(":")[:2]
    rows = await fleet.rows(VERSIONS[kind], int(id_))
    return int(rows[0][0]) if rows else 0


def _difference(known: Topic, fresh: Topic, version: int) -> str:
    if known.refused is not None:
        return f"not joined: {known.refused}"
    if (known.version, fresh.version) != (version, version):
        return f"has {known.version}, newcomers get {fresh.version}, the database has {version}"
    if known.kind == "log":
        if sorted(known.log) != list(range(1, version + 1)):
            return f"numbers up to {version} are {sorted(known.log)}"
        for number, payload in fresh.log.items():
            if _lasting(payload) != _lasting(known.log[number]):
                return f"entry {number} is {known.log[number]}, newcomers get {payload}"
    elif _lasting(known.state) != _lasting(fresh.state):
        return f"state is {known.state}, newcomers get {fresh.state}"
    return ""


def _lasting(payload: Any) -> Any:
    """Without what is as of the moment it was asked for."""
    if not isinstance(payload, dict):
        return payload
    return {name: value for name, value in payload.items() if name not in ("read", "image_url")}
