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
GOES_ON = ("ready", "in_use")
ENDS = {state for state, arrows in ARROWS.items() if not arrows}
EDGES = {(s, name, by) for s, arrows in ARROWS.items() for name, by in arrows}


def rent_of(hours: int) -> int:
    """10.00 an hour, 80.00 a day."""
    days, rest = divmod(hours, 24)
    return days * 8_000 + min(rest * LATE_HOUR, 8_000)


@dataclass
class Longer:
    """An extension: from what it was asked at on."""

    state: str
    since: int
    end: int
    rent: int
    pay_by: int

    def deadline(self) -> tuple[int, str] | None:
        if self.state == "pending_payment":
            return self.pay_by, "extend_expire"
        return (self.since + 2 * HOUR, "extend_abandon") if self.state == "expiring" else None


@dataclass
class Model:
    """What an order is, in a few plain words."""

    state: str
    since: int
    pay_by: int
    end: int = PERIOD.end_ms
    longer: list[Longer] = field(default_factory=list)
    told_of_longer: int = 0
    claim: int = 0
    late: int = 0
    paid: int = 0
    money: tuple[int, int, int] | None = None
    """(to the buyer, to the owner, to the platform) at the end."""
    walked: list[tuple[str, str, str]] = field(default_factory=list)

    def deadline(self) -> int | None:
        return {
            "requested": min(self.since + DAY, PERIOD.start_ms), "pending_payment": self.pay_by,
            "expiring": self.since + 2 * HOUR, "ready": self.end, "in_use": self.end + 72 * HOUR,
            "returned": self.since + 48 * HOUR, "claimed": self.since + 72 * HOUR,
            "disputed": self.since + 7 * DAY,
        }.get(self.state)  # fmt: skip

    def go(
        self, name: str, by: str, now: int, claim: int = 0, split: tuple[int, int] = (0, 0)
    ) -> None:
        before, self.state = self.state, ARROWS[self.state][name, by]
        self.walked.append((before, name, by))
        if before == "in_use" and now > self.end + 15 * MINUTE:
            self.late = min(DEPOSIT, -((self.end - now) // HOUR) * LATE_HOUR)
        if self.state not in GOES_ON and (asked := self.asked()) and asked.state != "expiring":
            asked.state, asked.since = "expiring", now
        if name == "approve":
            self.pay_by = now + 15 * MINUTE
        if name in ("pay", "pay_late"):
            self.paid = RENT + DEPOSIT
        if name == "claim":
            self.claim = claim
        self.since = now
        if self.state in ENDS:
            self.money = self.divide(name, by, before, now, split)

    def divide(
        self, name: str, by: str, before: str, now: int, split: tuple[int, int]
    ) -> tuple[int, int, int]:
        rent = RENT + sum(e.rent for e in self.longer if e.state == "paid")
        if name in ("accept", "settle"):
            back, kept = 0, self.late
        elif name in ("concede", "release"):
            back, kept = 0, self.late + self.claim
        elif name == "split":
            back, kept = split
        elif (name, by, before) == ("cancel", "buyer", "ready") and now > NOW_MS + 15 * MINUTE:
            # Flexible: a fifth within the last hour before the start, half from then on.
            back, kept = rent - (rent // 5 if now <= PERIOD.start_ms else rent // 2), 0
        else:
            back, kept = rent, 0
        # What was agreed last goes back first, each with its tenth.
        fee, left = 0, back
        for part in [
            *(e.rent for e in reversed(self.longer) if e.state == "paid" and e.rent),
            RENT,
        ]:
            given = min(left, part)
            left -= given
            fee += (part // 10) * (part - given) // part
        return back + DEPOSIT - kept, rent - back - fee + kept, fee

    # --- using longer ---

    def asked(self) -> Longer | None:
        return (
            self.longer[-1]
            if self.longer and self.longer[-1].state in ("pending_payment", "expiring")
            else None
        )

    def taken_until(self) -> int:
        asked = self.asked()
        return asked.end if asked else self.end

    def may_ask(self) -> bool:
        return self.state in GOES_ON and self.asked() is None and len(self.longer) < 10

    def ask(self, hours: int, now: int) -> None:
        end, start = self.end + hours * HOUR, PERIOD.start_ms
        rent = rent_of((end - start) // HOUR) - rent_of((self.end - start) // HOUR)
        self.longer.append(
            Longer("pending_payment", now, end, rent, min(now + 15 * MINUTE, self.end))
        )
        if not rent:
            self.paid_longer(now)

    def paid_longer(self, now: int) -> None:
        last = self.longer[-1]
        last.state, last.since = "expired", now
        if self.state in GOES_ON:
            last.state, self.end = "paid", last.end
