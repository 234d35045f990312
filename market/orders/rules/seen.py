"""What somebody has seen of their orders, and whether a page of a list shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from market.kernel.ids import Id
from market.orders.rules.order import Order

Seen = Mapping[Id, int]
"""Order id -> version."""


def parse(text: str) -> Seen:
    """`id.version,id.version`, in the form that `commands.SeenOrders` describes."""
    pairs = (pair.split(".") for pair in text.split(",") if pair)
    return {Id(int(order_id)): int(version) for order_id, version in pairs}


def shown(page: Sequence[Order], seen: Seen, *, before: int, more: bool) -> bool:
    """Whether a page of the orders below `before`, newest first, has all of the seen ones that belong there, none older than
    it was seen. `more`: those after its last order are on another page."""
    found = {order.id: order.version for order in page}
    last = page[-1].id if page and more else 0
    return all(
        found.get(order_id, 0) >= version
        for order_id, version in seen.items()
        if last <= order_id < before
    )
