"""What the parties show while a claim or a dispute is open: pieces in order, never changed, seen by both and by operators."""

from __future__ import annotations

from dataclasses import dataclass, replace

from market.kernel.errors import BadInput, TooMuch
from market.kernel.ids import Id
from market.orders.rules.life import Party
from market.orders.rules.order import Order

MOST_PIECES = 40
SHOWING = frozenset({"claim", "contest", "dispute"})
"""Transitions whose reason and photos are evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceView:
    """`seq` counts from 1 without gaps; `objects` are keys in object storage."""

    seq: int
    party: Party
    text: str
    objects: tuple[str, ...]
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece(PieceView):
    order_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceView:
    """`version` is the order's."""

    order_id: Id
    version: int
    pieces: tuple[PieceView, ...]


def show(
    order: Order, by: Party, text: str, objects: tuple[str, ...], now_ms: int
) -> tuple[Order, Piece]:
    """The order with one piece more, at the same version."""
    order = replace(order, evidence=order.evidence + 1)
    piece = Piece(
        order_id=order.id, seq=order.evidence, party=by, text=text, objects=objects, at_ms=now_ms
    )
    return order, piece


def check_piece(order: Order, text: str, objects: tuple[str, ...]) -> None:
    if not text and not objects:
        raise BadInput("a piece of evidence says or shows something")
    if order.evidence >= MOST_PIECES:
        raise TooMuch("enough has been shown", limit=MOST_PIECES)


def view(order: Order, pieces: list[Piece]) -> EvidenceView:
    return EvidenceView(
        order_id=order.id, version=order.version,
        pieces=tuple(
            PieceView(seq=p.seq, party=p.party, text=p.text, objects=p.objects, at_ms=p.at_ms)
            for p in pieces
        ),
    )  # fmt: skip
