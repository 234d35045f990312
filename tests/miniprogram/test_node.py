"""The mini-program's client under node: by itself, and against the running product."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from devkit import ROOT
from devkit.child import ChildError
from devkit.stack import Stack

HERE = Path(__file__).parent
MINIPROGRAM = ROOT / "miniprogram"
OLDEST = (20, 10)
"""From here on node has a WebSocket client, behind a flag at first."""
UNFLAGGED = (22,)

FOREIGN = r"\bwx\.|\bwindow\b|\bprocess\.|\bglobalThis\b|\bTextEncoder\b"
"""What the client must do without: it runs in node's tests and on phones."""


@pytest.fixture(scope="session")
def node() -> list[str]:
    """How to start node. What the mini-program needs of npm is installed, exactly as its lock says."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        pytest.skip("node and npm are not installed: the mini-program's client was not tested")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(int(number) for number in re.findall(r"\d+", said))
    if version < OLDEST:
        pytest.skip(f"node {said.strip()} is too old to test the mini-program's client")
    _install(npm)
    return [program] if version >= UNFLAGGED else [program, "--experimental-websocket"]


def _install(npm: str) -> None:
    modules, lock = MINIPROGRAM / "node_modules", MINIPROGRAM / "package-lock.json"
    stamp, digest = modules / ".lock.sha256", hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    done = subprocess.run(
        [npm, "ci", "--silent"], cwd=MINIPROGRAM, capture_output=True, text=True, timeout=120, check=False
    )  # fmt: skip
    assert done.returncode == 0, f"npm ci: {done.stdout}{done.stderr}"
    modules.mkdir(exist_ok=True)
    stamp.write_text(digest)


def run(node: list[str], file: Path, env: Mapping[str, str], timeout_s: float) -> None:
    """`node FILE`; every test in it must pass, and none may be left out."""
    done = subprocess.run(
        [*node, "--test-reporter=tap", str(file)],
        env={**os.environ, **env}, capture_output=True, text=True, timeout=timeout_s, check=False,
    )  # fmt: skip
    report = done.stdout[-20_000:] + done.stderr[-5_000:]
    assert done.returncode == 0, report
    counts = {word: int(count) for word, count in re.findall(r"^# (\w+) (\d+)$", report, re.M)}
    assert counts["pass"] > 0, report
    assert counts["fail"] == counts["skipped"] == counts["cancelled"] == 0, report


@pytest.mark.parametrize("name", ["protocol", "hub", "outbox", "store"])
def test_by_itself(node: list[str], name: str) -> None:
    run(node, HERE / f"{name}.test.mjs", {}, timeout_s=60)


def test_every_file_is_plain_commonjs(node: list[str]) -> None:
    for file in sorted((MINIPROGRAM / "lib").glob("*.js")):
        subprocess.run([*node, "--check", str(file)], check=True, timeout=20)
        text = file.read_text(encoding="utf-8")
        assert '"use strict";' in text, file.name
        assert "module.exports = {" in text, file.name
        assert not re.search(FOREIGN, text), file.name
        assert text.count("\n") <= 400, file.name


def test_the_lock_names_no_registry() -> None:
    assert "resolved" not in (MINIPROGRAM / "package-lock.json").read_text(encoding="utf-8")


# --- against the running product ---------------------------------------------------------------------------------------


@pytest.fixture
def control() -> Iterator[Callable[[Stack], str]]:
    """Give it a stack, get the address at which POST /kill/hub-1, /stop/hub-1 and /start/hub-1 do just that."""
    servers: list[ThreadingHTTPServer] = []

    def serve(stack: Stack) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(stack))
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def _handler(stack: Stack) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            _, act, name = self.path.split("/")
            process = stack[name]
            try:
                {"kill": process.kill, "stop": process.stop, "start": process.start}[act]()
                status, body = 200, b"done"
            except (ChildError, OSError) as error:
                status, body = 500, str(error).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_against_the_running_product(
    node: list[str], new_stack: Callable[..., Stack], control: Callable[[Stack], str]
) -> None:
    stack = new_stack(extra_env={"SHAREHUB_ACCESS_TOKEN_S": "10"})
    house = {
        "api": stack.api_url, "hubs": stack.hub_urls, "sandbox": stack.sandbox_url, "control": control(stack),
    }  # fmt: skip
    env = {"SHAREHUB_TEST_HOUSE": json.dumps(house)}
    run(node, HERE / "hub.real.test.mjs", env, timeout_s=240)
