"""The command that tells of orders once more, as an operator runs it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping

from devkit import ROOT
from infra.config import Config
from infra.process import Process
from market.kernel.facts import RETOLD
from workers.retell import tell


async def _told(process: Process) -> int:
    db = await process.database("orders")
    async with db.read() as cursor:
        row = await cursor.one("SELECT COUNT(*) FROM outbox WHERE kind = %s", RETOLD)
    assert row is not None
    return int(row[0])


async def test_it_says_how_many_it_has_told_of(
    process: Process, environment: Mapping[str, str]
) -> None:
    before = await _told(process)
    told = await tell(Config.from_environment(environment))
    assert await _told(process) == before + told
    command = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "workers.retell", cwd=ROOT, env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, _ = await command.communicate()
    assert command.returncode == 0
    assert said.decode() == f"{told} orders told of once more\n"
