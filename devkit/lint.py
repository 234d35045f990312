"""./dev lint: ruff, its formatter, mypy --strict and import-linter over everything that is Python here, and over the mini-program
what a phone would refuse."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from devkit import ROOT
from devkit.node import NodeError, find_node
from devkit.phone import MINIPROGRAM, PHONE

PACKAGES = (
    "hub", "api", "workers", "market", "infra", "sandbox", "deploy", "devkit", "loadtest", "tests",
)  # fmt: skip
MAIN_PACKAGE_BYTES = 1_000_000
"""WeChat allows twice as much."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev lint", description=__doc__)
    parser.add_argument("--fix", action="store_true", help="let ruff repair and format first")
    return run_checks(fix=parser.parse_args(arguments).fix)


def run_checks(*, fix: bool = False) -> int:
    """Run every check, even after a failure; 0 when all pass."""
    tools = Path(sys.executable).parent
    checks: list[tuple[str, Sequence[str | Path]]] = [
        ("ruff check", (tools / "ruff", "check", "--quiet", *PACKAGES)),
        ("ruff format", (tools / "ruff", "format", "--check", "--quiet", *PACKAGES)),
        ("mypy --strict", (sys.executable, "-m", "mypy", "--no-error-summary", *PACKAGES)),
        ("import-linter", (tools / "lint-imports", "--no-logo")),
        ("mini-program", _miniprogram_check()),
    ]
    if fix:
        checks[:2] = [
            ("ruff check --fix", (tools / "ruff", "check", "--quiet", "--fix", *PACKAGES)),
            ("ruff format", (tools / "ruff", "format", "--quiet", *PACKAGES)),
        ]
    failed = [name for name, argv in checks if not _passes(name, argv)]
    if failed:
        print(f"lint: {', '.join(failed)} failed", flush=True)
    return 1 if failed else 0


def _miniprogram_check() -> Sequence[str | Path]:
    node = find_node()
    if node is None:
        raise NodeError("there is no node 20.10 or newer with npm")
    for package in (PHONE, MINIPROGRAM):
        node.install(package)
    limit = ("--main-bytes", str(MAIN_PACKAGE_BYTES))
    return (node.program, PHONE / "check.mjs", MINIPROGRAM, *limit)


def _passes(name: str, argv: Sequence[str | Path]) -> bool:
    began = time.monotonic()
    done = subprocess.run(
        argv,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    word = "ok" if done.returncode == 0 else "FAILED"
    print(f"== {name}: {word} ({time.monotonic() - began:.1f} s)", flush=True)
    if done.returncode:
        print(done.stdout + done.stderr, flush=True)
    return done.returncode == 0
