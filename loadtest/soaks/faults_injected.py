"""The faults of `faults`, one after another: what dies, hangs or forgets, for how long, and when it is over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from devkit.child import Child
from devkit.ports import free_port
from devkit.servers import Redis
from devkit.stack import Stack

REDIS_AWAY_S = 2.0
REDIS_HANGS_S = 4.0
"""Longer than a hub's patience with a silent subscription."""
MYSQL_AWAY_S = 10.0
RELAY_AWAY_S = 3.0
DRAINED_S = 60.0
RELAY = "workers-relay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`inject` returns the moment of its end, in seconds of `time.monotonic`: from then on clients are on their way back."""

    name: str
    inject: Callable[[Stack], Awaitable[float]]
    lasts_s: float
    """About: for so long at least there is traffic."""
    moves_clients: bool = False


async def _kill_hub(stack: Stack) -> float:
    hub = stack.hubs[0]
    await asyncio.to_thread(hub.kill)
    over_s = time.monotonic()
    await asyncio.to_thread(hub.start)
    return over_s


async def _drain_hubs(stack: Stack) -> float:
    for hub in stack.hubs:
        await asyncio.to_thread(hub.stop, DRAINED_S)
        if hub.returncode != 0:
            raise RuntimeError(f"{hub.name} ended with {hub.returncode}\n{hub.log_tail()}")
        await asyncio.to_thread(hub.start)
    return time.monotonic()


async def _away(child: Child, end: Callable[[], None], seconds: float) -> float:
    await asyncio.to_thread(end)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(child.resume)
    await asyncio.to_thread(child.start)
    return time.monotonic()


async def _kill_redis(stack: Stack) -> float:
    redis = stack.servers.redis
    return await _away(redis, redis.kill, REDIS_AWAY_S)


async def _hang_redis(stack: Stack) -> float:
    await _ask_redis(stack, "DEBUG", "SLEEP", f"{REDIS_HANGS_S:g}")
    return time.monotonic()


async def _hang_up(stack: Stack) -> float:
    await _ask_redis(stack, "CLIENT", "KILL", "TYPE", "pubsub")
    return time.monotonic()


async def _flush(stack: Stack) -> float:
    await _ask_redis(stack, "FLUSHALL")
    return time.monotonic()


async def _ask_redis(stack: Stack, *command: str) -> None:
    answer = await asyncio.to_thread(stack.servers.redis.command, *command)
    if answer[:1] not in (b"+", b":"):
        raise RuntimeError(f"{command}: {answer.decode()}")


async def _promote(stack: Stack) -> float:
    """The replica lacks what the primary published in its last two seconds."""
    servers = stack.servers
    replica = Redis(servers.directory / "redis-replica", port=free_port())
    await asyncio.to_thread(replica.start)
    await asyncio.to_thread(replica.follow, servers.redis)
    await asyncio.to_thread(replica.detach)
    await asyncio.sleep(REDIS_AWAY_S)
    await asyncio.to_thread(servers.redis.kill)
    await asyncio.sleep(REDIS_AWAY_S)
    await asyncio.to_thread(servers.promote, replica)
    return time.monotonic()


async def _kill_relay(stack: Stack) -> float:
    relay = stack[RELAY]
    return await _away(relay, relay.kill, RELAY_AWAY_S)


async def _stop_mysql(stack: Stack) -> float:
    mariadb = stack.servers.mariadb
    return await _away(mariadb, mariadb.stop, MYSQL_AWAY_S)


async def _hang_mysql(stack: Stack) -> float:
    mariadb = stack.servers.mariadb
    return await _away(mariadb, mariadb.pause, MYSQL_AWAY_S)


FAULTS = (
    Fault(name="redis-killed", inject=_kill_redis, lasts_s=REDIS_AWAY_S),
    Fault(name="redis-hangs-up", inject=_hang_up, lasts_s=0),
    Fault(name="redis-hangs", inject=_hang_redis, lasts_s=REDIS_HANGS_S),
    Fault(name="redis-flushed", inject=_flush, lasts_s=0),
    Fault(name="redis-goes-back", inject=_promote, lasts_s=2 * REDIS_AWAY_S),
    Fault(name="relay-killed", inject=_kill_relay, lasts_s=RELAY_AWAY_S),
    Fault(name="mysql-stopped", inject=_stop_mysql, lasts_s=MYSQL_AWAY_S),
    Fault(name="mysql-hangs", inject=_hang_mysql, lasts_s=MYSQL_AWAY_S),
    Fault(name="hub-killed", inject=_kill_hub, lasts_s=2, moves_clients=True),
    Fault(name="hubs-drained", inject=_drain_hubs, lasts_s=20, moves_clients=True),
)
