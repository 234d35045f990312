"""The phone and the mini-program in it, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from devkit.node import Node
from devkit.phone import MINIPROGRAM, PHONE
from tests.miniprogram.test_node import run

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def node() -> Node:
    from devkit.node import find_node

    found = find_node()
    assert found is not None, "there is no node: ./dev installs one in .venv"
    for package in (PHONE, MINIPROGRAM):
        found.install(package)
    return found


def test_the_checks(node: Node) -> None:
    run(node, HERE / "checks.test.mjs", timeout_s=50)


def test_the_phone_itself(node: Node) -> None:
    run(node, HERE / "phone.test.mjs", timeout_s=55)
