"""Using longer: what a buyer asks for while the order goes on. It is paid by a payment of its own, as the order was by its own.

The time is taken from the request on. It is given back only when payments has said that nothing can be paid for it any more,
whatever has become of the order meanwhile; and what is paid for an order that no longer goes on goes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from market.kernel.facts import ExtensionOwed
from market.kernel.period import MINUTE_MS
from market.orders.rules.division import Division
from market.orders.rules.life import BOTH, CLOSING_MS, PAYMENT_WINDOW_MS, Party, Seat, Timer
from market.orders.rules.price import Line

ExtensionState = Literal["pending_payment", "expiring", "paid", "expired"]
OPEN: tuple[ExtensionState, ...] = ("pending_payment", "expiring")
"""States that take time which has not been paid for."""

MOST = 10
"""Of one order, paid or not: who never pays takes no time for ever."""
LAST_CALL_MS = 5 * MINUTE_MS
"""So long before the end at the latest: there must be time to pay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How an extension moves; `source` is empty where it begins. `tells`: who finds a notice of it."""

    name: str
    by: Party
    source: tuple[ExtensionState, ...]
    target: ExtensionState
    timer: Timer | None = None
    tells: tuple[Seat, ...] = BOTH


STEPS = {
    step.name: step
    for step in (
        Step(name="extend", by="buyer", source=(), target="pending_payment", tells=()),
        Step(name="extend_free", by="buyer", source=(), target="paid"),
        Step(name="extend_pay", by="payments", source=OPEN, target="paid"),
        Step(name="extend_refuse", by="payments", source=OPEN, target="expired", tells=()),
        Step(name="forgo", by="buyer", source=("pending_payment",), target="expiring", tells=()),
        Step(name="extend_expire", by="time", source=("pending_payment",), target="expiring",
             timer=Timer("pay_by"), tells=()),
        Step(name="extend_close", by="payments", source=("expiring",), target="expired", tells=("buyer",)),
        Step(name="extend_abandon", by="time", source=("expiring",), target="expired",
             timer=Timer("entered", CLOSING_MS), tells=("buyer",)),
    )
}  # fmt: skip
"""`extend_free`: what costs nothing more. `extend_refuse`: paid when the order no longer went on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """From the order's end of then to `end_ms`, for `rent_fen` more; `fee_fen` of it is the platform's.

    `number` counts from 1 within the order. `refund_fen`, `owner_fen`: who got what, 0 until the order has ended.
    """

    number: int
    state: ExtensionState
    entered_ms: int
    end_ms: int
    rent_fen: int
    fee_fen: int
    pay_by_ms: int
    refund_fen: int = 0
    owner_fen: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionView:
    """The newest one of an order, in whatever state: pending_payment, expiring (closing at WeChat), paid or expired.

    While it is pending_payment `payments.prepay` takes its `extension_id`, until `pay_by_ms`.
    """

    extension_id: int
    state: ExtensionState
    end_ms: int
    amount_fen: int
    pay_by_ms: int


def pay_by_ms(end_ms: int, now_ms: int) -> int:
    """A quarter of an hour, and no longer than what has been paid for."""
    return min(now_ms + PAYMENT_WINDOW_MS, end_ms)


def open_one(extensions: Sequence[Extension]) -> Extension | None:
    """There is one at most, and it is the last."""
    return extensions[-1] if extensions and extensions[-1].state in OPEN else None


def paid(extensions: Sequence[Extension]) -> list[Extension]:
    return [extension for extension in extensions if extension.state == "paid"]


def moved(extension: Extension, step: Step, now_ms: int) -> Extension:
    return replace(extension, state=step.target, entered_ms=now_ms)


def left(extensions: tuple[Extension, ...], now_ms: int) -> tuple[Extension, ...]:
    """Those of an order that goes on no longer: what is not paid is to be closed."""
    last = open_one(extensions)
    if last is None or last.state == "expiring":
        return extensions
    return (*extensions[:-1], replace(last, state="expiring", entered_ms=now_ms))


def divided(extension: Extension, parts: Division) -> Extension:
    """One that was paid, once the order has ended."""
    return replace(
        extension, fee_fen=parts.fee_fen, refund_fen=parts.refund_fen, owner_fen=parts.owner_fen
    )


def due(extensions: Sequence[Extension]) -> tuple[int, str] | None:
    """(UTC ms, step) of what happens by itself."""
    last = open_one(extensions)
    if last is None:
        return None
    step = next(step for step in STEPS.values() if step.timer and last.state in step.source)
    assert step.timer is not None
    anchor_ms = last.pay_by_ms if step.timer.anchor == "pay_by" else last.entered_ms
    return anchor_ms + step.timer.after_ms, step.name


def frees(name: str) -> bool:
    """Whether time may be given back, so that the calendar must be locked too."""
    return name in STEPS and STEPS[name].target == "expired"


def offered(
    names: tuple[str, ...], extensions: Sequence[Extension], party: Party
) -> tuple[str, ...]:
    """What a party may do now, of what the order's table allows."""
    last = open_one(extensions)
    if last is None and len(extensions) < MOST:
        return names
    rest = tuple(name for name in names if name != "extend")
    pays = party == "buyer" and last is not None and last.state == "pending_payment"
    return (*rest, "pay_extension", "forgo") if pays else rest


def lines(extensions: Sequence[Extension]) -> tuple[Line, ...]:
    return tuple(
        Line(code="rent_extension", quantity=1, unit_fen=e.rent_fen, total_fen=e.rent_fen)
        for e in paid(extensions) if e.rent_fen
    )  # fmt: skip


def see(extensions: Sequence[Extension]) -> ExtensionView | None:
    if not extensions:
        return None
    last = extensions[-1]
    return ExtensionView(
        extension_id=last.number, state=last.state, end_ms=last.end_ms, amount_fen=last.rent_fen,
        pay_by_ms=last.pay_by_ms,
    )  # fmt: skip


def owed(extensions: Sequence[Extension], ended: str | None) -> tuple[ExtensionOwed, ...]:
    """What payments is told. `ended`: the state in which the order has come to an end, and what was paid with it."""
    return tuple(
        ExtensionOwed(
            extension=e.number, state=ended if ended and e.state == "paid" else e.state,
            rent_fen=e.rent_fen, fee_fen=e.fee_fen, refund_fen=e.refund_fen, owner_fen=e.owner_fen,
            pay_by_ms=e.pay_by_ms,
        )
        for e in extensions if e.rent_fen
    )  # fmt: skip
