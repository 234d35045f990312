"""A small model of an order, written by hand: its arrows, its clocks, its money. It knows nothing of the product's tables."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.unit.market.orders.samples import NOW_MS, PERIOD

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
RENT, DEPOSIT, FEE, LATE_HOUR = 3_000, 20_000, 300, 1_000

ARROWS: dict[str, dict[tuple[str, str], str]] = {
    "requested": {
        ("approve", "owner"): "pending_payment", ("decline", "owner"): "declined",
        ("cancel", "buyer"): "cancelled", ("cancel", "owner"): "cancelled", ("forget", "time"): "expired",
    },
    "pending_payment": {
        ("pay", "payments"): "ready", ("expire", "time"): "expiring",
        ("cancel", "buyer"): "cancelled", ("cancel", "owner"): "cancelled",
    },
    "expiring": {
        ("pay_late", "payments"): "ready", ("close", "payments"): "expired", ("abandon", "time"): "expired",
    },
    "ready": {
        ("start", "owner"): "in_use", ("cancel", "buyer"): "cancelled", ("cancel", "owner"): "cancelled",
        ("dispute", "buyer"): "disputed", ("dispute", "owner"): "disputed", ("lapse", "time"): "cancelled",
    },
    "in_use": {
        ("return", "buyer"): "returned", ("dispute", "buyer"): "disputed", ("dispute", "owner"): "disputed",
        ("overdue", "time"): "disputed",
    },
    "returned": {
        ("accept", "owner"): "completed", ("settle", "time"): "completed", ("claim", "owner"): "claimed",
        ("dispute", "buyer"): "disputed", ("dispute", "owner"): "disputed",
    },
    "claimed": {
        ("concede", "buyer"): "completed", ("contest", "buyer"): "disputed", ("escalate", "time"): "disputed",
    },
    "disputed": {
        ("release", "operator"): "completed", ("split", "operator"): "completed",
        ("refund", "operator"): "refunded", ("give_up", "time"): "refunded",
    },
    "completed": {}, "declined": {}, "expired": {}, "cancelled": {}, "refunded": {},
}  # fmt: skip
ENDS = {state for state, arrows in ARROWS.items() if not arrows}
EDGES = {(s, name, by) for s, arrows in ARROWS.items() for name, by in arrows}


@dataclass
class Model:
    """What an order is, in a few plain words."""

    state: str
    since: int
    pay_by: int
    claim: int = 0
    late: int = 0
    paid: int = 0
    money: tuple[int, int, int] | None = None
    """(to the buyer, to the owner, to the platform) at the end."""
    walked: list[tuple[str, str, str]] = field(default_factory=list)

    def deadline(self) -> int | None:
        return {
            "requested": min(self.since + DAY, PERIOD.start_ms), "pending_payment": self.pay_by,
            "expiring": self.since + 2 * HOUR, "ready": PERIOD.end_ms, "in_use": PERIOD.end_ms + 72 * HOUR,
            "returned": self.since + 48 * HOUR, "claimed": self.since + 72 * HOUR,
            "disputed": self.since + 7 * DAY,
        }.get(self.state)  # fmt: skip

    def go(
        self, name: str, by: str, now: int, claim: int = 0, split: tuple[int, int] = (0, 0)
    ) -> None:
        before, self.state = self.state, ARROWS[self.state][name, by]
        self.walked.append((before, name, by))
        if before == "in_use" and now > PERIOD.end_ms + 15 * MINUTE:
            self.late = min(DEPOSIT, -((PERIOD.end_ms - now) // HOUR) * LATE_HOUR)
        if name == "approve":
            self.pay_by = now + 15 * MINUTE
        if name in ("pay", "pay_late"):
            self.paid = RENT + DEPOSIT
        if name == "claim":
            self.claim = claim
        self.since = now
        if self.state not in ENDS:
            return
        if name in ("accept", "settle"):
            kept = self.late
        elif name in ("concede", "release"):
            kept = self.late + self.claim
        elif name == "split":
            back, kept = split
            fee = FEE * (RENT - back) // RENT
            self.money = (back + DEPOSIT - kept, RENT - back - fee + kept, fee)
            return
        elif (name, by, before) == ("cancel", "buyer", "ready") and now > NOW_MS + 15 * MINUTE:
            # Flexible: a fifth within the last hour before the start, half from then on.
            rent, fee = (600, 60) if now <= PERIOD.start_ms else (1_500, 150)
            self.money = (RENT - rent + DEPOSIT, rent - fee, fee)
            return
        else:
            self.money = (RENT + DEPOSIT, 0, 0)
            return
        self.money = (DEPOSIT - kept, RENT - FEE + kept, FEE)
