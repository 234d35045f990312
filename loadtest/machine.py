"""What a figure was measured on, and with how much CPU."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def describe() -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return (
        f"{os.cpu_count()} x {model}, {pages / 2**30:.0f} GiB, Python {platform.python_version()}"
    )


def cpu_s(pid: int) -> float:
    """User and system seconds that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


class Meter:
    """CPU of one process over a stretch of work, net of what it uses when idle."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._idle_per_s = 0.0
        self._cpu_s = 0.0
        self._at_s = 0.0

    def learn_idle(self, seconds: float = 3.0) -> float:
        """Idle CPU in seconds per second."""
        before = cpu_s(self._pid)
        time.sleep(seconds)
        self._idle_per_s = (cpu_s(self._pid) - before) / seconds
        return self._idle_per_s

    def start(self) -> None:
        self._cpu_s, self._at_s = cpu_s(self._pid), time.monotonic()

    def us_per(self, things: int) -> float:
        """Microseconds of CPU for each of `things` since `start`, net of idle."""
        used = cpu_s(self._pid) - self._cpu_s
        return (used - self._idle_per_s * (time.monotonic() - self._at_s)) / max(things, 1) * 1e6
