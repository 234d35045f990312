"""The whole product on this machine: servers, sandbox, hubs, api, workers, each a process that can be killed alone.

    with Stack(path, layout=Layout(api=(("users", "listings"), ("orders",)), hubs=3)) as stack:
        stack["hub-2"].kill()
        stack["hub-2"].start()
        stack.servers.redis.restart()

Everything here blocks: from a coroutine use `await asyncio.to_thread(stack["hub-2"].kill)`.
"""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from devkit import ROOT
from devkit.child import Child, ChildError
from devkit.ports import free_port, is_free
from devkit.replica import ReplicatedServers
from devkit.servers import PrivateServers
from devkit.settings import (
    Secrets,
    admin_environment,
    base_environment,
    server_environment,
    wechat_environment,
)

STOP_S = 10.0
"""How long a process may take to end after SIGTERM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which processes there are. In `api` and `workers` each tuple is one process; an empty one serves all names.

    Names of processes: `sandbox`, `hub-1`..., `api` or `api-orders` or `api-users+listings`, `workers` or
    `workers-relay`; a second one alike is called `api-2` and so on.
    """

    hubs: int = 2
    api: Sequence[tuple[str, ...]] = ((),)
    workers: Sequence[tuple[str, ...]] = ((),)
    sandbox_faults: float = 0.0
    replica: bool = False
    """Whether MariaDB has a replica, for reads that may be stale."""


@dataclass(frozen=True, slots=True)
class Place:
    """What runs where, before it runs."""

    module: str
    names: tuple[str, ...]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def plan(layout: Layout, preferred: Mapping[str, int]) -> dict[str, Place]:
    """Process name -> place. Addresses are part of the environment, so ports are given out before anything starts."""
    places: dict[str, Place] = {}

    def add(module: str, name: str, names: tuple[str, ...] = ()) -> None:
        unique, n = name, 1
        while unique in places:
            n += 1
            unique = f"{name}-{n}"
        places[unique] = Place(module, names, free_port(preferred.get(unique)))

    add("sandbox.server", "sandbox")
    for names in layout.api:
        add("api", "-".join(filter(None, ("api", "+".join(names)))), names)
    for n in range(1, layout.hubs + 1):
        add("hub", f"hub-{n}")
    for names in layout.workers:
        add("workers", "-".join(filter(None, ("workers", "+".join(names)))), names)
    return places


def _url(places: Mapping[str, Place], module: str, service: str | None = None) -> str:
    for place in places.values():
        if place.module == module and (
            service is None or not place.names or service in place.names
        ):
            return place.url
    return "http://127.0.0.1:9"  # the discard port: nobody serves it in this layout


