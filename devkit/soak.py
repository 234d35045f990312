"""./dev soak NAME: one of the long tests in loadtest/soaks."""

from __future__ import annotations

from collections.abc import Sequence

from devkit.programs import start


def main(arguments: Sequence[str]) -> int:
    return start("soak", "loadtest.soaks", arguments)
