"""The life of an order, as one table. Legality, timers, allowed actions and the diagram in docs/ are derived from it.

Facts of the table: which parties (or which clock) move an order from where to where, and when that happens by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from market.kernel.period import DAY_MS, HOUR_MS, MINUTE_MS

PROCESS_VERSION = 1
"""Pinned on each order, so that a later table does not change agreements that are running."""

State = Literal[
    "pending_payment", "ready", "in_use", "returned", "completed",
    "expired", "cancelled", "disputed", "refunded",
]  # fmt: skip
Party = Literal["buyer", "owner", "operator", "payments", "time"]
Anchor = Literal["pay_by", "entered", "period_end"]

PAYMENT_WINDOW_MS = 15 * MINUTE_MS
CLAIM_WINDOW_MS = 48 * HOUR_MS
OVERDUE_MS = 72 * HOUR_MS
DECISION_MS = 14 * DAY_MS
"""As long as fits before WeChat lets frozen money go: undecided, a thing that never came back would have its money back."""


@dataclass(frozen=True, slots=True)
class Timer:
    """Fires `after_ms` after the anchor: the payment deadline, the state's beginning, or the period's end."""

    anchor: Anchor
    after_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    name: str
    by: tuple[Party, ...]
    source: tuple[State, ...]
    target: State
    timer: Timer | None = None
    gives_back: Literal["nothing", "deposit", "everything"] = "nothing"
    awaits: tuple[Party, ...] = ()
    """Whose doing it waits for, when `by` only passes it on: the buyer pays, payments tells us."""


TRANSITIONS: tuple[Transition, ...] = (
    Transition(name="pay", by=("payments",), awaits=("buyer",), source=("pending_payment",), target="ready"),
    Transition(name="expire", by=("time",), source=("pending_payment",), target="expired",
               timer=Timer("pay_by"), gives_back="everything"),
    Transition(name="cancel", by=("buyer", "owner"), source=("pending_payment", "ready"), target="cancelled",
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
    Transition(name="dispute", by=("buyer", "owner"), source=("in_use", "returned"), target="disputed"),
    Transition(name="release", by=("operator",), source=("disputed",), target="completed",
               gives_back="deposit"),
    Transition(name="refund", by=("operator",), source=("disputed",), target="refunded",
               gives_back="everything"),
    Transition(name="give_up", by=("time",), source=("disputed",), target="refunded",
               timer=Timer("entered", DECISION_MS), gives_back="everything"),
)  # fmt: skip

INITIAL: State = "pending_payment"
FREE: frozenset[State] = frozenset({"expired", "cancelled", "refunded"})
"""States that no longer take up the listing's time."""

BY_NAME = {transition.name: transition for transition in TRANSITIONS}


def blocks(state: State) -> bool:
    return state not in FREE


def frees(transition: Transition) -> bool:
    """Whether the calendar changes, so that the bookable row must be locked too."""
    return transition.target in FREE


@cache
def allowed(state: State, party: Party) -> tuple[str, ...]:
    """The names of what that party may do now, in the table's order."""
    return tuple(t.name for t in TRANSITIONS if state in t.source and party in (*t.by, *t.awaits))


@cache
def timer_of(state: State) -> Transition | None:
    """What happens by itself in this state, if anything. One at most, which a test makes sure of."""
    return next((t for t in TRANSITIONS if t.timer and state in t.source), None)


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {INITIAL}: create (buyer)"]
    for t in TRANSITIONS:
        when = f" after {_words(t.timer)}" if t.timer else ""
        lines += [f"    {s} --> {t.target}: {t.name} ({', '.join(t.by)}{when})" for s in t.source]
    ends = sorted({t.target for t in TRANSITIONS} - {s for t in TRANSITIONS for s in t.source})
    return "\n".join(lines + [f"    {state} --> [*]" for state in ends])


def _words(timer: Timer) -> str:
    return f"{timer.anchor} + {timer.after_ms // HOUR_MS} h" if timer.after_ms else timer.anchor