class ServingProcess(Child):
    """`python -m module name... --port N`, ready when /readyz says so."""

    def __init__(
        self,
        name: str,
        module: str,
        port: int,
        *,
        names: tuple[str, ...] = (),
        options: Sequence[str] = (),
        log_file: Path,
        env: Mapping[str, str],
        tells_readiness: bool = True,
    ) -> None:
        self.port = port
        self.names = names
        self.url = f"http://127.0.0.1:{port}"
        super().__init__(
            name,
            [sys.executable, "-m", module, *names, "--port", str(port), *options],
            log_file=log_file,
            env={**env, "SHAREHUB_NODE": name},
            cwd=ROOT,
            ready=self._says_ready if tells_readiness else self._listens,
        )

    def start(self, *, wait: bool = True) -> None:
        # Otherwise whoever sits there would answer /readyz in its place.
        if not self.alive and not is_free(self.port):
            raise ChildError(f"{self.name} cannot start: port {self.port} is taken")
        super().start(wait=wait)

    def start_to_crash(self, crash_at: str | None) -> None:
        """Start (again), with or without a failpoint; one that may crash while starting is not waited for."""
        environment = dict(self.env or {})
        environment.pop("SHAREHUB_CRASH_AT", None)
        if crash_at is not None:
            environment["SHAREHUB_CRASH_AT"] = crash_at
        self.env = environment
        self.start(wait=crash_at is None)

    def get(self, path: str, timeout_s: float = 3.0) -> tuple[int, bytes]:
        """Status and body of a GET; OSError when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()

    def _says_ready(self) -> bool:
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False

    def _listens(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False


class Stack:
    """See the module. `directory` keeps data, secrets, keys and logs; the same directory again goes on with them.

    `servers`: already made ones, started or not, which are then not stopped here. `ports`: preferred port by process
    name (also `mariadb`, `redis`). `extra_env` is for every process, `env_of` for one by its name. `say` gets a line per
    step.
    """

    def __init__(
        self,
        directory: Path,
        *,
        layout: Layout | None = None,
        servers: PrivateServers | None = None,
        ports: Mapping[str, int] | None = None,
        extra_env: Mapping[str, str] | None = None,
        env_of: Mapping[str, Mapping[str, str]] | None = None,
        log_file_size: str = "8M",
        buffer_pool: str = "128M",
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.directory = directory.resolve()
        self.layout = layout or Layout()
        self.logs = self.directory / "logs"
        self.sandbox_dir = self.directory / "sandbox"
        self.secrets = Secrets.of(self.directory)
        self._ports = ports or {}
        self._owns_servers = servers is None
        kind = ReplicatedServers if self.layout.replica else PrivateServers
        self.servers = servers or kind(
            self.directory / "servers",
            mariadb_port=self._ports.get("mariadb"),
            redis_port=self._ports.get("redis"),
            root_password=self.secrets.root_password,
            log_file_size=log_file_size,
            buffer_pool=buffer_pool,
        )
        self._extra_env = dict(extra_env or {})
        self._env_of = env_of or {}
        self._say = say
        self.environment: dict[str, str] = {}
        """What every process gets; complete after `prepare`."""
        self.processes: dict[str, ServingProcess] = {}
        """By name, in the order in which they start; filled by `prepare`."""

    # --- life ---

    def start(self) -> None:
        """Everything, until all of it is ready. ChildError says what failed, and all that was started is stopped."""
        try:
            self.prepare()
            self.start_processes()
        except BaseException:
            self.stop()
            raise

    def prepare(self) -> None:
        """Servers, keys and schemas; nothing of the product runs yet."""
        self._step("MariaDB and Redis", self.servers.start)
        self._step("the sandbox's keys", self._make_keys)
        self._lay_out()
        self._step("schemas, users and grants", self.migrate)

    def start_processes(self) -> None:
        """The sandbox, then all others at once."""
        self._step("the sandbox", self["sandbox"].start)
        for process in self.product:
            process.start(wait=False)
        for process in self.product:
            self._step(process.name, process.wait_ready)

    def stop(self) -> None:
        """The product first, all at once; then the sandbox and the servers."""
        for process in self.product:
            process.resume()
            process.ask_to_stop()
        deadline = time.monotonic() + STOP_S
        for process in self.product:
            process.wait(max(0.1, deadline - time.monotonic()))
        if "sandbox" in self.processes:
            self["sandbox"].stop(3)
        if self._owns_servers:
            self.servers.stop()

    def migrate(self) -> None:
        """`python -m infra.mysql.migrate`; safe to run again."""
        env = {**self.environment, **admin_environment(self.servers)}
        self._command("migrate", ["-m", "infra.mysql.migrate"], env)

    def ended(self) -> list[Child]:
        """What has been started and runs no more."""
        children = [*self.servers.children, *self.processes.values()]
        return [child for child in children if child.returncode is not None]

    def __enter__(self) -> Stack:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # --- who is where ---

    def __getitem__(self, name: str) -> ServingProcess:
        return self.processes[name]

    @property
    def product(self) -> list[ServingProcess]:
        return [process for name, process in self.processes.items() if name != "sandbox"]

    @property
    def hubs(self) -> list[ServingProcess]:
        return [process for name, process in self.processes.items() if name.startswith("hub-")]

    def api(self, service: str | None = None) -> ServingProcess:
        """The first api process that serves `service`; without one, the first."""
        for name, process in self.processes.items():
            if name.split("-")[0] == "api" and (
                service is None or not process.names or service in process.names
            ):
                return process
        raise LookupError(f"no api process serves {service}")

    @property
    def api_url(self) -> str:
        return self.api().url

    @property
    def sandbox_url(self) -> str:
        return self["sandbox"].url

    @property
    def hub_urls(self) -> list[str]:
        return [hub.url.replace("http://", "ws://") + "/ws" for hub in self.hubs]

    # --- how it is made ---

    def _lay_out(self) -> None:
        if self.processes:
            return
        base = {
            **base_environment(),
            **server_environment(self.servers, self.secrets, self.directory / "objects"),
        }
        places = plan(self.layout, self._ports)
        self.environment = {
            **base,
            **wechat_environment(
                self.sandbox_dir,
                sandbox_url=places["sandbox"].url,
                public_url=_url(places, "api"),
                payments_url=_url(places, "api", "payments"),
            ),
            **self._extra_env,
        }
        for name, place in places.items():
            is_sandbox = name == "sandbox"
            options = (
                (
                    "--run-dir",
                    str(self.sandbox_dir),
                    "--faults",
                    str(self.layout.sandbox_faults),
                    "--push-url",
                    f"{_url(places, 'api', 'listings')}/v1/wechat/events",
                )
                if is_sandbox
                else ()
            )
            env = base_environment() if is_sandbox else self.environment
            self.processes[name] = ServingProcess(
                name,
                place.module,
                place.port,
                names=place.names,
                options=options,
                log_file=self.logs / f"{name}.log",
                env={**env, **self._env_of.get(name, {})},
                tells_readiness=not is_sandbox,
            )

    def _make_keys(self) -> None:
        account = self.sandbox_dir / "sandbox.json"
        if not account.exists() or "push_key" not in account.read_text():
            argv = ["-m", "sandbox.server", "--run-dir", str(self.sandbox_dir), "--keys-only"]
            self._command("sandbox-keys", argv, base_environment())

    def _command(self, name: str, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        output = done.stdout + done.stderr
        self.logs.mkdir(parents=True, exist_ok=True)
        (self.logs / f"{name}.log").write_text(output)
        if done.returncode:
            raise ChildError(f"{name} ended with code {done.returncode}\n{output[-3000:]}")

    def _step(self, what: str, do: Callable[[], None]) -> None:
        began = time.monotonic()
        do()
        self._say(f"{what}: ready ({time.monotonic() - began:.1f} s)")

    def addresses(self) -> dict[str, str]:
        """Where everything is, by process name, without any secret."""
        urls = {name: process.url for name, process in self.processes.items()}
        return {**urls, "redis": self.servers.redis.url}
