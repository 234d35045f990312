"""./dev bench NAME: one of the benchmarks in loadtest/benches."""

from __future__ import annotations

from collections.abc import Sequence

from devkit.programs import start


def main(arguments: Sequence[str]) -> int:
    return start("bench", "loadtest.benches", arguments)
