"""What the actions of this wing may reach."""

from __future__ import annotations

from dataclasses import dataclass

from infra.mysql.database import Database
from infra.objects import ObjectStore, open_store
from infra.process import Process
from infra.sealing import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    db: Database
    vault: Vault
    """Holds the master key under which the conversations' keys are stored."""
    objects: ObjectStore


async def open_wing(process: Process) -> Chat:
    return Chat(
        db=await process.database("chat"),
        vault=Vault(process.config.key("CHAT_KEY")),
        objects=open_store(process.config),
    )
