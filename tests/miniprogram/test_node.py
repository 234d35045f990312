"""The mini-program's client under node: by itself, and against the running product."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from devkit import ROOT
from devkit.stack import Stack
from tests.miniprogram.house import house_of
from devkit.node import Node, find_node
from devkit.phone import PHONE

HERE = Path(__file__).parent
MINIPROGRAM = ROOT / "miniprogram"
FOREIGN = r"\bwx\.|\bwindow\b|\bprocess\.|\bglobalThis\b|\bTextEncoder\b"
"""What the client must do without: it runs in node's tests and on phones."""


@pytest.fixture(scope="session")
def node() -> Node:
    """With what the mini-program needs of npm installed, exactly as its lock says."""
    found = find_node()
    if found is None:
        pytest.skip(
            "there is no node 20.10 or newer with npm: the mini-program's client was not tested"
        )
    found.install(MINIPROGRAM)
    return found


def run(node: Node, file: Path, *, timeout_s: float, **env: str) -> None:
    """Every test in the file must pass, and none may be left out."""
    done = node.run("--test-reporter=tap", file, env=env, timeout_s=timeout_s)
    report = done.stdout[-20_000:] + done.stderr[-5_000:]
    assert done.returncode == 0, report
    counts = {word: int(count) for word, count in re.findall(r"^# (\w+) (\d+)$", report, re.M)}
    assert counts["pass"] > 0, report
    assert counts["fail"] == counts["skipped"] == counts["cancelled"] == 0, report


@pytest.mark.parametrize(
    "name",
    [
        "protocol", "hub", "outbox", "store", "overlay", "plain", "asking", "bind", "viewport", "lists", "plan", "talk", "window",
        "services",
    ],
)  # fmt: skip
def test_by_itself(node: Node, name: str) -> None:
    run(node, HERE / f"{name}.test.mjs", timeout_s=50)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "file",
    sorted((HERE / "components").glob("*.test.mjs")),
    ids=lambda file: file.name.removesuffix(".test.mjs"),
)
def test_components(node: Node, file: Path) -> None:
    node.install(PHONE)
    run(node, file, timeout_s=100)


def test_every_file_is_plain_commonjs(node: Node) -> None:
    for file in sorted((MINIPROGRAM / "lib").glob("*.js")):
        done = node.run("--check", file, timeout_s=20)
        assert done.returncode == 0, done.stderr
        text = file.read_text(encoding="utf-8")
        assert '"use strict";' in text, file.name
        assert "module.exports = {" in text, file.name
        assert not re.search(FOREIGN, text), file.name
        assert text.count("\n") <= 400, file.name


def test_the_lock_names_no_registry() -> None:
    assert "resolved" not in (MINIPROGRAM / "package-lock.json").read_text(encoding="utf-8")


# --- against the running product ---------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_against_the_running_product(node: Node, new_stack: Callable[..., Stack]) -> None:
    stack = new_stack(extra_env={"SHAREHUB_ACCESS_TOKEN_S": "10"})
    with house_of(stack) as house:
        run(node, HERE / "hub.real.test.mjs", timeout_s=240, SHAREHUB_TEST_HOUSE=json.dumps(house))
