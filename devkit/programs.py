"""Programs in a folder, started by name: the benchmarks and the soaks.

Each is a module with a docstring, whose first line is its purpose, and `main(arguments: Sequence[str]) -> int`.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from devkit import ROOT


def purposes(folder: Path) -> dict[str, str]:
    """Name -> first line of its docstring, without importing anything. A name has dashes where its file has underscores."""
    found = {}
    for file in sorted(folder.glob("[a-z]*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        if any(isinstance(part, ast.FunctionDef) and part.name == "main" for part in tree.body):
            found[file.stem.replace("_", "-")] = (ast.get_docstring(tree) or "").partition("\n")[0]
    return found


def start(command: str, package: str, arguments: Sequence[str]) -> int:
    """`./dev command NAME [arguments]` with the modules of `package`."""
    known = purposes(ROOT / package.replace(".", "/"))
    name = arguments[0] if arguments else "--help"
    if name in ("-h", "--help"):
        print(f"usage: ./dev {command} NAME [--help ...]\n")
        for program, purpose in known.items():
            print(f"  {program:<16} {purpose}")
        return 0 if arguments else 2
    if name not in known:
        names = ", ".join(known) or "none yet"
        print(f"./dev {command}: there is no {name!r} (there are: {names})", file=sys.stderr)
        return 2
    module = importlib.import_module(f"{package}.{name.replace('-', '_')}")
    return int(module.main(arguments[1:]))
