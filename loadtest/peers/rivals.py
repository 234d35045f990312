"""python-socketio and Node's socket.io as sides of the comparison."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from loadtest.peers import install
from loadtest.peers.dialect import SocketIo
from loadtest.peers.side import Peer, Say

HERE = Path(__file__).parent


class PythonSocketIo(Peer):
    dialect = SocketIo

    def __init__(self, name: str, on: Literal["aiohttp", "uvicorn"], say: Say) -> None:
        self.name = name
        super().__init__()
        self._on = on
        self._python = install.python(say)
        self.about = (
            f"AsyncServer on {on} and uvloop, AsyncRedisManager; a write-only manager emits"
        )
        self.versions = install.python_versions(
            self._python, "python-socketio", "python-engineio", on, "uvloop", "redis", "hiredis"
        )

    def command(self, port: int, redis_url: str) -> Sequence[str | Path]:
        options = ("--port", str(port), "--redis", redis_url, "--on", self._on)
        return (self._python, "-m", "loadtest.peers.socketio_server", *options)

    def emitter(self, plan: Path) -> tuple[Sequence[str | Path], Mapping[str, str]]:
        return (self._python, "-m", "loadtest.peers.socketio_emitter", plan), self.environment()


class NodeSocketIo(Peer):
    dialect = SocketIo

    def __init__(
        self,
        name: str,
        adapter: Literal["classic", "sharded"],
        client: Literal["ioredis", "redis"],
        say: Say,
    ) -> None:
        self.name = name
        super().__init__()
        self._adapter, self._client = adapter, client
        self._node, self._env = install.node(say)
        emits = "redis-emitter" if adapter == "classic" else "a server without clients"
        self.about = (
            f"{adapter} Redis adapter on {client}, ws with its native add-ons; {emits} emits"
        )
        self.versions = install.node_versions(
            self._node, self._env,
            "socket.io", "@socket.io/redis-adapter", "@socket.io/redis-emitter", client, "ws", "bufferutil",
        )  # fmt: skip

    def environment(self) -> Mapping[str, str]:
        return {**os.environ, **self._env}

    def command(self, port: int, redis_url: str) -> Sequence[str | Path]:
        program = HERE / "server.js"
        return (
            self._node, "--expose-gc", program, str(port), redis_url, self._adapter, self._client,
        )  # fmt: skip

    def emitter(self, plan: Path) -> tuple[Sequence[str | Path], Mapping[str, str]]:
        command = (self._node, HERE / "emitter.js", plan, self._adapter, self._client)
        return command, self.environment()

    def collect_garbage(self) -> None:
        for pid in self.server_pids:
            os.kill(pid, signal.SIGUSR2)
