"""A product of this folder's own: an operator who can log in, and hubs with limits that tests can reach."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from devkit.stack import Stack
from tests.integration.hostile.scene import OPERATOR, World, furnish


@pytest.fixture(scope="package")
def hostile_stack(workplace: Path) -> Iterator[Stack]:
    """hub-1 takes commands as fast as they come; hub-2 has the usual limits, but little patience."""
    fast = {"SHAREHUB_HUB_COMMANDS_PER_S": "100000", "SHAREHUB_HUB_COMMAND_BURST": "100000"}
    hasty = {"SHAREHUB_HUB_CONNECT_DEADLINE_S": "1", "SHAREHUB_HUB_MAX_TOPICS": "20"}
    with Stack(
        workplace / "hostile", extra_env={"SHAREHUB_OPERATORS": OPERATOR}, env_of={"hub-1": fast, "hub-2": hasty}
    ) as running:  # fmt: skip
        yield running


@pytest.fixture(scope="package")
def furnished(hostile_stack: Stack) -> World:
    return asyncio.run(furnish(hostile_stack))


@pytest.fixture
async def world(furnished: World) -> AsyncIterator[World]:
    async with aiohttp.ClientSession() as furnished.http:
        yield furnished
