"""One side, measured: connect, rest, push, count.

Clients connect over one heartbeat, so that heartbeats are as even afterwards as they are in production; what a server
process uses at rest, with all clients connected, is then subtracted from what it uses at work.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devkit import ROOT, RUN
from loadtest.machine import Meter, cpu_s
from loadtest.peers.pace import last_versions
from loadtest.peers.side import Side
from loadtest.swarm import Plan, Swarm, Window, percentile

HEARTBEAT_S = 25.0
"""The default of all three."""
IDLE_S = 10.0
WARM_S = 6
PATIENCE_S = 30.0
FEW = 0.1
"""Memory is the slope between this share of the clients and all of them, idle: what a process has once is not counted."""

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    connections: int
    rate: int
    """Pushes per second to rooms of two."""
    seconds: int


@dataclass(slots=True)
class Phase:
    frames: int
    lost: int
    pushes: int
    cpu_s: float
    """Of the servers, net of idle."""
    redis_s: float
    busiest: float
    """CPU of the busier server process, in shares of a core."""
    lags_ms: list[float]
    per_s: float
    """Pushes a second that the emitter managed."""
    late_p99_ms: float


async def measure(side: Side, load: Load) -> Figures:
    """Of a side that has been started."""
    async with Swarm(side.dialect, connections=load.connections) as swarm:
        used_kb = await _connect(side, swarm, load)
        bench = _Bench(side, swarm, load)
        await bench.run(rate=load.rate, wide=True, seconds=WARM_S)
        await bench.rest()
        pairs = await bench.run(rate=load.rate, wide=False, seconds=load.seconds)
        wide = await bench.run(rate=0, wide=True, seconds=load.seconds)
        both = await bench.run(rate=load.rate, wide=True, seconds=load.seconds)
        counts = (await swarm.status()).counts
        used_kb.append(_memory_kb(side))
    figures = {"about": side.about, "versions": side.versions, **_summary(both)}
    slope = (used_kb[2] - used_kb[1]) / (load.connections - int(load.connections * FEW))
    figures["rss_kb_per_connection"] = round(slope, 1)
    figures["rss_mb"] = [round(kb / 1024, 1) for kb in used_kb]
    figures["pairs"], figures["wide"] = _summary(pairs), _summary(wide)
    figures["idle_cpu_percent"] = round(bench.idle * 100, 2)
    figures["trouble"] = {name: n for name, n in counts.items() if name != "ping"}
    return figures


async def _connect(side: Side, swarm: Swarm, load: Load) -> list[int]:
    """Connect all clients; KB of RSS with none, few and all of them."""
    plans = [_plan(side, n) for n in range(load.connections)]
    few = int(load.connections * FEW)
    per_s = load.connections / HEARTBEAT_S
    used_kb = [_memory_kb(side)]
    for some in (plans[:few], plans[few:]):
        await swarm.dial(some, per_s=per_s)
        await asyncio.sleep(len(some) / per_s)
        await swarm.all_live(timeout_s=PATIENCE_S)
        side.collect_garbage()
        await asyncio.sleep(2)
        used_kb.append(_memory_kb(side))
    return used_kb


def _memory_kb(side: Side) -> int:
    return sum(rss_kb(pid) for pid in side.server_pids)


def _plan(side: Side, client: int) -> Plan:
    """Two clients to a room. Of every two rooms one has both on the same server, as chance would have it."""
    room = client // 2
    server = client % 2 if room % 2 else room // 2 % 2
    return Plan(
        id=client, urls=side.urls, first_url=server, token=side.token(client),
        topics=(side.room(room), side.wide),
    )  # fmt: skip


class _Bench:
    def __init__(self, side: Side, swarm: Swarm, load: Load) -> None:
        self.idle = 0.0
        self._side, self._swarm, self._load = side, swarm, load
        self._pids = side.server_pids
        self._servers = [Meter(pid) for pid in self._pids]
        self._redis = Meter(side.redis.pid)
        self._version = 1_000

    async def rest(self) -> None:
        """Learn what everything uses when nothing is pushed."""
        meters = [*self._servers, self._redis]
        idle = await asyncio.gather(*(asyncio.to_thread(m.learn_idle, IDLE_S) for m in meters))
        self.idle = sum(idle[:-1])

    async def run(self, *, rate: int, wide: bool, seconds: int) -> Phase:
        plan = {
            "redis": self._side.redis.url, "rate": rate, "seconds": seconds, "version": self._version,
            "rooms": [self._side.room(n) for n in range(self._load.connections // 2)],
            "wide": self._side.wide if wide else None,
            "payload": json.loads((Path(__file__).parent / "order.json").read_text()),
        }  # fmt: skip
        last = last_versions(plan)
        await self._swarm.begin()
        before = [cpu_s(pid) for pid in self._pids]
        for meter in (*self._servers, self._redis):
            meter.start()
        report = await self._emit(plan)
        await self._all_have(last)
        used_s = [meter.us_per(1) / 1e6 for meter in (*self._servers, self._redis)]
        busiest = max(cpu_s(pid) - b for pid, b in zip(self._pids, before, strict=True)) / seconds
        windows = await self._swarm.end()
        self._version += report["pushes"]
        frames = sum(len(window.version) for window in windows)
        expected = rate * seconds * 2 + (seconds * self._load.connections if wide else 0)
        return Phase(
            frames, expected - frames, report["pushes"], sum(used_s[:-1]), used_s[-1], busiest,
            _lags_ms(windows), report["per_s"], report["late_p99_ms"],
        )  # fmt: skip

    async def _emit(self, plan: dict[str, Any]) -> dict[str, Any]:
        file = RUN / "bench-peers" / f"{self._side.name}-plan.json"
        file.write_text(json.dumps(plan))
        command, env = self._side.emitter(file)
        process = await asyncio.create_subprocess_exec(
            *map(str, command), env=dict(env), cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"the emitter of {self._side.name} ended with {process.returncode}")
        report: dict[str, Any] = json.loads(output)
        return report

    async def _all_have(self, last: dict[str, int]) -> None:
        """Wait until every client has the last version of each of its topics, or for as long as patience lasts."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while asyncio.get_running_loop().time() < deadline:
            clients = await self._swarm.versions()
            if all(
                (have or 0) >= last.get(topic, 0)
                for topics in clients.values()
                for topic, have in topics.items()
            ):
                return
            await asyncio.sleep(0.2)


def _lags_ms(windows: Sequence[Window]) -> list[float]:
    """From emitting to receipt, of every delivery."""
    return [
        (received - committed) / 1000
        for window in windows
        for received, committed in zip(window.received_us, window.committed_us, strict=True)
    ]


def _summary(phase: Phase) -> Figures:
    return {
        "cpu_us_per_frame": round(phase.cpu_s / max(phase.frames, 1) * 1e6, 1),
        "p50_ms": round(percentile(phase.lags_ms, 0.50), 2),
        "p99_ms": round(percentile(phase.lags_ms, 0.99), 2),
        "frames": phase.frames,
        "lost": phase.lost,
        "busiest_server_percent": round(phase.busiest * 100, 1),
        "redis_us_per_push": round(phase.redis_s / max(phase.pushes, 1) * 1e6, 1),
        "pushes_per_s": round(phase.per_s, 1),
        "emitter_late_p99_ms": round(phase.late_p99_ms, 2),
    }


def rss_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])
