"""A village of their own for the tests of letters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import aiohttp
import pytest

from devkit.stack import ServingProcess
from infra.config import Config
from infra.process import Process
from market.notices.wing import open_wing
from tests.integration.notices.village import Village


@pytest.fixture
async def village(
    process: Process, sandbox: ServingProcess, environment: Mapping[str, str]
) -> AsyncIterator[Village]:
    async with aiohttp.ClientSession() as http:
        wechat = Config.from_environment(environment).wechat
        village = Village(await open_wing(process), http, wechat)
        yield village
        await village.faults()
