"""What all tests share. See each fixture; all are lazy, and only what a test asks for is started.

In-process tests take `environment` (schemas exist, no product process runs). Tests of the running product take `stack`, which has
servers of its own, so that its relay does not carry away what an in-process test has just written. A test that breaks things
takes `new_stack` or starts again what it stopped.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from blockbuster import BlockBuster, BlockBusterFunction

from devkit import ROOT
from devkit.servers import PrivateServers
from devkit.stack import Layout, ServingProcess, Stack

PRODUCT = ("hub", "api", "workers", "market", "infra")


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this run keeps data and logs: `.run/test-<pid>` under ./dev test, which keeps it after a failure."""
    given = os.environ.get("SHAREHUB_TEST_DIR")
    return Path(given) if given else tmp_path_factory.mktemp("sharehub")


@pytest.fixture(scope="session")
def _unstarted(workplace: Path) -> Iterator[Stack]:
    stack = Stack(workplace / "in-process", layout=Layout(api=(), hubs=0, workers=()))
    yield stack
    stack.stop()


@pytest.fixture(scope="session")
def servers(_unstarted: Stack) -> PrivateServers:
    """A running MariaDB and Redis. `servers.redis.kill()`, `.start()`, `.restart()`, `.pause()`, `.resume()` block: from a coroutine
    `await asyncio.to_thread(servers.redis.kill)`."""
    _unstarted.servers.start()
    return _unstarted.servers


@pytest.fixture(scope="session")
def environment(_unstarted: Stack, servers: PrivateServers) -> Mapping[str, str]:
    """For `Config.from_environment(environment)`: all schemas are migrated. The WeChat URLs are those of `sandbox`, which has to be
    asked for if it is to answer."""
    _unstarted.prepare()
    return dict(_unstarted.environment)


@pytest.fixture(scope="session")
def sandbox(_unstarted: Stack, environment: Mapping[str, str]) -> ServingProcess:
    """WeChat's stand-in for `environment`, running, without faults; `sandbox.url`."""
    _unstarted["sandbox"].start()
    return _unstarted["sandbox"]


@pytest.fixture(scope="session")
def stack(workplace: Path) -> Iterator[Stack]:
    """The whole product running: two hubs, one api, one workers process. Shared: leave it as it was."""
    with Stack(workplace / "stack") as running:
        yield running


NewStack = Callable[..., Stack]


@pytest.fixture
def new_stack(workplace: Path, request: pytest.FixtureRequest) -> Iterator[NewStack]:
    """`new_stack(layout=Layout(...), extra_env={...}, env_of={...})`: a running product for this test alone (about 4 s)."""
    made: list[Stack] = []

    def make(**options: object) -> Stack:
        directory = workplace / f"{request.node.name[:40]}-{len(made)}"
        one = Stack(directory, **options)  # type: ignore[arg-type]
        made.append(one)
        one.start()
        return one

    yield make
    for one in made:
        one.stop()


# --- a blocked event loop fails the test ------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _guard() -> BlockBuster:
    """Product code that sleeps, reads files or waits for sockets while its loop stands still raises BlockingError."""
    present = [name for name in PRODUCT if importlib.util.find_spec(name)]
    guard = BlockBuster(scanned_modules=[importlib.import_module(name) for name in present])
    for function in guard.functions.values():
        _allow_where_it_harms_nobody(function)
    return guard


@pytest.fixture(autouse=True)
def _nothing_blocks(request: pytest.FixtureRequest) -> Iterator[None]:
    marked = request.node.get_closest_marker
    if marked("asyncio") is None or marked("allow_blocking"):
        yield
        return
    guard: BlockBuster = request.getfixturevalue("_guard")
    guard.activate()
    try:
        yield
    finally:
        guard.deactivate()


def _allow_where_it_harms_nobody(function: BlockBusterFunction) -> None:
    # starting: nobody is waiting yet
    function.can_block_in(".py", {"open_process", "open_database", "open_wing", "make_app"})
    # a traceback's source lines, for the log
    function.can_block_in("linecache.py", {"updatecache", "checkcache", "getlines"})
    function.can_block_in("traceback.py", {"format_exception", "print_exception"})
    # imports on first use
    function.can_block_in("<frozen importlib._bootstrap>", {"_find_and_load"})


def pytest_configure() -> None:
    # .venv/bin/pytest finds the programs that ./dev has fetched, too.
    fetched = (".run/bin", ".run/tools/usr/bin", ".run/tools/usr/sbin")
    os.environ["PATH"] = os.pathsep.join(
        (os.environ.get("PATH", ""), *(str(ROOT / place) for place in fetched))
    )
