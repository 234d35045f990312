"""The double-entry ledger: accounts, and journal transactions that sum to zero.

A credit is positive, a debit negative. So what is owed to somebody (escrow, deposits, owners, fees) reads as a positive
balance, and the house's assets, the money that lies at WeChat, as negative ones. An extension moves its order's accounts.

    received          wechat:clearing -12000   escrow:7 +2000    deposit:7 +10000
    settled           escrow:7 -2000           owner:3 +1800     platform:fees +200
    refund:completed  deposit:7 -10000         wechat:clearing +10000
    commission        wechat:platform -200     wechat:clearing +200
    released          owner:3 -1800            wechat:clearing +1800
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from market.kernel.ids import Id

CLEARING = "wechat:clearing"
"""What WeChat holds frozen for us in the owners' accounts."""
PLATFORM = "wechat:platform"
"""What lies in the platform's own account with WeChat."""
FEES = "platform:fees"
HOUSE = frozenset({CLEARING, PLATFORM, FEES})


def escrow(order_id: Id) -> str:
    """The rent of an order, while it is neither the owner's nor the buyer's."""
    return f"escrow:{order_id}"


def deposit(order_id: Id) -> str:
    return f"deposit:{order_id}"


def owner(user_id: Id) -> str:
    """What a person who has let something has earned, and WeChat has not released yet."""
    return f"owner:{user_id}"


def sort_of(account: str) -> str:
    """escrow:7 -> escrow; the house's own accounts are sorts of their own."""
    return account if account in HOUSE else account.partition(":")[0]


def party_of(account: str) -> Id | None:
    """Whose account it is; None for an order's and for the house's own."""
    sort, _, number = account.partition(":")
    return Id(int(number)) if sort == "owner" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    account: str
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One journal transaction of an order, or of its extension of that number. `reason` is unique within either."""

    order_id: Id
    extension: int = 0
    reason: str
    lines: tuple[Line, ...]

    def __post_init__(self) -> None:
        if sum(line.amount_fen for line in self.lines) != 0:
            raise ValueError(f"{self.reason} of order {self.order_id} does not sum to zero")
        if len({line.account for line in self.lines}) != len(self.lines):
            raise ValueError(f"{self.reason} of order {self.order_id} names an account twice")


def posting(order_id: Id, reason: str, moves: dict[str, int], extension: int = 0) -> Posting | None:
    """account -> fen, as a journal transaction; None when no fen moves. Raise ValueError unless it sums to zero."""
    lines = tuple(Line(account=account, amount_fen=fen) for account, fen in moves.items() if fen)
    if not lines:
        return None
    return Posting(order_id=order_id, extension=extension, reason=reason, lines=lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the journal."""

    tx_id: Id
    line: int
    order_id: Id
    extension: int = 0
    reason: str
    account: str
    amount_fen: int
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """What went into an account or a sort of them, and what out of it; both are positive."""

    credited_fen: int = 0
    debited_fen: int = 0

    @property
    def balance_fen(self) -> int:
        return self.credited_fen - self.debited_fen

    def plus(self, amount_fen: int) -> Moves:
        return Moves(
            credited_fen=self.credited_fen + max(amount_fen, 0),
            debited_fen=self.debited_fen + max(-amount_fen, 0),
        )


def moves_by_sort(entries: Iterable[Entry]) -> dict[str, Moves]:
    moves: defaultdict[str, Moves] = defaultdict(Moves)
    for entry in entries:
        sort = sort_of(entry.account)
        moves[sort] = moves[sort].plus(entry.amount_fen)
    return dict(moves)


def unbalanced(entries: Sequence[Entry]) -> list[Id]:
    """The journal transactions that do not sum to zero. All lines of each must be here."""
    sums: defaultdict[Id, int] = defaultdict(int)
    for entry in entries:
        sums[entry.tx_id] += entry.amount_fen
    return [tx_id for tx_id, fen in sums.items() if fen]
