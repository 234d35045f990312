"""The front of ./dev: which command, and what its module makes of the rest."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Protocol, cast

COMMANDS = {
    "run": "the whole product on this machine, with demo data, until Ctrl-C",
    "test": "all checks and all tests",
    "demo": "a guided walk through a running product",
    "bench": "one benchmark, by name (no name: the list)",
    "soak": "one long test, by name (no name: the list)",
    "lint": "ruff, mypy --strict, import-linter and what a phone would refuse",
}


class Command(Protocol):
    """What each module devkit.<command> has."""

    def main(self, arguments: Sequence[str]) -> int:
        """The exit code. `arguments` are those after the command's name."""


def usage() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {purpose}" for name, purpose in COMMANDS.items()]
    return "\n".join(["usage: ./dev COMMAND [--help ...]", "", *lines])


def main(arguments: Sequence[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if arguments else 2
    name, *rest = arguments
    if name not in COMMANDS:
        print(f"./dev: there is no command {name!r}\n\n{usage()}", file=sys.stderr)
        return 2
    # Only the chosen command's module is loaded: a fault in one leaves the others usable.
    command = cast(Command, importlib.import_module(f"devkit.{name}"))
    return command.main(rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
