"""The phone and the mini-program in it, in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devkit import RUN
from devkit.node import Node, find_node
from devkit.phone import MINIPROGRAM, PHONE, Phones, config_of
from devkit.stack import Stack
from tests.miniprogram.house import house_of
from tests.miniprogram.test_node import run

HERE = Path(__file__).parent
SCREENS = RUN / "screens"
"""Where the screenshots of every page are kept."""
STORIES = sorted({f.name.partition(".")[0] for f in HERE.glob("*.test.mjs")} - {"checks", "phone"})
TOKEN_S = 25
"""An access token's life here: they expire while the tests run."""


@pytest.fixture(scope="session")
def node() -> Node:
    found = find_node()
    assert found is not None, "there is no node: ./dev installs one in .venv"
    for package in (PHONE, MINIPROGRAM):
        found.install(package)
    return found


@pytest.mark.timeout(120)
def test_the_checks(node: Node) -> None:
    run(node, HERE / "checks.test.mjs", timeout_s=100)


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_the_phone_itself(node: Node) -> None:
    run(node, HERE / "phone.test.mjs", timeout_s=180)


# --- the mini-program, against the running product ---------------------------------------------------------------------


@pytest.fixture(scope="session")
def house(workplace: Path, node: Node) -> Iterator[dict[str, Any]]:
    environment = {"SHAREHUB_ACCESS_TOKEN_S": str(TOKEN_S)}
    with Stack(workplace / "phone", extra_env=environment) as stack, house_of(stack) as house:
        phones = Phones(workplace / "phone", config=config_of(stack))
        phones.start()
        try:
            yield {**house, "phone": phones.url, "token_s": TOKEN_S}
        finally:
            phones.stop(3)


@pytest.mark.slow
@pytest.mark.timeout(360)
@pytest.mark.parametrize("name", STORIES)
def test_the_mini_program(node: Node, house: dict[str, Any], name: str) -> None:
    run(
        node, HERE / f"{name}.test.mjs", timeout_s=340,
        SHAREHUB_TEST_HOUSE=json.dumps(house), SHAREHUB_TEST_SHOTS=str(SCREENS),
    )  # fmt: skip
