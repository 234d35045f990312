"""The double-entry ledger: accounts, and journal transactions that sum to zero.

A credit is positive, a debit negative. So what is owed to somebody (escrow, deposits, owners, fees) reads as a positive
balance, and the house's one asset, the money that lies at WeChat, as a negative one.

    received          wechat:clearing -12000   escrow:7 +2000    deposit:7 +10000
    settled           escrow:7 -2000           owner:3 +1800     platform:fees +200
    refund:completed  deposit:7 -10000         wechat:clearing +10000
"""

from __future__ import annotations

from dataclasses import dataclass

from market.kernel.ids import Id

CLEARING = "wechat:clearing"
FEES = "platform:fees"


def escrow(order_id: Id) -> str:
    """The rent of an order, while it is neither the owner's nor the buyer's."""
    return f"escrow:{order_id}"


def deposit(order_id: Id) -> str:
    return f"deposit:{order_id}"


def owner(user_id: Id) -> str:
    """What the house owes a person who has let something."""
    return f"owner:{user_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    account: str
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One journal transaction of an order. `reason` is unique within the order."""

    order_id: Id
    reason: str
    lines: tuple[Line, ...]

    def __post_init__(self) -> None:
        if sum(line.amount_fen for line in self.lines) != 0:
            raise ValueError(f"{self.reason} of order {self.order_id} does not sum to zero")
        if len({line.account for line in self.lines}) != len(self.lines):
            raise ValueError(f"{self.reason} of order {self.order_id} names an account twice")


def posting(order_id: Id, reason: str, moves: dict[str, int]) -> Posting | None:
    """account -> fen, as a journal transaction; None when no fen moves. Raise ValueError unless it sums to zero."""
    lines = tuple(Line(account=account, amount_fen=fen) for account, fen in moves.items() if fen)
    return Posting(order_id=order_id, reason=reason, lines=lines) if lines else None
