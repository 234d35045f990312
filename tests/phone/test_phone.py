"""The phone and the mini-program in it, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.node import Node, find_node
from devkit.phone import MINIPROGRAM, PHONE
from tests.miniprogram.test_node import run

HERE = Path(__file__).parent


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
