"""An object that lives in a process of its own, called over a pipe, one call at a time."""

from __future__ import annotations

import asyncio
import gc
import inspect
import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any

import uvloop


class Remote:
    """`make` is called in the new process, within its loop; its public methods are what can be called. It must be importable
    there: a class, a function, or a functools.partial of one."""

    def __init__(self, make: Callable[[], object]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_main, args=(theirs, make), daemon=True)
        self._process.start()
        theirs.close()
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    async def call(self, name: str, *arguments: Any) -> Any:
        """What the method returns (awaited there, if it is a coroutine), or its exception raised here."""
        async with self._turn:
            answer = await asyncio.to_thread(self._exchange, name, arguments)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _exchange(self, name: str, arguments: tuple[Any, ...]) -> Any:
        self._pipe.send((name, arguments))
        return self._pipe.recv()

    async def stop(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()  # closing thousands of sockets one by one helps nobody
        await asyncio.to_thread(self._process.join)
        self._pipe.close()


def _main(pipe: Connection, make: Callable[[], object]) -> None:
    gc.set_threshold(50_000, 20, 100)
    uvloop.run(_serve(pipe, make))


async def _serve(pipe: Connection, make: Callable[[], object]) -> None:
    target = make()
    loop = asyncio.get_running_loop()
    running: set[asyncio.Task[None]] = set()

    async def answer(name: str, arguments: tuple[Any, ...]) -> None:
        try:
            result = getattr(target, name)(*arguments)
            if inspect.isawaitable(result):
                result = await result
        except Exception as error:
            result = error
        await asyncio.to_thread(pipe.send, result)

    def begin(name: str, arguments: tuple[Any, ...]) -> None:
        task = loop.create_task(answer(name, arguments))
        running.add(task)
        task.add_done_callback(running.discard)

    def listen() -> None:
        try:
            while True:
                loop.call_soon_threadsafe(begin, *pipe.recv())
        except (EOFError, OSError):
            os._exit(0)  # the driver is gone

    # A thread, because uvloop makes what it watches non-blocking, which a Connection cannot bear.
    Thread(target=listen, daemon=True).start()
    await asyncio.Event().wait()
