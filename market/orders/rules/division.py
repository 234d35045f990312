"""Who gets what of an order's money when it ends. Integer fen; nothing is lost and nothing is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from market.kernel.errors import TooMuch
from market.kernel.period import HOUR_MS, MINUTE_MS

GRACE_MS = 15 * MINUTE_MS
"""So late costs nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """What an operator decides: so much of the rent back to the buyer, so much of the deposit to the owner."""

    rent_back_fen: int
    deposit_kept_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """refund + owner + fee = rent + deposit. `refund_deposit_fen` of the refund comes out of the deposit."""

    refund_fen: int
    refund_deposit_fen: int
    owner_fen: int
    fee_fen: int


def divide(rent_fen: int, deposit_fen: int, fee_fen: int, split: Split) -> Division:
    """The fee shrinks with the rent that is kept; a deposit that is kept is the owner's alone.

    Raise TooMuch when more is divided than there is.
    """
    check_within(split.rent_back_fen, rent_fen)
    check_within(split.deposit_kept_fen, deposit_fen)
    kept_rent_fen = rent_fen - split.rent_back_fen
    kept_fee_fen = fee_fen * kept_rent_fen // rent_fen if rent_fen else 0
    refund_deposit_fen = deposit_fen - split.deposit_kept_fen
    return Division(
        refund_fen=split.rent_back_fen + refund_deposit_fen,
        refund_deposit_fen=refund_deposit_fen,
        owner_fen=kept_rent_fen - kept_fee_fen + split.deposit_kept_fen,
        fee_fen=kept_fee_fen,
    )


def divide_among(
    rents: Sequence[tuple[int, int]], deposit_fen: int, split: Split
) -> list[Division]:
    """The same where the rent was paid in parts, (rent, fee) each, the first of them with the deposit. What goes back of the
    rent was paid last: an extension goes back before what it extends.
    """
    check_within(split.rent_back_fen, sum(rent for rent, _ in rents))
    left_fen, found = split.rent_back_fen, []
    for number, (rent_fen, fee_fen) in reversed([*enumerate(rents)]):
        back_fen = min(left_fen, rent_fen)
        left_fen -= back_fen
        own_fen, kept_fen = (deposit_fen, split.deposit_kept_fen) if number == 0 else (0, 0)
        part = Split(rent_back_fen=back_fen, deposit_kept_fen=kept_fen)
        found.append(divide(rent_fen, own_fen, fee_fen, part))
    return found[::-1]


def check_within(amount_fen: int, limit_fen: int) -> None:
    if not 0 <= amount_fen <= limit_fen:
        raise TooMuch(limit_fen=limit_fen)


def late_fen(end_ms: int, returned_ms: int, late_hour_fen: int, deposit_fen: int) -> int:
    """What being late costs: begun hours since the end, at most the deposit; nothing within the grace."""
    late_ms = returned_ms - end_ms
    if late_ms <= GRACE_MS:
        return 0
    return min(deposit_fen, -(-late_ms // HOUR_MS) * late_hour_fen)
