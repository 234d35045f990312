"""The life of an order, as one table per process version. Legality, timers, who is told, allowed actions and the diagram in
docs/ are derived from it.

Facts of the table: which parties (or which clock) move an order from where to where, and when that happens by itself.
An order keeps the version it began with, so that a later table does not change agreements that are running.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from market.kernel.period import DAY_MS, HOUR_MS, MINUTE_MS

PROCESS_VERSION = 3
"""Of orders that begin now."""

State = Literal[
    "requested", "pending_payment", "expiring", "ready", "in_use", "returned", "claimed", "disputed",
    "completed", "declined", "expired", "cancelled", "refunded",
]  # fmt: skip
Seat = Literal["buyer", "owner"]
Party = Literal["buyer", "owner", "operator", "payments", "time"]
Anchor = Literal["answer_by", "pay_by", "entered", "period_end"]
GivesBack = Literal[
    "nothing", "deposit", "deposit_less_claim", "by_policy", "as_decided", "everything"
]
"""What the buyer gets back. Of a deposit that goes back, what was late is kept."""

BOTH: tuple[Seat, ...] = ("buyer", "owner")

ANSWER_WINDOW_MS = 24 * HOUR_MS
PAYMENT_WINDOW_MS = 15 * MINUTE_MS
CLOSING_MS = 2 * HOUR_MS
"""WeChat keeps a prepay_id for two hours: after that nothing can be paid, whether payments has said so or not."""
CLAIM_WINDOW_MS = 48 * HOUR_MS
CONTEST_WINDOW_MS = 72 * HOUR_MS
OVERDUE_MS = 72 * HOUR_MS
DECISION_MS = 7 * DAY_MS
"""What is decided too late WeChat decides, by letting frozen money go: horizon, length and every wait end before that."""


@dataclass(frozen=True, slots=True)
class Timer:
    """Fires `after_ms` after the anchor: the answer or payment deadline, the state's beginning, or the period's end."""

    anchor: Anchor
    after_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    name: str
    by: tuple[Party, ...]
    source: tuple[State, ...]
    target: State
    timer: Timer | None = None
    gives_back: GivesBack = "nothing"
    awaits: tuple[Party, ...] = ()
    """Whose doing it waits for, when `by` only passes it on: the buyer pays, payments tells us."""
    tells: tuple[Seat, ...] = BOTH
    """Who finds a notice of it in the inbox."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What a party may do in these states without moving the order."""

    name: str
    by: tuple[Party, ...]
    states: tuple[State, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    initial: tuple[State, ...]
    transitions: tuple[Transition, ...]
    remarks: tuple[Remark, ...] = ()


_V1 = Table(
    initial=("pending_payment",),
    transitions=(
        Transition(name="pay", by=("payments",), awaits=("buyer",), source=("pending_payment",), target="ready"),
        Transition(name="expire", by=("time",), source=("pending_payment",), target="expired",
                   timer=Timer("pay_by"), gives_back="everything"),
        Transition(name="cancel", by=BOTH, source=("pending_payment", "ready"), target="cancelled",
                   gives_back="everything"),
        Transition(name="start", by=("owner",), source=("ready",), target="in_use"),
        Transition(name="lapse", by=("time",), source=("ready",), target="cancelled",
                   timer=Timer("period_end"), gives_back="everything"),
        Transition(name="return", by=("buyer",), source=("in_use",), target="returned"),
        Transition(name="accept", by=("owner",), source=("returned",), target="completed", gives_back="deposit"),
        Transition(name="settle", by=("time",), source=("returned",), target="completed",
                   timer=Timer("entered", CLAIM_WINDOW_MS), gives_back="deposit"),
        Transition(name="overdue", by=("time",), source=("in_use",), target="disputed",
                   timer=Timer("period_end", OVERDUE_MS)),
        Transition(name="dispute", by=BOTH, source=("in_use", "returned"), target="disputed"),
        Transition(name="release", by=("operator",), source=("disputed",), target="completed",
                   gives_back="deposit"),
        Transition(name="refund", by=("operator",), source=("disputed",), target="refunded",
                   gives_back="everything"),
        Transition(name="give_up", by=("time",), source=("disputed",), target="refunded",
                   timer=Timer("entered", 14 * DAY_MS), gives_back="everything"),
    ),
)  # fmt: skip

_V2 = Table(
    initial=("requested", "pending_payment"),
    transitions=(
        Transition(name="approve", by=("owner",), source=("requested",), target="pending_payment"),
        Transition(name="decline", by=("owner",), source=("requested",), target="declined",
                   gives_back="everything"),
        Transition(name="forget", by=("time",), source=("requested",), target="expired",
                   timer=Timer("answer_by"), gives_back="everything"),
        Transition(name="pay", by=("payments",), awaits=("buyer",), source=("pending_payment",), target="ready"),
        Transition(name="expire", by=("time",), source=("pending_payment",), target="expiring",
                   timer=Timer("pay_by"), tells=()),
        Transition(name="pay_late", by=("payments",), source=("expiring",), target="ready"),
        Transition(name="close", by=("payments",), source=("expiring",), target="expired",
                   gives_back="everything"),
        Transition(name="abandon", by=("time",), source=("expiring",), target="expired",
                   timer=Timer("entered", CLOSING_MS), gives_back="everything"),
        Transition(name="cancel", by=BOTH, source=("requested", "pending_payment", "ready"), target="cancelled",
                   gives_back="by_policy"),
        Transition(name="start", by=("owner",), source=("ready",), target="in_use"),
        Transition(name="lapse", by=("time",), source=("ready",), target="cancelled",
                   timer=Timer("period_end"), gives_back="everything"),
        Transition(name="return", by=("buyer",), source=("in_use",), target="returned"),
        Transition(name="accept", by=("owner",), source=("returned",), target="completed", gives_back="deposit"),
        Transition(name="settle", by=("time",), source=("returned",), target="completed",
                   timer=Timer("entered", CLAIM_WINDOW_MS), gives_back="deposit"),
        Transition(name="claim", by=("owner",), source=("returned",), target="claimed"),
        Transition(name="concede", by=("buyer",), source=("claimed",), target="completed",
                   gives_back="deposit_less_claim"),
        Transition(name="contest", by=("buyer",), source=("claimed",), target="disputed"),
        Transition(name="escalate", by=("time",), source=("claimed",), target="disputed",
                   timer=Timer("entered", CONTEST_WINDOW_MS)),
        Transition(name="overdue", by=("time",), source=("in_use",), target="disputed",
                   timer=Timer("period_end", OVERDUE_MS)),
        Transition(name="dispute", by=BOTH, source=("ready", "in_use", "returned"), target="disputed"),
        Transition(name="release", by=("operator",), source=("disputed",), target="completed",
                   gives_back="deposit_less_claim"),
        Transition(name="split", by=("operator",), source=("disputed",), target="completed",
                   gives_back="as_decided"),
        Transition(name="refund", by=("operator",), source=("disputed",), target="refunded",
                   gives_back="everything"),
        Transition(name="give_up", by=("time",), source=("disputed",), target="refunded",
                   timer=Timer("entered", DECISION_MS), gives_back="everything"),
    ),
    remarks=(Remark(name="evidence", by=BOTH, states=("claimed", "disputed")),),
)  # fmt: skip

_V3 = replace(
    _V2, remarks=(Remark(name="extend", by=("buyer",), states=("ready", "in_use")), *_V2.remarks)
)

TABLES: dict[int, Table] = {1: _V1, 2: _V2, 3: _V3}

FREE: frozenset[State] = frozenset({"declined", "expired", "cancelled", "refunded"})
"""States that no longer take up the listing's time."""
UNPAID: frozenset[State] = frozenset({"requested", "pending_payment", "expiring"})
"""States in which nothing has been counted in yet."""


def counts_as_unpaid(state: State) -> bool:
    """Whether it takes up time that nobody has paid for, at the buyer's wish."""
    return state in ("requested", "pending_payment")


def blocks(state: State) -> bool:
    return state not in FREE


def frees(transition: Transition) -> bool:
    """Whether the calendar changes, so that the bookable row must be locked too."""
    return transition.target in FREE


@cache
def may_free(name: str) -> bool:
    """Whether a transition of this name frees the calendar by any table: said before the order has been read."""
    return any(frees(t) for table in TABLES.values() for t in table.transitions if t.name == name)


@cache
def find(version: int, name: str) -> Transition | None:
    return next((t for t in TABLES[version].transitions if t.name == name), None)


@cache
def allowed(version: int, state: State, party: Party) -> tuple[str, ...]:
    """The names of what that party may do now, in the table's order."""
    table = TABLES[version]
    moves = [t.name for t in table.transitions if state in t.source and party in (*t.by, *t.awaits)]
    return (*moves, *(r.name for r in table.remarks if state in r.states and party in r.by))


@cache
def goes_on(version: int, state: State) -> bool:
    """Whether an extension can be asked for, and be paid for."""
    return "extend" in allowed(version, state, "buyer")


@cache
def timer_of(version: int, state: State) -> Transition | None:
    """What happens by itself in this state. One in every state that is not an end, which a test makes sure of."""
    return next((t for t in TABLES[version].transitions if t.timer and state in t.source), None)


def diagram(version: int = PROCESS_VERSION) -> str:
    """The table as a Mermaid state diagram."""
    table = TABLES[version]
    lines = [
        "stateDiagram-v2",
        *(f"    [*] --> {state}: create (buyer)" for state in table.initial),
    ]
    for t in table.transitions:
        when = f" after {_words(t.timer)}" if t.timer else ""
        lines += [f"    {s} --> {t.target}: {t.name} ({', '.join(t.by)}{when})" for s in t.source]
    return "\n".join(lines + [f"    {state} --> [*]" for state in ends(version)])


def ends(version: int = PROCESS_VERSION) -> list[State]:
    transitions = TABLES[version].transitions
    return sorted({t.target for t in transitions} - {s for t in transitions for s in t.source})


def _words(timer: Timer) -> str:
    return f"{timer.anchor} + {timer.after_ms // HOUR_MS} h" if timer.after_ms else timer.anchor
