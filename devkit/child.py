"""One child process: started, stopped, killed and read by us, and never outliving us."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self


class ChildError(Exception):
    """A child did not start, or ended by itself; the message ends with the last lines of its log."""


@cache
def _spawner() -> ThreadPoolExecutor:
    # The kernel sends the death signal when the *thread* that forked ends, not the process: a child started from
    # asyncio.to_thread would die with that event loop. This one thread lives as long as the process.
    return ThreadPoolExecutor(1, "spawner")


class Child:
    """A program with a log file. All methods block, most for milliseconds; `start` waits until the child is ready.

    The child leads a session of its own, so that Ctrl-C in the terminal reaches us alone, and dies with us.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        log_file: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        ready: Callable[[], bool] = lambda: True,
        ready_timeout_s: float = 30.0,
    ) -> None:
        self.name = name
        self.argv = [str(part) for part in argv]
        self.log_file = log_file
        self.env = env
        self.cwd = cwd
        self.ready = ready
        self.ready_timeout_s = ready_timeout_s
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ChildError(f"{self.name} was never started")
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs or before its first start; negative: the signal that ended it."""
        return None if self._process is None else self._process.poll()

    def start(self, *, wait: bool = True) -> None:
        """Start it and, unless told otherwise, wait until it is ready. Does nothing when it is running."""
        if not self.alive:
            self.log_file.parent.mkdir(parents=True, exist_ok=True)
            self._process = _spawner().submit(self._spawn).result()
        if wait:
            self.wait_ready()

    def _spawn(self) -> subprocess.Popen[bytes]:
        argv = self.argv
        if setpriv := shutil.which("setpriv"):
            argv = [setpriv, "--pdeathsig", "KILL", "--", *argv]
        with self.log_file.open("ab") as log:
            return subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=None if self.env is None else dict(self.env),
                cwd=self.cwd,
                start_new_session=True,
            )

    def wait_ready(self, timeout_s: float | None = None) -> None:
        """Poll `ready` until it says yes; ChildError when the child ends first or takes too long."""
        limit_s = self.ready_timeout_s if timeout_s is None else timeout_s
        deadline = time.monotonic() + limit_s
        pause_s = 0.01
        while not (self.ready() and self.alive):
            if not self.alive:
                raise ChildError(
                    f"{self.name} ended with code {self.returncode} before it was ready\n{self.log_tail()}"
                )
            if time.monotonic() > deadline:
                raise ChildError(
                    f"{self.name} was not ready after {limit_s:g} s\n{self.log_tail()}"
                )
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.3, 0.1)

    def ask_to_stop(self) -> None:
        """SIGTERM, without waiting."""
        self._signal(signal.SIGTERM)

    def stop(self, timeout_s: float = 10.0) -> None:
        """SIGTERM, and SIGKILL for what is still there after `timeout_s`."""
        self.resume()
        self.ask_to_stop()
        self.wait(timeout_s)

    def wait(self, timeout_s: float) -> None:
        """Wait for its end, then SIGKILL whatever is left of its process group."""
        if self._process is None:
            return
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(10)

    def restart(self) -> None:
        self.stop()
        self.start()

    def pause(self) -> None:
        """SIGSTOP: it hangs, with its sockets open. Returns once it does."""
        self._signal(signal.SIGSTOP)
        deadline = time.monotonic() + 5
        while self.alive and not self._is_stopped() and time.monotonic() < deadline:
            time.sleep(0.002)

    def _is_stopped(self) -> bool:
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def log_tail(self, lines: int = 20) -> str:
        if not self.log_file.exists():
            return ""
        with self.log_file.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 16_384))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            try:
                os.killpg(self._process.pid, number)
            except ProcessLookupError:
                pass  # ended between the poll and the signal
