"""./dev test: the checks of ./dev lint, then every test, against private servers of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from devkit import ROOT, RUN
from devkit.lint import run_checks

USAGE = """usage: ./dev test [--no-lint] [pytest arguments]

Runs ruff, mypy, import-linter and what looks through the mini-program, then pytest over tests/. Servers, data and logs live
under .run/test-<pid>, which is removed when everything passes. Without arguments for pytest the tests that break things, which
wait more than they work, run beside all others, and are printed when they are through. Examples:

  ./dev test
  ./dev test --no-lint tests/unit -k ledger
"""

BESIDE = "tests/faults"


def main(arguments: Sequence[str]) -> int:
    if {"-h", "--help"} & set(arguments):
        print(USAGE)
        return 0
    wants_lint = "--no-lint" not in arguments
    rest = [argument for argument in arguments if argument != "--no-lint"]

    lint = run_checks() if wants_lint else 0
    directory = RUN / f"test-{os.getpid()}"
    directory.mkdir(parents=True)
    failed = _run(directory, rest) if rest else _run_all(directory)
    if not failed:
        shutil.rmtree(directory, ignore_errors=True)
    else:
        print(f"logs and data are kept in {directory.relative_to(ROOT)}", flush=True)
    if lint:
        print("the checks before the tests failed: see ./dev lint", flush=True)
    return failed or lint


def _run_all(directory: Path) -> int:
    printed = directory / "faults.txt"
    with printed.open("w") as output:
        beside = _start(directory / "faults", [BESIDE], output.fileno())
        try:
            failed = _run(directory / "others", [f"--ignore={BESIDE}"])
            print(f"== {BESIDE}", flush=True)
            failed = beside.wait() or failed
        except BaseException:
            beside.terminate()
            beside.wait()
            raise
    print(printed.read_text(), flush=True)
    return failed


def _run(directory: Path, arguments: Sequence[str]) -> int:
    return _start(directory, arguments, None).wait()


def _start(
    directory: Path, arguments: Sequence[str], output: int | None
) -> subprocess.Popen[bytes]:
    directory.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=ROOT,
        stdout=output,
        env={**os.environ, "SHAREHUB_TEST_DIR": str(directory)},
    )
