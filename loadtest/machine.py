"""What a figure was measured on, and with how much CPU."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


def rss_kb(pid: int) -> int:
    """Resident memory of the process, KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


class Shares:
    """CPU of several processes over a stretch of time. `pids_of`: by name, one or more processes each."""

    def __init__(self, pids_of: Mapping[str, Sequence[int]]) -> None:
        self._pids_of = dict(pids_of)
        self._before = self._cpu_s()
        self._at_s = time.monotonic()

    def _cpu_s(self) -> dict[str, float]:
        return {name: sum(map(cpu_s, pids)) for name, pids in self._pids_of.items()}

    def since(self) -> Used:
        now = self._cpu_s()
        used = {name: now[name] - before for name, before in self._before.items()}
        return Used(time.monotonic() - self._at_s, used)


@dataclass(frozen=True, slots=True)
class Used:
    """`cpu_s` by name, over `wall_s`."""

    wall_s: float
    cpu_s: Mapping[str, float]

    def line(self) -> str:
        """Each one's share of one core, in percent."""
        shares = {name: 100 * used / self.wall_s for name, used in self.cpu_s.items()}
        parts = [f"{name} {share:.0f}" for name, share in shares.items()]
        return f"% of a core: {', '.join(parts)}; all {sum(shares.values()):.0f}"
