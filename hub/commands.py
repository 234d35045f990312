"""What may be asked over a socket: every wing's actions, by name."""

from __future__ import annotations

from infra.action import AnyOperation
from market.chat import actions as chat
from market.listings import actions as listings
from market.notices import actions as notices
from market.orders import actions as orders
from market.payments import actions as payments
from market.ratings import actions as ratings
from market.users import actions as users

COMMANDS: dict[str, AnyOperation] = {
    name: operation
    for wing in (users, listings, orders, payments, ratings, chat, notices)
    for name, operation in wing.ACTIONS.items()
    if not operation.public
}

WINGS = ("users", "listings", "orders", "payments", "ratings", "chat", "notices")
"""Whose databases the hub opens."""
