"""./dev test: the checks of ./dev lint, then every test, against private servers of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from devkit import ROOT, RUN
from devkit.lint import run_checks

USAGE = """usage: ./dev test [--no-lint] [pytest arguments]

Runs ruff, mypy, import-linter and what looks through the mini-program, then pytest over tests/. Servers, data and logs live
under .run/test-<pid>, which is removed when everything passes. Without arguments for pytest the tests that break things and those
of the phone, which wait more than they work, run beside all others, and are printed when they are through. Examples:

  ./dev test
  ./dev test --no-lint tests/unit -k ledger
"""

BESIDE = ("tests/faults", "tests/phone")
PATIENCE = {"SHAREHUB_TEST_PATIENCE": "8"}
"""By how much what must be soon may be later where others use the same processors."""


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
    with contextlib.ExitStack() as stack:
        beside = {}
        for tests in BESIDE:
            printed = directory / f"{Path(tests).name}.txt"
            output = stack.enter_context(printed.open("w"))
            lane = _start(directory / Path(tests).name, [tests], output.fileno(), PATIENCE)
            stack.callback(_end, lane)
            beside[tests] = (lane, printed)
        others = [f"--ignore={tests}" for tests in BESIDE]
        failed = _start(directory / "others", others, None, PATIENCE).wait()
        for tests, (lane, printed) in beside.items():
            print(f"== {tests}", flush=True)
            failed = lane.wait() or failed
            print(printed.read_text(), flush=True)
    return failed


def _end(process: subprocess.Popen[bytes]) -> None:
    """If it has not ended: somebody has had enough."""
    process.terminate()
    process.wait()


def _run(directory: Path, arguments: Sequence[str]) -> int:
    return _start(directory, arguments, None, {}).wait()


def _start(
    directory: Path, arguments: Sequence[str], output: int | None, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    directory.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=ROOT,
        stdout=output,
        env={**os.environ, **environment, "SHAREHUB_TEST_DIR": str(directory)},
    )
