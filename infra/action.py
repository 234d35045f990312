"""Operations of a wing as the processes see them: a name, what it takes, what it gives.

`@action` marks a command (one transaction, under an idempotency key); `@view` marks a read. The hub's and the api's tables
are made of these, so both ask in the same words.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar, get_type_hints

import structlog
from prometheus_client import Counter, Histogram

from infra import wire
from market.kernel.actor import Actor, Call, require_user
from market.kernel.errors import KeyRequired, MarketError

W = TypeVar("W")
C = TypeVar("C")
R = TypeVar("R")

log = structlog.get_logger("action")

COMMAND_SECONDS = Histogram(
    "sharehub_command_seconds",
    "Time to answer a command, by name and code (ok, or the error's code).",
    ["name", "code"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
CRASHES = Counter("sharehub_unexpected_errors_total", "Errors that are nobody's refusal.", ["name"])

MAX_KEY_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Operation(Generic[W, C, R]):
    """`wing` is the name of the wing whose object `run` takes first."""

    name: str
    takes: type[C]
    gives: type[R]
    run: Callable[[W, Call, C], Awaitable[R]]
    keyed: bool
    public: bool
    doc: str

    @property
    def wing(self) -> str:
        return self.name.partition(".")[0]

    async def __call__(self, wing: W, call: Call, command: C) -> R:
        return await self.run(wing, call, command)

    async def perform(
        self,
        wing: W,
        actor: Actor,
        now_ms: int,
        key: str | None,
        body: object,
        *,
        strings: bool = False,
    ) -> R:
        """Decode, run to the end whatever happens to the asker, measure. Raise MarketError and nothing else."""
        started = time.perf_counter()
        code = "ok"
        try:
            if not self.public:
                require_user(actor)
            command = wire.command(body, self.takes, strings=strings)
            if self.keyed:
                check_key(key)
            call = Call(actor=actor, now_ms=now_ms, key=key)
            # A begun command outlives its socket: the answer may be lost, half an action may not happen.
            task = asyncio.ensure_future(self.run(wing, call, command))
            _running.add(task)
            task.add_done_callback(_running.discard)
            return await asyncio.shield(task)
        except MarketError as refusal:
            code = refusal.code
            raise
        except asyncio.CancelledError:
            code = "abandoned"
            raise
        except Exception as error:
            code = "internal"
            CRASHES.labels(self.name).inc()
            log.exception("unexpected error", operation=self.name)
            raise MarketError("internal error") from error
        finally:
            _seconds(self.name, code).observe(time.perf_counter() - started)


_seconds = cache(COMMAND_SECONDS.labels)
_running: set[asyncio.Future[Any]] = set()


async def finish_running(timeout_s: float) -> int:
    """Wait for the commands that have begun; the number still running after `timeout_s`."""
    if not _running:
        return 0
    _, pending = await asyncio.wait(set(_running), timeout=timeout_s)
    return len(pending)


def check_key(key: str | None) -> None:
    if not key:
        raise KeyRequired("give an idempotency key")
    if (
        len(key) > MAX_KEY_CHARACTERS
        or not key.isascii()
        or not key.isprintable()
        or key != key.strip()  # to MySQL "k " is "k"
    ):
        raise KeyRequired(
            f"an idempotency key has 1 to {MAX_KEY_CHARACTERS} printable ASCII characters, no space at its ends"
        )


AnyOperation = Operation[Any, Any, Any]
_Function = Callable[[W, Call, C], Awaitable[R]]


def _operation(
    name: str, function: _Function[W, C, R], keyed: bool, public: bool
) -> Operation[W, C, R]:
    hints = get_type_hints(function)
    parameters = list(hints.values())
    return Operation(
        name=name, takes=parameters[2], gives=hints["return"], run=function, keyed=keyed, public=public,
        doc=(function.__doc__ or "").strip(),
    )  # fmt: skip


def action(
    name: str, *, keyed: bool = True, public: bool = False
) -> Callable[[_Function[W, C, R]], Operation[W, C, R]]:
    """A command. `keyed=False` only where the command is idempotent by itself."""
    return lambda function: _operation(name, function, keyed, public)


def view(name: str, *, public: bool = False) -> Callable[[_Function[W, C, R]], Operation[W, C, R]]:
    """A read."""
    return lambda function: _operation(name, function, False, public)


def table(*operations: AnyOperation) -> dict[str, AnyOperation]:
    return {operation.name: operation for operation in operations}
