"""./dev test: the checks of ./dev lint, then every test, against private servers of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

from devkit import ROOT, RUN
from devkit.lint import run_checks

USAGE = """usage: ./dev test [--no-lint] [pytest arguments]

Runs ruff, mypy and import-linter, then pytest over tests/. Servers, data and logs live under .run/test-<pid>, which is
removed when everything passes. Examples:

  ./dev test
  ./dev test --no-lint tests/unit -k ledger
"""


def main(arguments: Sequence[str]) -> int:
    if {"-h", "--help"} & set(arguments):
        print(USAGE)
        return 0
    wants_lint = "--no-lint" not in arguments
    rest = [argument for argument in arguments if argument != "--no-lint"]

    lint = run_checks() if wants_lint else 0
    directory = RUN / f"test-{os.getpid()}"
    directory.mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *rest],
        cwd=ROOT,
        env={**os.environ, "SHAREHUB_TEST_DIR": str(directory)},
        check=False,
    )
    if done.returncode == 0:
        shutil.rmtree(directory, ignore_errors=True)
    else:
        print(f"logs and data are kept in {directory.relative_to(ROOT)}", flush=True)
    if lint:
        print("the checks before the tests failed: see ./dev lint", flush=True)
    return done.returncode or lint
