"""What is legal with an order, written down apart from the product so that each checks the other, and one order as it must be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

STEPS: tuple[tuple[str, str, str, str], ...] = (
    ("requested", "owner", "approve", "pending_payment"),
    ("requested", "owner", "decline", "declined"),
    ("requested", "buyer", "cancel", "cancelled"),
    ("requested", "owner", "cancel", "cancelled"),
    ("requested", "time", "forget", "expired"),
    ("pending_payment", "payments", "pay", "ready"),
    ("pending_payment", "buyer", "cancel", "cancelled"),
    ("pending_payment", "owner", "cancel", "cancelled"),
    ("pending_payment", "time", "expire", "expiring"),
    ("expiring", "payments", "pay_late", "ready"),
    ("expiring", "payments", "close", "expired"),
    ("expiring", "time", "abandon", "expired"),
    ("ready", "buyer", "cancel", "cancelled"),
    ("ready", "owner", "cancel", "cancelled"),
    ("ready", "owner", "start", "in_use"),
    ("ready", "buyer", "dispute", "disputed"),
    ("ready", "owner", "dispute", "disputed"),
    ("ready", "time", "lapse", "cancelled"),
    ("in_use", "buyer", "return", "returned"),
    ("in_use", "buyer", "dispute", "disputed"),
    ("in_use", "owner", "dispute", "disputed"),
    ("in_use", "time", "overdue", "disputed"),
    ("returned", "owner", "accept", "completed"),
    ("returned", "owner", "claim", "claimed"),
    ("returned", "owner", "dispute", "disputed"),
    ("returned", "buyer", "dispute", "disputed"),
    ("returned", "time", "settle", "completed"),
    ("claimed", "buyer", "concede", "completed"),
    ("claimed", "buyer", "contest", "disputed"),
    ("claimed", "time", "escalate", "disputed"),
    ("disputed", "operator", "release", "completed"),
    ("disputed", "operator", "split", "completed"),
    ("disputed", "operator", "refund", "refunded"),
    ("disputed", "time", "give_up", "refunded"),
)
"""State, who, what, and the state after it."""

AFTER = {(state, who, what): after for state, who, what, after in STEPS}
PARTIES = ("buyer", "owner", "operator")
DECISIONS = ("release", "split", "refund")
COMMANDS = sorted({what for _, who, what, _ in STEPS if who in PARTIES})
BY_ITSELF = {
    state: [(who, what) for s, who, what, _ in STEPS if s == state and who in ("payments", "time")]
    for state in {step[0] for step in STEPS}
}
ENDS = {after for _, _, _, after in STEPS} - {step[0] for step in STEPS}
FREE = {"declined", "expired", "cancelled", "refunded"}
"""Ends that give the period back."""
GOES_ON = ("ready", "in_use")
"""States in which an order can be extended."""
LONGER = {"extend", "pay_extension", "forgo"}
LONGER_STEPS = {
    ("", "buyer", "extend"): "pending_payment",
    ("", "buyer", "extend_free"): "paid",
    ("pending_payment", "payments", "extend_pay"): "paid",
    ("expiring", "payments", "extend_pay"): "paid",
    ("pending_payment", "payments", "extend_refuse"): "expired",
    ("expiring", "payments", "extend_refuse"): "expired",
    ("pending_payment", "buyer", "forgo"): "expiring",
    ("pending_payment", "time", "extend_expire"): "expiring",
    ("expiring", "payments", "extend_close"): "expired",
    ("expiring", "time", "extend_abandon"): "expired",
}
"""An extension's state, who, what, and its state after it."""
EVERYTHING = ("cancel", "lapse", "decline", "forget", "close", "abandon", "refund", "give_up")
"""Ends by which all that was paid goes back."""
OPEN_FOR_EVIDENCE = ("claimed", "disputed")
NEEDS_CODE = {"start": "ready", "return": "in_use"}
FEE_PER_MILLE = 100


class Broken(AssertionError):
    """A promise that was not kept."""


def allowed(state: str, who: str) -> set[str]:
    """The names of what that party is to be offered, apart from using longer."""
    names = {what for s, w, what, _ in STEPS if (s, w) == (state, who)}
    if (state, who) == ("pending_payment", "buyer"):
        names.add("pay")
    if state in OPEN_FOR_EVIDENCE and who in ("buyer", "owner"):
        names.add("evidence")
    return names


def longer(view: Mapping[str, Any], who: str) -> set[str]:
    """What they are to be offered about using longer."""
    extension = view["extension"] or {"state": "", "extension_id": 0}
    if extension["state"] == "pending_payment":
        return {"pay_extension", "forgo"} if who == "buyer" else set()
    more = extension["state"] != "expiring" and extension["extension_id"] < 10
    return {"extend"} if who == "buyer" and view["state"] in GOES_ON and more else set()


