"""The peers' own environments under .run/peers, made when they are missing or what they are pinned to has changed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from devkit import RUN

HERE = Path(__file__).parent
VENV = RUN / "peers" / "venv"
NODE = RUN / "peers" / "node"

Say = Callable[[str], None]


class InstallError(Exception):
    """An environment could not be made; the message says what to do, or ends with the last words of what failed."""


def python(say: Say) -> Path:
    """The interpreter of the environment that has python-socketio."""
    interpreter = VENV / "bin" / "python"
    requirements = HERE / "requirements.txt"
    with Stamp(VENV, requirements) as stamp:
        if stamp.is_stale:
            say(f"installing python-socketio into {VENV} (once; about a minute)")
            _run(sys.executable, "-m", "venv", "--clear", VENV)
            _run(interpreter, "-m", "pip", "install", "--disable-pip-version-check", "--quiet",
                 "--no-deps", "-r", requirements)  # fmt: skip
            _run(interpreter, "-m", "pip", "check", "--disable-pip-version-check")
    return interpreter


def node(say: Say) -> tuple[Path, dict[str, str]]:
    """Node, and the environment variables with which it finds socket.io."""
    program = _program("node")
    with Stamp(NODE, HERE / "package.json", HERE / "package-lock.json") as stamp:
        if stamp.is_stale:
            say(f"installing socket.io into {NODE} (once; about a minute)")
            shutil.rmtree(NODE, ignore_errors=True)
            NODE.mkdir(parents=True)
            for file in stamp.files:
                shutil.copy(file, NODE)
            # The native add-ons come built, and are found without their install scripts.
            _run(_program("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=NODE)
    return program, {"NODE_ENV": "production", "NODE_PATH": str(NODE / "node_modules")}


def python_versions(interpreter: Path, *packages: str) -> str:
    code = (
        "import platform, sys; from importlib.metadata import version;"
        "print(', '.join([f'Python {platform.python_version()}', *(f'{p} {version(p)}' for p in sys.argv[1:])]))"
    )
    return _run(interpreter, "-c", code, *packages).strip()


def node_versions(program: Path, env: Mapping[str, str], *packages: str) -> str:
    code = (
        "const at = (p) => JSON.parse(require('fs').readFileSync(process.env.NODE_PATH + `/${p}/package.json`)).version;"
        "console.log([`Node ${process.versions.node}`, ...process.argv.slice(1).map((p) => `${p} ${at(p)}`)].join(', '))"
    )
    return _run(program, "-e", code, *packages, env={**os.environ, **env}).strip()


class Stamp:
    """What an environment was made from, written beside it once it is whole."""

    def __init__(self, directory: Path, *files: Path) -> None:
        self.files = files
        self._mark = directory.with_name(f"{directory.name}.sha256")
        self._wanted = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
        made_from = self._mark.read_text() if self._mark.exists() else ""
        self.is_stale = made_from != self._wanted or not directory.exists()

    def __enter__(self) -> Stamp:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._mark.write_text(self._wanted)


def _program(name: str) -> Path:
    found = shutil.which(name)
    if found is None:
        raise InstallError(f"{name} is not installed; please run: apt-get install nodejs npm")
    return Path(found)


def _run(*argv: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in argv], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        words = (done.stdout + done.stderr)[-2000:]
        raise InstallError(f"{Path(argv[0]).name} {argv[1]} failed\n{words}")
    return done.stdout
