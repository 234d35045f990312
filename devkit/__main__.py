"""The front of ./dev: which command, and what its module takes from there."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Protocol, cast

COMMANDS = {
    "run": "the whole product on this machine, with demo data",
    "test": "all checks and all tests",
    "demo": "a short guided walk through a running product",
    "bench": "one benchmark, by name",
    "soak": "one long test, by name",
    "lint": "ruff, mypy, import-linter",
}


class Command(Protocol):
    """What each module devkit.<command> has."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def main(self, options: argparse.Namespace) -> int:
        """The exit code."""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev", description="ShareHub, for developers.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    # Only the chosen command's module is loaded: a fault in one leaves the others usable.
    chosen = next((word for word in arguments if word in COMMANDS), None)
    module: Command | None = None
    for name, purpose in COMMANDS.items():
        sub = commands.add_parser(name, help=purpose, description=purpose)
        if name == chosen:
            module = cast(Command, importlib.import_module(f"devkit.{name}"))
            module.add_arguments(sub)
    options = parser.parse_args(arguments)
    assert module is not None
    return module.main(options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
