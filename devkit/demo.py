"""./dev demo: a guided walk through the product, on databases of its own, from nothing to both ratings."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import shutil
import sys
from collections.abc import Sequence

from devkit import RUN
from devkit.child import ChildError
from devkit.run import stop_on_signals
from devkit.stack import Layout, Stack

SCENES = "devkit.scenes"
"""Has `play(stack: Stack) -> int`: the walk itself, and its exit code."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__)
    parser.add_argument(
        "--hubs", type=int, default=2, metavar="N", help="hub processes (default 2)"
    )
    options = parser.parse_args(arguments)
    if importlib.util.find_spec(SCENES) is None:
        print("./dev demo: its scenes are not written yet.", file=sys.stderr)
        return 1
    directory = RUN / "demo"
    shutil.rmtree(directory, ignore_errors=True)
    stack = Stack(
        directory,
        layout=Layout(hubs=options.hubs),
        say=lambda line: print(f"== {line}", flush=True),
    )
    try:
        with stop_on_signals():
            stack.start()
            return int(importlib.import_module(SCENES).play(stack))
    except ChildError as error:
        print(f"./dev demo: {error}\n(logs: {stack.logs})", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        stack.stop()