@dataclass(slots=True, kw_only=True)
class Order:
    """As its answers say. `state` and `version` are the newest known; payments and time may have moved it since."""

    number: int
    id: str
    listing_id: str
    period: tuple[int, int]
    alone: bool
    """Nobody else wants this period, so that it may be moved in the database."""
    rent_fen: int
    deposit_fen: int
    total_fen: int
    state: str
    version: int = 1
    acknowledged: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Version -> who did what, of all that was answered with success."""
    hurried: set[str] = field(default_factory=set)
    """States in which time was moved."""
    paid: bool = False
    """The phone has said so."""
    prepay_id: str = ""
    wrong_codes: int = 0
    claim_fen: int = 0
    split: tuple[int, int] = (0, 0)
    asked_longer: bool = False
    """Versions may come and go that leave its state as it is."""
    paid_longer: dict[int, int] = field(default_factory=dict)
    """Extension -> what was paid for it: the phone has said so."""
    shifted: bool = False
    """Its period was moved into the past."""
    log: list[str] = field(default_factory=list)

    def say(self, what: str) -> None:
        self.log.append(what)

    def broken(self, what: str) -> Broken:
        return Broken(
            f"order {self.id} (story {self.number}), last known {self.state} at {self.version}: {what}"
        )

    def reachable(self, version: int) -> Iterator[str]:
        """The states in which it may be at `version`, when nobody but payments and time has moved it."""
        states = {self.state}
        for _ in range(version - self.version):
            after = {AFTER[s, who, what] for s in states for who, what in BY_ITSELF.get(s, ())}
            replaced = {
                s for s in states if self.asked_longer or (self.wrong_codes and s in NEEDS_CODE.values())
            }  # fmt: skip
            states = after | replaced
        if version >= self.version:
            yield from states

    def took(self, who: str, what: str, view: Mapping[str, Any]) -> None:
        """A command was answered with success. Raise Broken unless it was legal and led where it must."""
        version, state = int(view["version"]), str(view["state"])
        self.say(f"{who} {what} -> {state} {version}")
        before = list(self.reachable(version - 1))
        if what == "evidence":
            legal = state in before and state in OPEN_FOR_EVIDENCE and who in ("buyer", "owner")
        elif what in LONGER:
            legal = state in before and state in GOES_ON and who == "buyer"
        else:
            legal = any(AFTER.get((s, who, what)) == state for s in before)
        if not legal:
            raise self.broken(f"{who} could {what}: {state} at {version}")
        if who in PARTIES and set(view["actions"]) != allowed(state, who) | longer(view, who):
            raise self.broken(f"{who} is offered {view['actions']} in {state}")
        self.acknowledged[version] = (who, what)
        self.now(state, version)

    def refused(
        self, who: str, what: str, code: str, data: Mapping[str, Any], words: Mapping[str, Any]
    ) -> None:
        """A command was refused. Raise Broken unless the model refuses it so too, in some state in which it may be."""
        self.say(f"{who} {what} refused: {code}")
        if code == "wrong_code":
            self.wrong_codes += 1
        versions = [self.version + n for n in range(4)]
        found = {
            self.verdict(state, version, who, what, words)
            for version in versions
            for state in self.reachable(version)
        }
        if code not in found:
            raise self.broken(f"{who} {what} {dict(words)} refused with {code}, not with {found}")
        if code == "illegal_transition":
            state, version = str(data["state"]), int(data["version"])
            if state not in self.reachable(version):
                raise self.broken(f"said to be {state} at {version}")
            if set(data["actions"]) - LONGER != allowed(state, who):
                raise self.broken(f"{who} is offered {data['actions']} in {state}")
            self.now(state, version)

    def verdict(
        self, state: str, version: int, who: str, what: str, words: Mapping[str, Any]
    ) -> str:
        """The code with which a command is refused in that state; empty when it is legal."""
        if what in DECISIONS and who != "operator":
            return "forbidden"
        if who == "stranger":
            return "not_found"
        legal = what in allowed(state, who)
        if not legal:
            return "illegal_transition"
        if words.get("version") not in (None, version):
            return "version_conflict"
        if what in NEEDS_CODE and words.get("wrong"):
            return "wrong_code"
        if what == "claim" and words["amount_fen"] > self.deposit_fen:
            return "too_much"
        if what == "split" and (
            words["rent_back_fen"] > self.rent_fen or words["deposit_kept_fen"] > self.deposit_fen
        ):
            return "too_much"
        return ""

    def saw(self, state: str, version: int) -> None:
        """The database says so. Raise Broken unless payments or time can have brought it there."""
        if state not in self.reachable(version):
            raise self.broken(f"found {state} at {version}")
        if (state, version) != (self.state, self.version):
            self.say(f"is {state} {version}")
        self.now(state, version)

    def now(self, state: str, version: int) -> None:
        if version >= self.version:
            if state != self.state:
                self.wrong_codes = 0
            self.state, self.version = state, version

    def back_fen(self, what: str, who: str) -> int | None:
        """What the buyer must have got back at an end by this transition. None: it depends on how late it was."""
        if what in EVERYTHING:
            # A buyer who cancels within a quarter of an hour after ordering has thought again.
            return self.total_fen
        if self.shifted:
            return None
        if what in ("accept", "settle"):
            return self.deposit_fen
        if what in ("concede", "release"):
            return self.deposit_fen - self.claim_fen
        assert what == "split", (what, who)
        rent_back_fen, deposit_kept_fen = self.split
        return rent_back_fen + self.deposit_fen - deposit_kept_fen
