"""What is compared: one side is two server processes, their Redis, an emitter of its kind, and clients that speak to it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from devkit import ROOT, RUN
from devkit.child import Child
from devkit.ports import free_port
from devkit.servers import Redis
from loadtest.swarm.dialect import Dialect

SERVERS = 2

Say = Callable[[str], None]


class Side(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def about(self) -> str:
        """The set-up, in one line."""

    @property
    def versions(self) -> str: ...

    @property
    def dialect(self) -> Callable[[], Dialect]: ...

    @property
    def wide(self) -> str:
        """The topic that everybody watches."""

    def start(self, connections: int) -> None:
        """Everything, until it is ready for so many clients."""

    def stop(self) -> None: ...

    @property
    def urls(self) -> tuple[str, ...]:
        """http://host:port of each server."""

    @property
    def server_pids(self) -> list[int]: ...

    @property
    def redis(self) -> Redis: ...

    def room(self, number: int) -> str:
        """The topic of two subscribers with this number."""

    def token(self, client: int) -> str: ...

    def emitter(self, plan: Path) -> tuple[Sequence[str | Path], Mapping[str, str]]:
        """Command and environment of a process that emits this plan (`pace.py`)."""

    def collect_garbage(self) -> None:
        """Before memory is read, where the runtime can be asked to."""


class Peer:
    """What the two peers have in common: servers that are one program each, and rooms by any name."""

    name = ""
    wide = "wide"

    def __init__(self) -> None:
        self._directory = RUN / "bench-peers" / self.name
        self._redis: Redis | None = None
        self._servers: list[Server] = []

    def command(self, port: int, redis_url: str) -> Sequence[str | Path]:
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT)}

    def start(self, connections: int) -> None:
        self._redis = Redis(self._directory / "redis", port=free_port())
        self._redis.start()
        for number in range(SERVERS):
            port = free_port()
            command = self.command(port, self._redis.url)
            log_file = self._directory / f"server-{number}.log"
            self._servers.append(Server(port, command, log_file, self.environment()))
        for server in self._servers:
            server.start()

    def stop(self) -> None:
        for server in self._servers:
            server.stop(3)
        if self._redis is not None:
            self._redis.stop()

    @property
    def urls(self) -> tuple[str, ...]:
        return tuple(f"http://127.0.0.1:{server.port}" for server in self._servers)

    @property
    def server_pids(self) -> list[int]:
        return [server.pid for server in self._servers]

    @property
    def redis(self) -> Redis:
        assert self._redis is not None, "not started"
        return self._redis

    def room(self, number: int) -> str:
        return f"room:{number}"

    def token(self, client: int) -> str:
        return ""  # who connects is not asked who they are

    def collect_garbage(self) -> None: ...


class Server(Child):
    def __init__(
        self, port: int, command: Sequence[str | Path], log_file: Path, env: Mapping[str, str]
    ) -> None:
        self.port = port
        name = log_file.stem
        super().__init__(name, command, log_file=log_file, env=env, cwd=ROOT, ready=self._listens)

    def _listens(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False
