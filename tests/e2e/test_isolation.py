"""Every service as its own process: each is stopped in turn, and the rest goes on."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from api.app import SERVICES
from devkit.loop import CENTER, HOUR_MS, WHOLE_WEEK, Loop, leased, moved, notice, on
from devkit.stack import ServingProcess
from hub.commands import COMMANDS
from tests.e2e.isolation_house import House, Stop, Target, eventually, open_house, stops
from tests.e2e.isolation_lanes import (
    RAW,
    ROUTES,
    HubSocket,
    Prober,
    build_world,
    person,
    two_parties,
)
from tests.e2e.isolation_probes import ASKS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SHARE = 0.95


@pytest.fixture(scope="module")
def house(workplace: Path) -> Iterator[House]:
    """All services apart. Every test gives back what it takes away."""
    with open_house(workplace / "apart") as house:
        yield house


def test_every_endpoint_and_every_command_has_a_question() -> None:
    assert set(ROUTES) == {*ASKS, *RAW}
    assert set(COMMANDS) <= set(ASKS)


async def test_the_others_answer_while_one_is_stopped_and_all_recover(house: House) -> None:
    """The share of (endpoint or command, stopped service) pairs that answer, of those that do not belong to the stopped one."""
    stack = house.stack
    async with aiohttp.ClientSession() as http, two_parties(http, stack) as (owner, buyer):
        prober = Prober(stack, http, await build_world(http, stack, owner, buyer))
        await eventually("all is well before", lambda: _wrong(prober))

        table = Table()
        for stop in stops(house):
            await _stop(house, prober, stop, table)

        print(table)
        (stack.logs / "isolation.json").write_text(json.dumps(table.summary(), indent=1))
        assert table.share >= SHARE, f"{table.share:.1%} answered; not these: {table.failures}"

        # The same sockets as before the first stop.
        loop = Loop(1, owner, buyer)
        assert await loop.walk(), loop.steps[-1]
        assert not await _wrong(prober)
        await eventually("every fact has arrived", house.facts_under_way)
        assert stack.ended() == []


async def _stop(house: House, prober: Prober, stop: Stop, table: Table) -> None:
    before = house.pids()
    try:
        for phase in stop.phases:
            await phase.take()
            others = [target for target in prober.targets if not phase.owns(target)]
            asked = await prober.ask_all(others)
            table.add(phase.name, len(prober.targets), asked)
            own = await prober.ask_all(filter(phase.owns, prober.targets))
            assert all(own.values()), f"left out for nothing: {own}"
    finally:
        await stop.give_back()
    began = time.monotonic()
    await eventually(f"all answer after {stop.name}", lambda: _wrong(prober))
    table.recovered[stop.name] = time.monotonic() - began
    after = house.pids()
    assert {name for name in after if after[name] != before[name]} <= set(stop.processes)
    assert house.stack.ended() == []


async def _wrong(prober: Prober) -> dict[str, str]:
    answers = await prober.ask_all()
    return {str(target): answer for target, answer in answers.items() if answer}


class Table:
    """What was asked and what answered, per phase."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, int, int, int]] = []
        self.failures: list[str] = []
        self.recovered: dict[str, float] = {}

    def add(self, phase: str, targets: int, asked: dict[Target, str]) -> None:
        answered = sum(not wrong for wrong in asked.values())
        self.rows.append((phase, targets - len(asked), len(asked), answered))
        self.failures += [f"{t} while {phase}: {wrong}" for t, wrong in asked.items() if wrong]

    @property
    def share(self) -> float:
        return sum(row[3] for row in self.rows) / sum(row[2] for row in self.rows)

    def summary(self) -> dict[str, Any]:
        return {
            "share": self.share, "pairs": sum(row[2] for row in self.rows),
            "answered": sum(row[3] for row in self.rows),
            "stops": [dict(zip(("stopped", "own", "asked", "answered"), row, strict=True)) for row in self.rows],
            "failures": self.failures, "recovered_s": self.recovered,
        }  # fmt: skip

    def __str__(self) -> str:
        lines = [f"{'stopped':28} {'its own':>8} {'asked':>6} {'answered':>9}"]
        lines += [f"{name:28} {own:8} {asked:6} {ok:9}" for name, own, asked, ok in self.rows]
        lines += self.failures
        pairs, answered = sum(row[2] for row in self.rows), sum(row[3] for row in self.rows)
        slowest = max(self.recovered.items(), key=lambda item: item[1])
        lines.append(f"{answered} of {pairs} pairs answer: {self.share:.2%}")
        lines.append(f"slowest to be well again: {slowest[0]} ({slowest[1]:.1f} s after its start)")
        return "\n".join(lines)


@pytest.fixture
async def without_payments(house: House) -> AsyncIterator[House]:
    """Its api, its workers, its account and its database server, for the relay too, are away."""
    await house.kill(*house.mine("payments"))
    await house.lock("payments")
    await house.sever("payments")
    yield house
    await house.give_back("payments")


