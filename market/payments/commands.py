"""What may be asked of payments."""

from __future__ import annotations

from dataclasses import dataclass

from market.kernel.ids import Id


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepay:
    order_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class GetOrderMoney:
    order_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class GetStatement:
    order_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLedger:
    pass
