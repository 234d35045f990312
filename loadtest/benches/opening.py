"""How benches begin and end alike: their arguments, a stack in an empty directory, figures to be read and to be kept."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from devkit import RUN
from devkit.stack import Layout, Stack
from loadtest.machine import describe

Bench = Callable[[Stack, argparse.Namespace], Coroutine[Any, Any, dict[str, Any]]]

ROOMY: dict[str, Any] = {"log_file_size": "2G", "buffer_pool": "4G"}
"""MariaDB as it would be set up for much: its pages stay in memory, and are written when there is time."""


def parser_of(name: str, about: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"./dev bench {name}", description=about)
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser


def empty(name: str) -> Path:
    """The bench's directory, without what an earlier run has left there."""
    directory = RUN / f"bench-{name}"
    shutil.rmtree(directory, ignore_errors=True)
    return directory


def play(
    name: str, bench: Bench, options: argparse.Namespace, layout: Layout, *, keep: bool = True, **set_up: Any
) -> int:  # fmt: skip
    """Against a stack of its own, whose directory goes afterwards unless it is kept. `set_up`: the stack's."""
    directory = empty(name)
    with Stack(directory, layout=layout, say=say, **set_up) as stack:
        figures = asyncio.run(bench(stack, options))
    if not keep:
        empty(name)
    return report(figures, options)


def report(figures: dict[str, Any], options: argparse.Namespace) -> int:
    """The exit code of a bench that came to its end."""
    figures["machine"] = describe()
    for name, figure in figures.items():
        rows = figure if _is_table(figure) else {name: figure}
        for row, value in rows.items():
            print(f"{row:32} {value}")
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2, ensure_ascii=False))
    return 0


def _is_table(figure: Any) -> bool:
    return isinstance(figure, dict) and all(isinstance(row, dict) for row in figure.values())


def say(line: str) -> None:
    print(f"== {line}", flush=True)
