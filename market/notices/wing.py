"""What the actions of this wing may reach."""

from __future__ import annotations

from dataclasses import dataclass

from infra.mysql.database import Database
from infra.process import Process
from market.notices.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices:
    db: Database
    services: Services


async def open_wing(process: Process) -> Notices:
    return Notices(
        db=await process.database("notices"),
        services=Services.parse(process.config.text("SERVICES", "")),
    )
