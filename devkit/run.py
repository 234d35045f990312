"""./dev run: the whole product on this machine, until Ctrl-C."""

from __future__ import annotations

import argparse
import fcntl
import importlib
import importlib.util
import json
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from devkit import ROOT, RUN
from devkit.child import ChildError
from devkit.node import NodeError
from devkit.phone import Phones, config_of
from devkit.stack import Layout, Stack
from devkit.stage import stage_of

PORT_BASE = 8080
"""The api is here; hubs follow from +1, the sandbox is at +10, the workers' metrics at +11, the phones at +12."""


ADDRESSES = "addresses.json"


class AlreadyRuns(Exception):
    """Another ./dev run holds this checkout's run directory."""


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    if not 1 <= options.hubs <= 9:
        print("./dev run: --hubs is a number from 1 to 9", file=sys.stderr)
        return 2
    try:
        lock = take_lock(RUN / "dev.lock")
    except AlreadyRuns:
        print(
            "./dev run: it already runs from this checkout; stop that one first (Ctrl-C there).",
            file=sys.stderr,
        )
        return 1
    directory = RUN / "dev"
    with lock:
        if options.fresh:
            shutil.rmtree(directory, ignore_errors=True)
        ports = preferred_ports(options.port_base, options.hubs)
        stack = Stack(
            directory,
            layout=Layout(
                hubs=options.hubs, sandbox_faults=options.faults, replica=options.replica
            ),
            ports=ports,
            log_file_size="64M",
            say=_say,
        )
        phones: list[Phones] = []
        try:
            with stop_on_signals():
                return _run(stack, phones, seed=not options.no_seed, port=ports["phone"])
        except ChildError as error:
            print(f"./dev run: {error}\n(logs: {stack.logs})", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 0
        finally:
            _say("stopping")
            for phone in phones:
                phone.stop(3)
            stack.stop()
            _say("stopped")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev run", description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="start from empty databases")
    parser.add_argument(
        "--hubs", type=int, default=2, metavar="N", help="hub processes (default 2)"
    )
    parser.add_argument(
        "--port-base",
        type=int,
        default=PORT_BASE,
        metavar="N",
        help="api at N, hubs from N+1, sandbox at N+10, workers at N+11, phones at N+12; a taken port is replaced by a free one"
        f" (default {PORT_BASE})",
    )
    parser.add_argument(
        "--faults",
        type=float,
        default=0.05,
        metavar="SHARE",
        help="share of calls that the WeChat sandbox spoils on purpose (default 0.05)",
    )
    parser.add_argument(
        "--replica",
        action="store_true",
        help="give MariaDB a replica, which answers reads that may be stale",
    )
    parser.add_argument("--no-seed", action="store_true", help="leave out the demo data")
    return parser


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """The first SIGINT, SIGTERM or SIGHUP raises KeyboardInterrupt in the block; later ones, also those after the block,
    change nothing, so that a second Ctrl-C cannot interrupt the stopping."""
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if not asked:
            asked = True
            raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask)
    try:
        yield
    finally:
        asked = True


def take_lock(file: Path) -> IO[str]:
    """Held until the file is closed or the process ends."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = file.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise AlreadyRuns from None
    return lock


def running_addresses() -> dict[str, str] | None:
    """Process name -> URL of the ./dev run that is up in this checkout, if one is."""
    try:
        take_lock(RUN / "dev.lock").close()
    except AlreadyRuns:
        file = RUN / "dev" / ADDRESSES
        return dict(json.loads(file.read_text())) if file.exists() else None
    return None


def preferred_ports(base: int, hubs: int) -> dict[str, int]:
    return {
        "api": base,
        **{f"hub-{n}": base + n for n in range(1, hubs + 1)},
        "sandbox": base + 10,
        "workers": base + 11,
        "phone": base + 12,
    }


def _run(stack: Stack, phones: list[Phones], *, seed: bool, port: int) -> int:
    began = time.monotonic()
    stack.start()
    people: tuple[dict[str, str], ...] = ()
    if seed and importlib.util.find_spec("devkit.seed"):
        before = time.monotonic()
        data = importlib.import_module("devkit.seed")
        data.seed(stack)
        people = data.PEOPLE
        importlib.import_module("devkit.history").happen(stack)
        _say(f"demo data: ready ({time.monotonic() - before:.1f} s)")
    url = _start_phones(stack, phones, people, port)
    addresses = stack.addresses() | ({"phone": url} if url else {})
    (stack.directory / ADDRESSES).write_text(json.dumps(addresses, indent=2))
    _say(f"everything is up after {time.monotonic() - began:.1f} s")
    print(welcome(stack, url), flush=True)
    while not (ended := [*stack.ended(), *(one for one in phones if one.returncode is not None)]):
        time.sleep(0.3)
    for child in ended:
        print(
            f"./dev run: {child.name} ended with code {child.returncode}; the end of {child.log_file}:\n"
            f"{child.log_tail()}",
            file=sys.stderr,
        )
    return 1


def _start_phones(
    stack: Stack, phones: list[Phones], people: Sequence[dict[str, str]], port: int
) -> str | None:
    """Where they are. Without node, or when the mini-program does not build, the rest runs all the same."""
    before = time.monotonic()
    try:
        config = config_of(stack) | stage_of(stack, people)
        phone = Phones(stack.directory, config=config, port=port)
        phone.start()
    except (NodeError, ChildError) as error:
        _say(f"no phones: {error}")
        return None
    phones.append(phone)
    _say(f"two phones: ready ({time.monotonic() - before:.1f} s)")
    return phone.url


def welcome(stack: Stack, phone_url: str | None = None) -> str:
    api = stack.api_url
    lines = [
        "",
        *(
            [f"  OPEN THIS  {phone_url}          two phones with the mini-program", ""]
            if phone_url
            else []
        ),
        f"  api        {api}          OpenAPI: {api}/openapi.json   to read: {api}/",
        *(f"  hub        {url}" for url in stack.hub_urls),
        f"  sandbox    {stack.sandbox_url}",
        f"  metrics    {'  '.join(f'{process.url}/metrics' for process in stack.product)}",
        f"  logs       {stack.logs.relative_to(ROOT) if stack.logs.is_relative_to(ROOT) else stack.logs}",
        "",
        "Three things to try:",
        f"  1. rent something: {phone_url}" if phone_url else f"  1. read the REST API: {api}/",
        "  2. search around People's Square in Shanghai:\n"
        f"     curl -s '{api}/v1/listings?lat=31.2304&lng=121.4737&radius_m=3000'",
        "  3. walk a whole order through it, in another terminal: ./dev demo",
        "",
        # the code is what wx.login would give
        "Log in as anybody (the openid `operator` is one):\n"
        f'  CODE=$(curl -s {stack.sandbox_url}/sandbox/login-code -d \'{{"openid": "alice"}}\' | cut -d\'"\' -f4)\n'
        f'  curl -s {api}/v1/login -H \'Content-Type: application/json\' -d "{{\\"code\\": \\"$CODE\\"}}"',
        "",
        "Ctrl-C stops everything that was started here; the data stays (./dev run --fresh begins anew).",
        "",
    ]
    return "\n".join(lines)


def _say(line: str) -> None:
    print(f"== {line}", flush=True)
