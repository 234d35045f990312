"""What the actions of this wing may reach."""

from __future__ import annotations

from dataclasses import dataclass

from infra.mysql.database import Database
from infra.process import Process
from infra.redis.leases import LeaseBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    db: Database
    leases: LeaseBook


async def open_wing(process: Process) -> Orders:
    return Orders(db=await process.database("orders"), leases=LeaseBook(process.redis))
