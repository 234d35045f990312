"""Every service as its own process, and how each is taken away and given back."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pymysql

from api.app import SERVICES
from devkit.servers import PrivateServers, Redis
from devkit.settings import Secrets, server_environment
from devkit.stack import Layout, ServingProcess, Stack
from infra.config import WINGS
from infra.mysql.migrate import HOSTS
from workers.jobs import CHORES, names


def jobs_of(wing: str) -> tuple[str, ...]:
    """A wing's own workers: its inbox if it has one, its chores, its janitor."""
    chores = [name for name, module in CHORES.items() if wing == module.WING]
    mine = (f"inbox.{wing}", *chores, f"janitor.{wing}")
    return tuple(name for name in mine if name in names())


# Uploads are signed for the first api process, as there is no proxy here that would know better.
LAYOUT = Layout(
    hubs=2,
    api=tuple((service,) for service in sorted(SERVICES, key=lambda name: name != "objects")),
    workers=(("relay",), *(jobs_of(wing) for wing in WINGS)),
)


PLENTY = {"SHAREHUB_HUB_COMMANDS_PER_S": "1000", "SHAREHUB_HUB_COMMAND_BURST": "1000"}
"""One person asks everything, on all hubs, again and again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One endpoint (`lane` is "rest") or one command as a hub takes it (`lane` is the hub's name).

    `name` is the operation's, or "PUT /v1/objects" and the like for endpoints without one; `service` is who answers.
    """

    name: str
    service: str
    lane: str

    def __str__(self) -> str:
        return f"{self.name} ({self.lane})"


# --- what belongs to whom: these pairs are left out of the share, and no others -----------------------------------------

Owns = Callable[[Target], bool]


def endpoints_of(service: str) -> Owns:
    """While only its processes are gone: what those served. The hubs still take the wing's commands."""
    return lambda target: target.lane == "rest" and target.service == service


def all_of(service: str) -> Owns:
    """While its database is gone too: the commands as well, but for those that need none."""
    return lambda target: (
        target.service == service
        and (target.lane == "rest" or target.name not in NEEDS_NO_DATABASE)
    )


def lane(hub: str) -> Owns:
    return lambda target: target.lane == hub


def named(*operations: str) -> Owns:
    return lambda target: target.name in operations


def nothing(_: Target) -> bool:
    return False


NEEDS_NO_DATABASE = ("orders.release_hold",)
NEEDS_REDIS = ("orders.hold", "orders.release_hold")
NEEDS_WECHAT = ("users.login",)
"""`payments.prepay` needs WeChat too, the first time it is asked for an order. It is probed with an order that has been
asked about before, so it has to answer without."""


# --- taking away, giving back -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def open_house(directory: Path) -> Iterator[House]:
    """A running product in which every wing has a way of its own to the database server: `doors/<wing>`."""
    secrets = Secrets.of(directory)
    servers = PrivateServers(directory / "servers", root_password=secrets.root_password)
    # Where socket paths stay short enough for the kernel.
    with tempfile.TemporaryDirectory(prefix="sharehub-") as doors, servers:
        environment = server_environment(servers, secrets, directory / "objects")
        real, behind = (quote(str(path)) for path in (servers.mariadb.socket, Path(doors)))
        ways = {
            name: environment[name].replace(real, f"{behind}/{wing}")
            for wing in WINGS
            for name in [f"SHAREHUB_DSN_{wing.upper()}"]
        }
        for wing in WINGS:
            (Path(doors) / wing).symlink_to(servers.mariadb.socket)
        with Stack(directory, layout=LAYOUT, servers=servers, extra_env=ways | PLENTY) as stack:
            yield House(stack, Path(doors))


