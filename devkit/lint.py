"""./dev lint: ruff, its formatter, mypy --strict and import-linter over everything that is Python here."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from devkit import ROOT

PACKAGES = ("hub", "api", "workers", "market", "infra", "sandbox", "devkit", "loadtest", "tests")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fix", action="store_true", help="let ruff repair and format first")


def main(options: argparse.Namespace) -> int:
    return run_checks(fix=options.fix)


def run_checks(*, fix: bool = False) -> int:
    """Run every check, even after a failure; 0 when all pass."""
    failed = [name for name, argv in _checks(fix) if not _passes(name, argv)]
    if failed:
        print(f"lint: {', '.join(failed)} failed", flush=True)
    return 1 if failed else 0


def _checks(fix: bool) -> list[tuple[str, Sequence[str | Path]]]:
    tools = Path(sys.executable).parent
    present = [name for name in PACKAGES if any((ROOT / name).rglob("*.py"))]
    checks: list[tuple[str, Sequence[str | Path]]] = []
    if fix:
        checks += [
            ("ruff --fix", (tools / "ruff", "check", "--quiet", "--fix", *present)),
            ("ruff format", (tools / "ruff", "format", "--quiet", *present)),
        ]
    return [
        *checks,
        ("ruff check", (tools / "ruff", "check", "--quiet", *present)),
        ("ruff format --check", (tools / "ruff", "format", "--check", "--quiet", *present)),
        ("mypy --strict", (sys.executable, "-m", "mypy", "--no-error-summary", *present)),
        ("import-linter", (tools / "lint-imports",)),
    ]


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
