"""What the hot paths cost: microseconds of the serving process's CPU per frame out, frame in, command, publish and search.

Everything runs on this machine; the clients live in this process, the product in its own. CPU is read from /proc, so it
includes the kernel's part (system calls), and the idle baseline is subtracted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp

from devkit.client import MSGPACK, Person, Socket
from devkit.loop import CENTER, HOUR_MS, WHOLE_WEEK
from devkit.stack import Layout, Stack
from infra.mysql.outbox import Published
from infra.redis.client import connect
from infra.redis.publish import PushScript
from loadtest import bare_send
from loadtest.benches.opening import empty, parser_of, report, say
from loadtest.machine import Meter
from market.kernel.facts import CalendarChanged
from market.kernel.ids import Id
from market.kernel.topics import Push

LISTINGS = 120
WIDE = 300
PAYLOAD = {
    "listing_id": "118044755467986043",
    "live": True,
    "busy": [[1, 2]] * 20,
    "note": "x" * 200,
}


def main(arguments: Sequence[str]) -> int:
    options = parser_of("costs", __doc__).parse_args(arguments)
    limits = {
        "SHAREHUB_HUB_COMMANDS_PER_S": "100000", "SHAREHUB_HUB_COMMAND_BURST": "100000", "SHAREHUB_HUB_MAX_PER_USER": "1000",
    }  # fmt: skip
    with Stack(
        empty("costs"), layout=Layout(hubs=1), extra_env=limits, log_file_size="64M", say=say
    ) as stack:
        figures = asyncio.run(measure(stack))
    figures |= {f"bare_send_{how}_us": us for how, us in bare_send.measure().items()}
    return report(figures, options)


async def measure(stack: Stack) -> dict[str, Any]:
    hub, api = Meter(stack["hub-1"].pid), Meter(stack["api"].pid)
    figures: dict[str, Any] = {}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        people = [await _person(http, stack, f"bench-{n}") for n in range(8)]
        listings = [await _publish(people[0], n) for n in range(LISTINGS)]
        sockets = [await person.connect() for person in people[1:3]]
        for socket in sockets:
            await socket.watch(*(f"calendar:{listing}" for listing in listings))
        idle = await asyncio.to_thread(hub.learn_idle)
        await asyncio.to_thread(api.learn_idle, 1.0)
        figures["hub_idle_cpu_percent"] = round(idle * 100, 2)
        figures |= await _frames_out(stack, hub, sockets, listings)
        figures["frame_in_us"] = await _frames_in(hub, sockets[0])
        figures["command_us"] = await _commands(hub, sockets, listings)
        figures["search_us"] = await _searches(api, people[3])
        for socket in sockets:
            await socket.close()
        figures |= await _wide(http, stack, hub, people[4], listings[0])
    return figures


async def _frames_out(
    stack: Stack, hub: Meter, sockets: list[Socket], listings: list[str]
) -> dict[str, Any]:
    """Two subscribers a topic, 2,000 pushes a second, each published alone."""
    redis = connect(stack.servers.redis.url)
    script = PushScript(redis)
    count, rate = 10_000, 2_000
    before = [len(s.received) for s in sockets]
    hub.start()
    publishing_s = 0.0
    began = time.monotonic()
    for n in range(count):
        late = began + n / rate - time.monotonic()
        if late > 0:
            await asyncio.sleep(late)
        own = time.process_time()
        await script.send([_published(listings[n % len(listings)], 1000 + n)])
        publishing_s += time.process_time() - own
    # A state that was replaced before it was written is no frame.
    newest = 1000 + count - len(listings)
    await _until(
        lambda: all(
            (s.topics[f"calendar:{id_}"].version or 0) >= newest
            for s in sockets
            for id_ in listings
        )
    )
    received = [r for s, b in zip(sockets, before, strict=True) for r in s.received[b:]]
    cost = hub.us_per(len(received))
    lags = sorted(r.at_us - r.push["committed_us"] for r in received)
    await redis.aclose()
    return {
        "frame_out_us": round(cost, 1),
        "publish_us": round(publishing_s / count * 1e6, 1),
        "publish_to_receipt_p50_ms": round(lags[len(lags) // 2] / 1000, 2),
        "publish_to_receipt_p99_ms": round(lags[len(lags) * 99 // 100] / 1000, 2),
    }


async def _wide(
    http: aiohttp.ClientSession, stack: Stack, hub: Meter, person: Person, listing: str
) -> dict[str, Any]:
    """One topic that everybody watches."""
    rss = _rss_kb(stack["hub-1"].pid)
    sockets = await asyncio.gather(*(person.connect(MSGPACK) for _ in range(WIDE)))
    await asyncio.gather(*(socket.watch(f"calendar:{listing}") for socket in sockets))
    grown = _rss_kb(stack["hub-1"].pid) - rss
    redis = connect(stack.servers.redis.url)
    script = PushScript(redis)
    count = 100
    before = [len(socket.received) for socket in sockets]
    hub.start()
    for n in range(count):
        await script.send([_published(listing, 1_000_000 + n)])
        await asyncio.sleep(0.05)
    await _until(
        lambda: all(len(s.received) - b >= count for s, b in zip(sockets, before, strict=True))
    )
    cost = hub.us_per(count * WIDE)
    await redis.aclose()
    await asyncio.gather(*(socket.close() for socket in sockets))
    return {"frame_out_wide_us": round(cost, 1), "rss_kb_per_connection": round(grown / WIDE, 1)}


async def _frames_in(hub: Meter, socket: Socket) -> float:
    """`ping` frames, one a message, each answered by a `pong`."""
    count, pongs = 10_000, sum(frame["op"] == "pong" for frame in socket.frames)
    hub.start()
    for n in range(count):
        await socket._send([{"op": "ping"}])
        if n % 100 == 99:
            await asyncio.sleep(0.02)
    await _until(lambda: sum(frame["op"] == "pong" for frame in socket.frames) >= pongs + count)
    return round(hub.us_per(count), 1)


async def _commands(hub: Meter, sockets: list[Socket], listings: list[str]) -> float:
    """`orders.create`: decoding, the whole transaction, reply and pushes, all inside the hub."""
    start = int(time.time() * 1000) + HOUR_MS
    count = 400
    hub.start()
    for n in range(count):
        begin = start + (n // len(listings)) * HOUR_MS
        body = {
            "listing_id": listings[n % len(listings)],
            "start_ms": begin,
            "end_ms": begin + HOUR_MS,
        }
        await sockets[n % len(sockets)].command("orders.create", {**body, "terms_version": 1})
    return round(hub.us_per(count), 1)


async def _searches(api: Meter, person: Person) -> float:
    """Over REST, 5 km around the middle of all listings."""
    count = 300
    query = {"lat": CENTER[0], "lng": CENTER[1], "radius_m": 5000}
    api.start()
    for _ in range(count):
        await person.rest("GET", "/v1/listings", query=query)
    return round(api.us_per(count), 1)


def _published(listing: str, version: int) -> Published:
    push = Push(topic=f"calendar:{listing}", kind="state", version=version, payload=PAYLOAD)
    now_us = time.time_ns() // 1000
    return Published(
        Id(version), CalendarChanged.KIND, Id.parse(listing), version, now_us, b"", (push,), b""
    )


async def _person(http: aiohttp.ClientSession, stack: Stack, openid: str) -> Person:
    hubs = [hub.url for hub in stack.hubs]
    return await Person(
        http, api=stack.api_url, hubs=hubs, sandbox=stack.sandbox_url, openid=openid
    ).log_in()


async def _publish(person: Person, number: int) -> str:
    body = {
        "title": f"自行车 {number}", "category": "bicycles", "lat": CENTER[0] + number / 2000, "lng": CENTER[1],
        "plan": WHOLE_WEEK, "price_hour_fen": 500,
    }  # fmt: skip
    return str((await person.publish(body))["listing_id"])


async def _until(done: Any, patience_s: float = 30.0) -> None:
    deadline = time.monotonic() + patience_s
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError("the clients did not get everything")
        await asyncio.sleep(0.01)


def _rss_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])