async def test_without_payments_everything_but_paying_goes_on(without_payments: House) -> None:
    """Two people of whom payments has never heard find each other and talk; when it comes back, their order gets paid."""
    house, stack = without_payments, without_payments.stack
    before = house.pids()
    async with aiohttp.ClientSession() as http, two_parties(http, stack) as (owner, buyer):

        async def both_see(matches: Any) -> None:
            for one in (owner, buyer):
                await one.sees(matches(one))

        async def say(sender: Any, text: str) -> None:
            line = {"conversation_id": order_id, "kind": "text", "text": text}
            await sender.socket.command("chat.send", line)
            await both_see(on(f"chat:{order_id}", lambda push: text in str(push["payload"])))

        owner.person.onboards = False  # nobody is there to ask
        listing = await owner.person.publish(
            {"title": f"帐篷 {owner.person.id}", "category": "outdoor", "lat": CENTER[0], "lng": CENTER[1],
             "plan": WHOLE_WEEK, "price_hour_fen": 1000, "deposit_fen": 20_000},
        )  # fmt: skip
        listing_id = listing["listing_id"]
        query = {"lat": CENTER[0], "lng": CENTER[1], "text": listing["title"]}
        found = await buyer.person.rest("GET", "/v1/listings", query=query)
        assert [hit["listing"]["listing_id"] for hit in found["hits"]] == [listing_id]
        for one in (owner, buyer):
            await one.socket.watch(
                f"listing:{listing_id}", f"calendar:{listing_id}", f"hold:{listing_id}"
            )

        start_ms = int(time.time() * 1000)
        period = {"listing_id": listing_id, "start_ms": start_ms, "end_ms": start_ms + HOUR_MS}
        hold = await buyer.socket.command("orders.hold", period)
        await both_see(on(f"hold:{listing_id}", lambda push: leased(push, hold["lease_id"])))
        order = await buyer.socket.command(
            "orders.create",
            {**period, "terms_version": listing["terms_version"], "lease_id": hold["lease_id"]},
        )
        order_id = order["order_id"]
        busy = [start_ms, start_ms + HOUR_MS]
        await both_see(on(f"calendar:{listing_id}", lambda push: busy in push["payload"]["busy"]))
        await both_see(notice("order.pending_payment", order_id))
        await owner.socket.watch(f"order:{order_id}:owner", f"chat:{order_id}")
        await buyer.socket.watch(f"order:{order_id}:buyer", f"chat:{order_id}")
        await say(buyer, "现在能付款吗")
        await say(owner, "稍等，马上就好")

        with pytest.raises(aiohttp.ClientConnectorError):
            await buyer.person.rest(
                "POST", "/v1/payments/prepay", {"order_id": order_id}, retry=False
            )
        for hub in stack.hubs:
            async with HubSocket(http, f"{hub.url}/ws", buyer.person.token) as socket:
                refused = await socket.command("payments.prepay", {"order_id": order_id}, "k1")
            assert refused["error"]["code"] == "unavailable"
            assert refused["error"]["retryable"]

        await house.give_back("payments")
        await owner.person.onboard()
        prepay = await buyer.socket.command("payments.prepay", {"order_id": order_id})
        await buyer.person.pay(prepay["params"]["package"].removeprefix("prepay_id="))
        await both_see(moved(order_id, "ready"))
        await both_see(notice("order.ready", order_id))
        await say(owner, "收到付款了")

        loop = Loop(2, owner, buyer)
        assert await loop.walk(), loop.steps[-1]
        await eventually("every fact has arrived", house.facts_under_way)
    after, mine = house.pids(), {process.name for process in house.mine("payments")}
    assert {name for name in after if after[name] != before[name]} == mine
    assert stack.ended() == []


async def test_readiness_tells_the_truth(house: House) -> None:
    """A hub that hears nothing, and a service without its database, say so; nobody else does, and nobody ends."""
    stack = house.stack
    apis = [house.api(service) for service in SERVICES]
    workers = [p for name, p in stack.processes.items() if name.startswith("workers")]
    blind = house.api("ratings")
    before = house.pids()
    assert await _unready([*stack.hubs, *apis, *workers]) == {}
    async with aiohttp.ClientSession() as http:
        asker = await person(http, stack)
        await house.lock("ratings")
        await house.kill(stack.servers.redis)
        killed_s = time.monotonic()
        try:

            async def hopeful() -> list[str]:
                unready = await _unready([*stack.hubs, blind])
                return [p.name for p in (*stack.hubs, blind) if p.name not in unready]

            await eventually("all that lack something say so", hopeful, 8)
            assert time.monotonic() - killed_s > 2, (
                "a blink of Redis' is no reason to send a hub's clients away"
            )
            unready = await _unready([*stack.hubs, *apis, *workers])
            assert set(unready) == {*(hub.name for hub in stack.hubs), blind.name}
            assert all(list(unready[hub.name]) == ["redis"] for hub in stack.hubs)
            assert "ratings" in unready[blind.name]["databases"]
            for process in (*stack.hubs, *apis, *workers):
                assert await asyncio.to_thread(process.get, "/healthz") == (
                    200,
                    b'{"status": "ok"}',
                )
            for hub in stack.hubs:  # not ready for more, and there for those who come
                async with HubSocket(http, f"{hub.url}/ws", asker.token) as socket:
                    reply = await socket.command("notices.mark_read", {"up_to": 1}, "k")
                    assert reply["error"]["code"] == "invalid"  # there is no such entry yet
                    rating = {"punctuality": 5, "condition": 5, "communication": 5, "order_id": "1"}
                    reply = await socket.command("ratings.rate", rating, "k")
                    assert reply["error"]["code"] == "unavailable"
        finally:
            await house.unlock("ratings")
            await house.start(stack.servers.redis)

    async def unready_still() -> dict[str, Any]:
        return await _unready([*stack.hubs, *apis, *workers])

    await eventually("all are ready again", unready_still)
    assert house.pids() == before
    assert stack.ended() == []


async def _unready(processes: list[ServingProcess]) -> dict[str, dict[str, str]]:
    """Name -> its reasons, of those that are not ready."""
    answers = await asyncio.gather(*(asyncio.to_thread(p.get, "/readyz") for p in processes))
    return {
        process.name: json.loads(body)["reasons"]
        for process, (status, body) in zip(processes, answers, strict=True)
        if status == 503
    }
