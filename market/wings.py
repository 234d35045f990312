"""The wings by name, so that a process opens those it serves and no others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from infra import objects
from infra.process import Process
from market.chat.wing import open_wing as chat
from market.insights.wing import open_wing as insights
from market.listings.wing import open_wing as listings
from market.notices.wing import open_wing as notices
from market.orders.wing import open_wing as orders
from market.payments.wing import open_wing as payments
from market.ratings.wing import open_wing as ratings
from market.users.wing import open_rows as users_rows
from market.users.wing import open_wing as users

OPENERS: dict[str, Callable[[Process], Awaitable[Any]]] = {
    "users": users,
    "listings": listings,
    "orders": orders,
    "payments": payments,
    "ratings": ratings,
    "chat": chat,
    "notices": notices,
    "insights": insights,
    "objects": objects.open_wing,
}

AT_WORK = OPENERS | {"users": users_rows}
"""As workers need them."""


async def open_wings(
    process: Process,
    names: Iterable[str],
    openers: Mapping[str, Callable[[Process], Awaitable[Any]]] = OPENERS,
) -> dict[str, Any]:
    return {name: await openers[name](process) for name in names}
