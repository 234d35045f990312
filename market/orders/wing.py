"""What the actions of this wing may reach."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from infra.mysql.database import Database
from infra.mysql.groups import Groups
from infra.process import Process
from infra.redis.leases import LeaseBook
from market.orders.desk import Desk
from market.orders.remembered import Remembered
from market.orders.rules.deciding import Wish
from market.orders.rules.order import OrderView


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    db: Database
    groups: Groups[Wish, OrderView]
    leases: LeaseBook
    most_unpaid: int
    """How many orders a buyer may have that are to be paid or answered; 0: any number."""


async def open_wing(process: Process) -> Orders:
    db = await process.database("orders")
    groups = Groups(
        db, partial(Desk, remembered=Remembered()), OrderView,
        largest=process.config.integer("GROUP_SIZE", 64),
        at_once=process.config.integer("GROUPS_AT_ONCE", 3),
        long_s=process.config.integer("GROUP_LONG_MS", 50) / 1000,
    )  # fmt: skip
    return Orders(
        db=db, groups=groups, leases=LeaseBook(process.redis),
        most_unpaid=process.config.integer("UNPAID_ORDERS", 5),
    )  # fmt: skip
