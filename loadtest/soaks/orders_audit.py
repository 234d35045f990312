"""Whether every promise about orders and their money has been kept: the facts, the tables, the ledger and WeChat's own books.

All of it is read when nothing is under way any more. The first promise that was broken is raised as Broken, with the order's id.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from devkit.stack import Stack
from infra import wire
from loadtest.soaks.orders_calm import Row, wechat
from loadtest.soaks.orders_model import (
    AFTER,
    ENDS,
    EVERYTHING,
    FEE_PER_MILLE,
    FREE,
    GOES_ON,
    LONGER_STEPS,
    PARTIES,
    Broken,
    Order,
)
from loadtest.soaks.orders_town import HOUR_MS, Listing
from market.kernel.facts import EXTENSION_MOVED, KINDS, ExtensionOwed, OrderMoved

UNPAID_LONGER = ("pending_payment", "expiring", "expired")

HISTORY = "SELECT kind, entity, version, data FROM insights.inbox WHERE kind LIKE 'order.%%' {} ORDER BY seq"
"""The insights hear every fact there is, in the order in which each wing told them."""


def history(stack: Stack, order_id: str) -> list[str]:
    """What was told of one order, a line each."""
    with stack.servers.mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute(HISTORY.format("AND entity = %s"), (int(order_id),))
        return [
            f"{version} {wire.from_msgpack(bytes(data), KINDS[kind])}"
            for kind, _, version, data in cursor.fetchall()
        ]


@dataclass(slots=True)
class Told:
    """What the facts say of one order."""

    moves: list[OrderMoved]
    versions: list[int]
    longer: list[OrderMoved]
    """Steps of its extensions."""
    beside: Counter[str]
    """Facts of it that are neither, by kind."""

    @property
    def accepted(self) -> bool:
        return any(move.transition in ("pay", "pay_late") for move in self.moves)

    @property
    def extensions(self) -> dict[int, ExtensionOwed]:
        """As told last."""
        told = max((*self.moves, *self.longer), key=lambda move: move.version)
        return {owed.extension: owed for owed in told.extensions}

    @property
    def paid_longer(self) -> list[ExtensionOwed]:
        """Those that the order has counted in."""
        return [owed for owed in self.extensions.values() if owed.state not in UNPAID_LONGER]


class Audit:
    def __init__(self, stack: Stack, orders: Sequence[Order], listings: Sequence[Listing]) -> None:
        self._stack = stack
        self._orders = {int(order.id): order for order in orders}
        self._capacity = {int(one.id): int(one.offer.get("capacity", 1)) for one in listings}
        self._told: dict[int, Told] = {}
        self._counts: Counter[str] = Counter()

    def run(self) -> dict[str, int]:
        """How much was looked at, by sort."""
        self._read_facts()
        self._each_order_is_its_history()
        self._nothing_is_stuck()
        self._the_ledger_sums_to_zero()
        self._each_fen_is_where_its_history_says()
        self._wechat_believes_the_same()
        return dict(self._counts)

    def _rows(self, sql: str) -> Iterator[Row]:
        with self._stack.servers.mariadb.connect() as connection:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                rows = cursor.fetchall()
        yield from rows

    # --- what was told ---

    def _read_facts(self) -> None:
        """Replay them all: no listing has more bookings at any hour than it can take."""
        taken: defaultdict[int, Counter[int]] = defaultdict(Counter)
        periods: dict[int, range] = {}
        for kind, entity, version, data in self._rows(HISTORY.format("").replace("%%", "%")):
            told = self._told.setdefault(entity, Told([], [], [], Counter()))
            told.versions.append(version)
            self._counts["facts"] += 1
            move = wire.from_msgpack(bytes(data), KINDS[kind])
            if not isinstance(move, OrderMoved):
                told.beside[kind] += 1
                continue
            (told.longer if kind == EXTENSION_MOVED else told.moves).append(move)
            listing = int(move.listing_id)
            if move.transition == "create":
                periods[entity] = range(move.start_ms // HOUR_MS, move.end_ms // HOUR_MS)
                taken[listing].update(periods[entity])
                if any(taken[listing][hour] > self._capacity[listing] for hour in periods[entity]):
                    raise Broken(f"order {entity} was booked over another one of listing {listing}")
            elif move.state in FREE and kind != EXTENSION_MOVED:
                taken[listing].subtract(periods.pop(entity))
            elif entity in periods and periods[entity].start == move.start_ms // HOUR_MS:
                taken[listing].subtract(periods[entity])
                periods[entity] = range(move.start_ms // HOUR_MS, move.taken_until_ms // HOUR_MS)
                taken[listing].update(periods[entity])
                if any(taken[listing][hour] > self._capacity[listing] for hour in periods[entity]):
                    raise Broken(f"order {entity} was extended over another one of {listing}")

    def _each_order_is_its_history(self) -> None:
        """Every acknowledged command is there once, nothing else that a party did, and what was told is what is there."""
        if self._told.keys() != self._orders.keys():
            strange = self._told.keys() ^ self._orders.keys()
            raise Broken(f"orders {sorted(strange)[:5]}: told of or acknowledged, and not both")
        rows = self._rows("SELECT id, state, version, due_ms FROM orders.orders")
        present = {id_: (state, version, due_ms) for id_, state, version, due_ms in rows}
        if present.keys() != self._orders.keys():
            raise Broken(
                f"orders {sorted(present.keys() ^ self._orders.keys())[:5]} are in one place only"
            )
        for id_, order in self._orders.items():
            told = self._told[id_]
            self._check_history(order, told)
            state, version, due_ms = present[id_]
            self._check_longer(order, told)
            if (state, version) != (told.moves[-1].state, told.versions[-1]):
                raise order.broken(f"is {state} at {version}, and was told as {told.moves[-1]}")
            if (due_ms is None) != (state in ENDS):
                raise order.broken(f"{state} is due at {due_ms}")
            self._counts[f"ended as {state}" if state in ENDS else f"left as {state}"] += 1

    def _check_history(self, order: Order, told: Told) -> None:
        if told.versions != list(range(1, len(told.versions) + 1)):
            raise order.broken(f"its versions were told as {told.versions}")
        first, *moves = told.moves
        if (first.transition, first.by) != ("create", "buyer") or 1 not in order.acknowledged:
            raise order.broken(f"began by {first}")
        done = {1: ("buyer", "create")}
        state = first.state
        for move in moves:
            if AFTER.get((state, move.by, move.transition)) != move.state:
                raise order.broken(
                    f"went from {state} by {move.by}'s {move.transition} to {move.state}"
                )
            if move.by in PARTIES:
                done[move.version] = (move.by, move.transition)
            elif move.by == "time" and state not in order.hurried and state != "pending_payment":
                raise order.broken(f"{move.transition} although it was not due")
            state = move.state
        for move in told.longer:
            if move.by in PARTIES:
                done[move.version] = (move.by, move.transition.replace("_free", ""))
        evidence = {v: said for v, said in order.acknowledged.items() if said[1] == "evidence"}
        if done | evidence != order.acknowledged:
            raise order.broken(
                f"{order.acknowledged} were acknowledged, {done} and {evidence} told"
            )
        if told.beside["order.evidence_added"] != len(evidence):
            raise order.broken(f"{told.beside} beside {len(evidence)} pieces of evidence")
        self._check_division(order, moves[-1] if moves else first)

    def _check_longer(self, order: Order, told: Told) -> None:
        """Each extension has gone its way, and its money is divided to the fen."""
        states: list[str] = []
        for move in sorted((*told.longer, *told.moves), key=lambda move: move.version):
            if move in told.longer:
                begins = move.transition in ("extend", "extend_free")
                before = "" if begins else states.pop()
                after = LONGER_STEPS.get((before, move.by, move.transition))
                if after is None or (begins and {*states} & {"pending_payment", "expiring"}):
                    raise order.broken(f"its extension went from {before!r} by {move}")
                states.append(after)
            elif states and states[-1] == "pending_payment" and move.state not in GOES_ON:
                states[-1] = "expiring"
        self._counts["extensions"] += len(states)
        self._counts["extensions paid"] += len(told.paid_longer)
        last = told.moves[-1]
        for owed in told.paid_longer:
            parts = (owed.refund_fen, owed.owner_fen, owed.fee_fen)
            if last.state in ENDS and (sum(parts) != owed.rent_fen or min(parts) < 0):
                raise order.broken(f"{owed} does not add up")

    def _check_division(self, order: Order, last: OrderMoved) -> None:
        """Who gets what at the end, by the last fact, against the model."""
        if last.state not in ENDS:
            return
        if last.refund_fen + last.owner_fen + last.fee_fen != order.total_fen:
            raise order.broken(f"{last} does not add up to {order.total_fen}")
        back_fen = order.back_fen(last.transition, last.by)
        longer = self._told[int(order.id)].paid_longer
        back = last.refund_fen + sum(owed.refund_fen for owed in longer)
        if last.transition in EVERYTHING and back_fen is not None:
            back_fen += sum(owed.rent_fen for owed in longer)
        if back_fen is not None and back_fen != back:
            raise order.broken(f"{last} gives back {back}, not {back_fen}")
        kept_rent_fen = order.rent_fen - (last.refund_fen - last.refund_deposit_fen)
        if not 0 <= last.fee_fen * 1000 <= kept_rent_fen * FEE_PER_MILLE + 1000:
            raise order.broken(f"the platform keeps {last.fee_fen} of {kept_rent_fen}")

    # --- the tables ---

    def _nothing_is_stuck(self) -> None:
        for what, sql in (
            ("an order without a timer", f"SELECT id FROM orders.orders WHERE due_ms IS NULL AND state NOT IN {tuple(sorted(ENDS))}"),
            ("a payment that nobody asks about", "SELECT order_id FROM payments.payments WHERE status IN ('preparing', 'waiting') AND check_ms IS NULL"),
            ("a paid order that has ended and is not divided",
             f"SELECT p.order_id FROM payments.payments p JOIN orders.orders o ON o.id = p.order_id WHERE p.status = 'paid' "
             f"AND p.divided = '' AND o.state IN {tuple(sorted(ENDS))}"),
            ("a fault of the ledger", "SELECT subject FROM payments.ledger_faults"),
        ):  # fmt: skip
            if rows := list(self._rows(sql)):
                raise Broken(f"{what}: order {rows[0][0]}, one of {len(rows)}")

    def _the_ledger_sums_to_zero(self) -> None:
        (sums,) = self._rows(
            "SELECT COALESCE(SUM(amount_fen), 0), COUNT(DISTINCT tx_id) FROM payments.entries"
        )
        self._counts["journal transactions"] = int(sums[1])
        if sums[0] != 0:
            raise Broken(f"the ledger sums to {sums[0]}")
        odd = "SELECT order_id, tx_id, SUM(amount_fen) FROM payments.entries GROUP BY order_id, tx_id HAVING SUM(amount_fen) <> 0"
        for order_id, tx_id, fen in self._rows(odd):
            raise Broken(f"order {order_id}: journal transaction {tx_id} sums to {fen}")

    def _each_fen_is_where_its_history_says(self) -> None:
        """Refunds, the owner's part, the platform's and what is held, against the order's last fact."""
        sorts: defaultdict[int, Counter[str]] = defaultdict(Counter)
        earned: Counter[int] = Counter()
        for order_id, account, reason, fen in self._rows(
            "SELECT order_id, account, reason, amount_fen FROM payments.entries"
        ):
            sort = (
                account if account.startswith(("wechat", "platform")) else account.partition(":")[0]
            )
            sorts[order_id][sort] += int(fen)
            if sort == "owner" and reason == "settled":
                earned[order_id] += int(fen)
        status: dict[int, str] = dict(
            self._rows("SELECT order_id, status FROM payments.payments WHERE extension = 0")
        )
        received = self._received_longer()
        back = self._sums(
            "SELECT order_id, SUM(amount_fen) FROM payments.refunds WHERE status = 'done' GROUP BY order_id"
        )
        for id_, order in self._orders.items():
            paid = status.get(id_) == "paid"
            if order.paid and not paid:
                raise order.broken(f"was paid, and its payment is {status.get(id_)}")
            last = self._told[id_].moves[-1]
            held = {
                "escrow": order.rent_fen,
                "deposit": order.deposit_fen,
                "wechat:clearing": -order.total_fen,
            }
            expected: dict[str, int] = {}
            back_fen = owner_fen = 0
            if paid and last.state not in ENDS:
                expected = held
            elif paid and self._told[id_].accepted:
                back_fen, owner_fen = last.refund_fen, last.owner_fen
                expected = {"wechat:platform": -last.fee_fen, "platform:fees": last.fee_fen}
            elif paid:
                back_fen = order.total_fen
            told = self._told[id_]
            if order.paid_longer.keys() - received[id_].keys():
                raise order.broken(f"paid for {order.paid_longer}, and {received[id_]} is known")
            for number, fen in received[id_].items():
                owed = told.extensions.get(number)
                if owed is None or owed.rent_fen != fen:
                    raise order.broken(f"{fen} were paid for extension {number}: {owed}")
                if owed not in told.paid_longer:
                    back_fen += fen
                elif last.state not in ENDS:
                    for sort, sign in (("escrow", 1), ("wechat:clearing", -1)):
                        expected[sort] = expected.get(sort, 0) + sign * fen
                else:
                    back_fen += owed.refund_fen
                    owner_fen += owed.owner_fen
                    for sort, sign in (("wechat:platform", -1), ("platform:fees", 1)):
                        expected[sort] = expected.get(sort, 0) + sign * owed.fee_fen
            if {owed.extension for owed in told.paid_longer} - received[id_].keys():
                raise order.broken(
                    f"{told.paid_longer} are counted in, and {received[id_]} was paid"
                )
            found = {sort: fen for sort, fen in sorts[id_].items() if fen}
            expected = {sort: fen for sort, fen in expected.items() if fen}
            if (found, back[id_], earned[id_]) != (expected, back_fen, owner_fen):
                raise order.broken(
                    f"its accounts are {found}, {back[id_]} went back and {earned[id_]} to the owner; by {last} they are to be "
                    f"{expected}, {back_fen} and {owner_fen}"
                )
            self._counts["paid"] += paid and order.total_fen > 0

    def _received_longer(self) -> defaultdict[int, dict[int, int]]:
        """Order -> extension -> what was paid for it."""
        found: defaultdict[int, dict[int, int]] = defaultdict(dict)
        for order_id, extension, fen in self._rows(
            "SELECT order_id, extension, amount_fen FROM payments.payments WHERE extension > 0 AND status = 'paid'"
        ):
            found[order_id][extension] = int(fen)
        return found

    def _sums(self, sql: str) -> Counter[int]:
        return Counter({order_id: int(fen) for order_id, fen in self._rows(sql)})

    # --- WeChat ---

    def _wechat_believes_the_same(self) -> None:
        """Payment by payment: what was paid, went back, was shared and released, and what is frozen still."""

        def theirs(sql: str) -> dict[str, int]:
            return {str(key): int(fen) for key, fen in wechat(self._stack, sql)}

        paid = theirs("SELECT out_trade_no, amount_fen FROM trades WHERE paid_at_ms IS NOT NULL")
        back = theirs(
            "SELECT out_trade_no, SUM(refund_fen) FROM refunds WHERE state = 'SUCCESS' GROUP BY out_trade_no"
        )
        of_trade = "JOIN trades t ON t.transaction_id = e.transaction_id"
        frozen = theirs(
            f"SELECT out_trade_no, SUM(e.amount_fen) FROM entries e {of_trade} WHERE pot = 'frozen' GROUP BY out_trade_no"
        )
        shares = "SELECT out_trade_no, SUM(e.amount_fen) FROM shares e " + of_trade
        shared, released = (
            theirs(f"{shares} WHERE kind = '{kind}' AND e.state = 'FINISHED' GROUP BY out_trade_no")
            for kind in ("share", "finish")
        )
        ours = self._rows(
            "SELECT p.order_id, p.out_trade_no, p.amount_fen, p.status, "
            "COALESCE((SELECT SUM(r.amount_fen) FROM payments.refunds r WHERE r.payment_id = p.id AND r.status = 'done'), 0), "
            "COALESCE((SELECT SUM(o.fee_fen) FROM payments.payouts o WHERE o.payment_id = p.id AND o.status = 'done'), 0), "
            "COALESCE((SELECT SUM(o.owner_fen) FROM payments.payouts o WHERE o.payment_id = p.id AND o.status = 'done'), 0) "
            "FROM payments.payments p WHERE p.amount_fen > 0"
        )
        known = set()
        for order_id, number, amount_fen, status, back_fen, fee_fen, owner_fen in ours:
            known.add(number)
            total_fen = int(amount_fen) if status == "paid" else 0
            parts = tuple(int(fen) for fen in (back_fen, fee_fen, owner_fen))
            mine = (total_fen, *parts, total_fen - sum(parts))
            wechats = tuple(book.get(number, 0) for book in (paid, back, shared, released, frozen))
            if mine != wechats:
                raise Broken(
                    f"order {order_id}: paid, back, shared, released and frozen are {mine} with us and {wechats} with WeChat"
                )
            self._counts["payments compared"] += 1
        if unknown := paid.keys() - known:
            raise Broken(f"WeChat was paid for {sorted(unknown)[:5]}, of which we know nothing")
