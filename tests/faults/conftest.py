"""One product for all fault tests: two of everything, so that what dies has a peer. Each test finds it whole, and prints its seed."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from devkit.stack import Layout, Stack
from tests.faults.fleet import AUDIT_S, Fleet, open_fleet


@pytest.fixture(scope="session")
def running(workplace: Path) -> Iterator[Stack]:
    layout = Layout(hubs=2, api=((), ()), workers=((), ()))
    environment = {
        "SHAREHUB_HUB_AUDIT_S": str(AUDIT_S),
        "SHAREHUB_PAYMENT_QUERY_S": "0.5",
    }
    with Stack(workplace / "faults", layout=layout, extra_env=environment) as stack:
        yield stack


@pytest.fixture
async def fleet(running: Stack) -> AsyncIterator[Fleet]:
    """The running product, every process alive and none about to crash, and people who use it."""
    async with open_fleet(running) as fleet:
        await fleet.repair()
        yield fleet


@pytest.fixture
def dice() -> random.Random:
    """SHAREHUB_TEST_SEED=N plays a failed test again (as far as concurrency lets it)."""
    seed = int(os.environ.get("SHAREHUB_TEST_SEED") or random.randrange(2**32))
    print(f"SHAREHUB_TEST_SEED={seed}")
    return random.Random(seed)