class House:
    """What is done here blocks for milliseconds to seconds, so all of it runs in threads."""

    def __init__(self, stack: Stack, doors: Path) -> None:
        self.stack = stack
        self._doors = doors

    def api(self, service: str) -> ServingProcess:
        return self.stack[f"api-{service}"]

    def workers(self, wing: str) -> ServingProcess:
        return self.stack["workers-" + "+".join(jobs_of(wing))]

    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self.stack.processes.items()}

    def mine(self, service: str) -> list[ServingProcess]:
        """The service's processes: its api, and its workers unless it is no wing."""
        return [self.api(service), *([self.workers(service)] if service in WINGS else [])]

    async def kill(self, *children: ServingProcess | Redis) -> None:
        await asyncio.gather(*(asyncio.to_thread(child.kill) for child in children))

    async def start(self, *children: ServingProcess | Redis) -> None:
        """All at once; returns when all are ready."""
        await asyncio.gather(*(asyncio.to_thread(child.start) for child in children))

    async def lock(self, wing: str) -> None:
        """The wing's account is locked: no new connection, and none left."""
        await asyncio.to_thread(self._account, wing, "LOCK")
        await asyncio.to_thread(self._disconnect, "user", self._user(wing))

    async def unlock(self, wing: str) -> None:
        await asyncio.to_thread(self._account, wing, "UNLOCK")

    async def sever(self, wing: str) -> None:
        """The wing's database server is away for everybody, the relay too: nobody is there to connect to, and no connection
        is left."""
        (self._doors / wing).unlink()
        await asyncio.to_thread(self._disconnect, "db", wing)

    async def mend(self, wing: str) -> None:
        with contextlib.suppress(FileExistsError):
            (self._doors / wing).symlink_to(self.stack.servers.mariadb.socket)

    async def give_back(self, service: str) -> None:
        """Whatever of it is away."""
        if service in WINGS:
            await self.mend(service)
            await self.unlock(service)
        await self.start(*self.mine(service))

    async def facts_under_way(self) -> dict[str, int]:
        """By wing and box, where there are any: facts that are still to be carried or to be handled."""
        return await asyncio.to_thread(self._count_facts)

    def _count_facts(self) -> dict[str, int]:
        found = {}
        with self.stack.servers.mariadb.connect() as connection, connection.cursor() as cursor:
            for wing in WINGS:
                for box, which in (("outbox", "1"), ("inbox", "done = 0")):
                    cursor.execute(f"SELECT COUNT(*) FROM {wing}.{box} WHERE {which}")
                    (count,) = cursor.fetchone() or (0,)
                    found[f"{wing}.{box}"] = int(count)
        return {name: count for name, count in found.items() if count}

    def _user(self, wing: str) -> str:
        user = urlsplit(self.stack.environment[f"SHAREHUB_DSN_{wing.upper()}"]).username
        assert user
        return user

    def _account(self, wing: str, verb: str) -> None:
        with self.stack.servers.mariadb.connect() as connection, connection.cursor() as cursor:
            for host in HOSTS:
                cursor.execute(f"ALTER USER %s@%s ACCOUNT {verb}", (self._user(wing), host))

    def _disconnect(self, column: str, value: str) -> None:
        with self.stack.servers.mariadb.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id FROM information_schema.processlist WHERE {column} = %s", (value,)
            )
            for (id_,) in cursor.fetchall():
                with contextlib.suppress(pymysql.err.OperationalError):  # it has gone by itself
                    cursor.execute(f"KILL {id_}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Take something (more) away; then everything but what `owns` names has to answer."""

    name: str
    take: Callable[[], Awaitable[None]]
    owns: Owns


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """`phases` come one after the other, each on top of the one before; `give_back` undoes them all."""

    name: str
    phases: tuple[Phase, ...]
    give_back: Callable[[], Awaitable[None]]
    processes: tuple[str, ...]


def stops(house: House) -> Iterable[Stop]:
    """Every service in turn, then what all of them share."""
    for service in SERVICES:
        yield _service(house, service)
    stack = house.stack
    shared: tuple[tuple[str, ServingProcess | Redis, Owns], ...] = (
        ("hub-1", stack["hub-1"], lane("hub-1")),
        ("relay", stack["workers-relay"], nothing),
        ("sandbox", stack["sandbox"], named(*NEEDS_WECHAT)),
        ("redis", stack.servers.redis, named(*NEEDS_REDIS)),
    )
    for name, child, owns in shared:
        yield _alone(house, name, child, owns)


def _alone(house: House, name: str, child: ServingProcess | Redis, owns: Owns) -> Stop:
    async def kill() -> None:
        await house.kill(child)

    async def start() -> None:
        await house.start(child)

    phase = Phase(name=name, take=kill, owns=owns)
    return Stop(name=name, phases=(phase,), give_back=start, processes=(child.name,))


def _service(house: House, service: str) -> Stop:
    has_wing = service in WINGS

    async def kill_api() -> None:
        await house.kill(house.api(service))

    async def kill_workers() -> None:
        await house.kill(house.workers(service))

    async def lock() -> None:
        await house.lock(service)

    async def give_back() -> None:
        await house.give_back(service)

    phases = [Phase(name=f"{service}: api", take=kill_api, owns=endpoints_of(service))]
    if has_wing:
        phases += [
            Phase(name=f"{service}: + workers", take=kill_workers, owns=endpoints_of(service)),
            Phase(name=f"{service}: + database", take=lock, owns=all_of(service)),
        ]
    return Stop(
        name=service, phases=tuple(phases), give_back=give_back,
        processes=tuple(process.name for process in house.mine(service)),
    )  # fmt: skip


async def eventually(
    what: str, wrong: Callable[[], Awaitable[Any]], within_s: float = 15.0
) -> None:
    """Ask until the answer is empty; AssertionError with the last answer when time is over."""
    deadline = time.monotonic() + within_s
    while answer := await wrong():
        assert time.monotonic() < deadline, f"{what}, not within {within_s:g} s: {answer}"
        await asyncio.sleep(0.05)
