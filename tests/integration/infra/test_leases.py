"""Courtesy holds on a real Redis."""

from __future__ import annotations

import asyncio
import secrets

import msgspec
import pytest

from infra.process import Process, now_ms
from infra.redis import keys
from infra.redis.client import connect
from infra.redis.leases import LONGEST_MS, LeaseBook, Leases
from market.kernel.errors import Held, HoldSpent, Unavailable
from market.kernel.ids import Id
from market.kernel.period import Period
from tests.integration.conftest import new_id

NOW = 1_790_000_000_000
TTL = 45_000
MORNING, NOON, EVENING = Period(100, 200), Period(150, 250), Period(200, 300)
ALICE, BOB = Id(2**62 + 1), Id(2**62 + 2)  # numbers that a double cannot tell apart


@pytest.fixture
def book(process: Process) -> LeaseBook:
    return LeaseBook(process.redis)


@pytest.fixture
def listing() -> Id:
    return new_id()


def held(leases: Leases) -> set[tuple[str, Id, Period, int]]:
    return {
        (lease.lease_id, lease.holder_id, lease.period, lease.until_ms) for lease in leases.leases
    }


async def take(
    book: LeaseBook, listing: Id, lease: str, who: Id, period: Period, at: int = NOW
) -> Leases:
    return await book.take(listing, lease, who, period, at, at + TTL)


async def test_taking_and_reading(book: LeaseBook, listing: Id) -> None:
    taken = await take(book, listing, "a", ALICE, MORNING)
    assert held(taken) == {("a", ALICE, MORNING, NOW + TTL)}
    assert taken.counter > 0
    assert await book.read(listing, NOW) == taken


async def test_an_overlap_is_refused_and_a_neighbour_is_not(book: LeaseBook, listing: Id) -> None:
    await take(book, listing, "a", ALICE, MORNING)
    with pytest.raises(Held):
        await take(book, listing, "b", BOB, NOON)
    both = await take(book, listing, "b", BOB, EVENING)
    assert {lease.lease_id for lease in both.leases} == {"a", "b"}


async def test_many_at_once_and_one_wins(book: LeaseBook, listing: Id) -> None:
    results = await asyncio.gather(
        *(take(book, listing, f"l{n}", Id(n), MORNING) for n in range(1, 21)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Leases) for result in results) == 1
    assert sum(isinstance(result, Held) for result in results) == 19


async def test_renewing_moves_the_end_and_counts(book: LeaseBook, listing: Id) -> None:
    first = await take(book, listing, "a", ALICE, MORNING)
    again = await take(book, listing, "a", ALICE, MORNING, NOW + 10_000)
    assert held(again) == {("a", ALICE, MORNING, NOW + 10_000 + TTL)}
    assert again.epoch == first.epoch
    assert again.counter > first.counter


async def test_one_hold_per_person_and_listing(book: LeaseBook, listing: Id) -> None:
    await take(book, listing, "a", ALICE, MORNING)
    assert held(await take(book, listing, "b", ALICE, NOON)) == {("b", ALICE, NOON, NOW + TTL)}
    assert held(await take(book, new_id(), "c", ALICE, NOON)) == {("c", ALICE, NOON, NOW + TTL)}
    assert len((await book.read(listing, NOW)).leases) == 1


async def test_it_ends_at_its_time_by_the_clock_given(book: LeaseBook, listing: Id) -> None:
    await take(book, listing, "a", ALICE, MORNING)
    assert len((await book.read(listing, NOW + TTL - 1)).leases) == 1
    with pytest.raises(Held):
        await take(book, listing, "b", BOB, NOON, NOW + TTL - 1)
    assert held(await take(book, listing, "b", BOB, NOON, NOW + TTL)) == {
        ("b", BOB, NOON, NOW + 2 * TTL)
    }


async def test_only_the_holder_releases(book: LeaseBook, listing: Id) -> None:
    await take(book, listing, "a", ALICE, MORNING)
    await book.release(listing, "a", BOB, NOW)
    taken = await book.read(listing, NOW)
    assert len(taken.leases) == 1
    await book.release(listing, "a", ALICE, NOW)
    given_back = await book.read(listing, NOW)
    assert given_back.leases == ()
    assert given_back.counter > taken.counter
    await book.release(listing, "a", ALICE, NOW)
    assert await book.read(listing, NOW) == given_back


async def test_releasing_in_the_background(book: LeaseBook, listing: Id) -> None:
    await take(book, listing, "a", ALICE, MORNING)
    book.release_soon(listing, "a", ALICE, NOW)
    async with asyncio.timeout(5):
        while (await book.read(listing, NOW)).leases:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_nobody_takes_over_anothers_lease_id(book: LeaseBook, listing: Id) -> None:
    await take(book, listing, "a", ALICE, MORNING)
    with pytest.raises(Held):
        await take(book, listing, "a", BOB, EVENING)
    assert held(await book.read(listing, NOW)) == {("a", ALICE, MORNING, NOW + TTL)}


@pytest.mark.parametrize("lease", ["epoch", "counter", "v", "0"])
async def test_no_lease_id_is_special(book: LeaseBook, listing: Id, lease: str) -> None:
    taken = await take(book, listing, lease, ALICE, MORNING)
    assert (
        held(await book.read(listing, NOW)) == held(taken) == {(lease, ALICE, MORNING, NOW + TTL)}
    )
    with pytest.raises(Held):
        await take(book, listing, "b", BOB, NOON)
    await book.release(listing, lease, ALICE, NOW)
    assert (await book.read(listing, NOW)).leases == ()


async def test_reading_what_nobody_ever_held_is_always_the_same_nothing(
    book: LeaseBook, listing: Id
) -> None:
    first, second = await book.read(listing, NOW), await book.read(listing, NOW)
    assert first == second == Leases(epoch="", counter=0, leases=())


async def test_after_redis_forgot_everything_a_new_epoch_begins(
    book: LeaseBook, listing: Id, process: Process
) -> None:
    before = await take(book, listing, "a", ALICE, MORNING)
    await process.redis.delete(keys.leases(listing))  # as FLUSHALL does to all
    await process.redis.script_flush()
    after = await take(book, listing, "b", BOB, NOON)
    assert held(after) == {("b", BOB, NOON, NOW + TTL)}
    assert after.epoch != before.epoch


async def test_all_who_watch_are_told_what_is_held_and_not_by_whom(
    book: LeaseBook, listing: Id, process: Process
) -> None:
    async with process.redis.pubsub() as pubsub:
        await pubsub.subscribe(keys.channel(f"hold:{listing}"))
        assert (await pubsub.get_message(timeout=5))["type"] == "subscribe"
        taken = await take(book, listing, "a", ALICE, MORNING)
        with pytest.raises(Held):
            await take(book, listing, "b", BOB, NOON)
        await book.read(listing, NOW)
        await book.release(listing, "a", ALICE, NOW)
        told = [
            msgspec.msgpack.decode((await pubsub.get_message(timeout=5))["data"]) for _ in range(2)
        ]
    lease = {"lease_id": "a", "start_ms": 100, "end_ms": 200, "until_ms": NOW + TTL}
    assert told[0][:4] == ["ephemeral", taken.counter, taken.epoch, NOW + TTL]
    assert told[0][5] == [lease]
    assert told[1][0::2][:2] == ["ephemeral", taken.epoch]
    assert told[1][1] > taken.counter
    assert told[1][3] == NOW
    assert not told[1][5]
    assert str(ALICE) not in repr(told)


async def test_holds_vanish_by_themselves(book: LeaseBook, listing: Id, process: Process) -> None:
    await take(book, listing, "a", ALICE, MORNING)
    assert 0 < await process.redis.pttl(keys.leases(listing)) <= TTL + 60_000


@pytest.mark.allow_blocking  # reads its script
async def test_without_redis_holds_are_unavailable() -> None:
    redis = connect("redis://127.0.0.1:1/0")
    book = LeaseBook(redis)
    with pytest.raises(Unavailable):
        await book.read(Id(1), NOW)
    await redis.aclose()


async def test_nobody_holds_for_ever(book: LeaseBook, listing: Id) -> None:
    """Renewed or taken anew: ten minutes in a row, and no more until a minute without, or until it is given back."""
    at = NOW
    while at < NOW + LONGEST_MS:
        mine = await take(book, listing, "a", ALICE, MORNING, at=at)
        assert mine.until_ms("a") == min(at + TTL, NOW + LONGEST_MS)
        at += TTL - 1
    at = NOW + LONGEST_MS
    for lease in ("a", "b"):
        with pytest.raises(HoldSpent):
            await take(book, listing, lease, ALICE, MORNING, at=at)
    await take(book, listing, "c", BOB, MORNING, at=at)
    await book.release(listing, "c", BOB, at)
    await take(book, listing, "a", ALICE, MORNING, at=at + 60_000)


async def test_who_gives_back_may_hold_again(book: LeaseBook, listing: Id) -> None:
    for n in range(3):
        at = NOW + n * (LONGEST_MS - 1)
        mine = await take(book, listing, "a", ALICE, MORNING, at=at)
        assert mine.until_ms("a") == at + TTL
        await book.release(listing, "a", ALICE, at)


# --- on the map -----------------------------------------------------------------------------------------------------------


async def shown(book: LeaseBook, cell: str, at: int) -> set[tuple[Id, int, int, int]]:
    holds = (await book.read_area(cell, at)).holds
    return {(h.listing_id, h.start_ms, h.end_ms, h.until_ms) for h in holds}


async def until_shown(
    book: LeaseBook, cell: str, at: int, expected: set[tuple[Id, int, int, int]]
) -> None:
    """Nobody waits for the map, so it may take a moment."""
    async with asyncio.timeout(5):
        while await shown(book, cell, at) != expected:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_holds_are_on_the_map_until_they_are_given_back_or_end(book: LeaseBook) -> None:
    cell = "".join(secrets.choice("0123456789") for _ in range(5))
    now = now_ms()
    one, two, elsewhere = new_id(), new_id(), new_id()
    for listing, lease in ((one, "a"), (two, "b")):
        await book.take(listing, lease, ALICE, MORNING, now, now + TTL, cell=cell)
    await book.take(one, "c", BOB, EVENING, now, now + TTL + 1000, cell=cell)
    await book.take(elsewhere, "d", BOB, EVENING, now, now + TTL)
    first, second = (one, 100, 200, now + TTL), (two, 100, 200, now + TTL)
    other = (one, 200, 300, now + TTL + 1000)
    await until_shown(book, cell, now, {first, second, other})
    before = await book.read_area(cell, now)
    await book.release(one, "a", ALICE, now)
    await until_shown(book, cell, now, {second, other})
    after = await book.read_area(cell, now)
    assert (after.epoch, after.counter > before.counter) == (before.epoch, True)
    book.release_soon(one, "c", BOB, now)
    await until_shown(book, cell, now, {second})
    assert await shown(book, cell, now + TTL - 1) == {second}
    assert await shown(book, cell, now + TTL) == set()


async def test_the_map_hears_of_every_change_and_of_nothing_old(
    book: LeaseBook, process: Process
) -> None:
    cell = "".join(secrets.choice("0123456789") for _ in range(5))
    now, listing = now_ms(), new_id()
    pubsub = process.redis.pubsub(ignore_subscribe_messages=True)
    await pubsub.subscribe(keys.channel(f"holds:{cell}"))

    async def heard() -> tuple[int, list[dict[str, object]]]:
        async with asyncio.timeout(5):
            while True:
                message = await pubsub.get_message(timeout=5)
                if message is not None:
                    kind, counter, *_, public = msgspec.msgpack.decode(message["data"])
                    assert kind == "ephemeral"
                    return counter, list(public)

    taken = await book.take(listing, "a", ALICE, MORNING, now, now + TTL, cell=cell)
    first, public = await heard()
    assert public == [
        {"listing_id": str(int(listing)), "start_ms": 100, "end_ms": 200, "until_ms": now + TTL}
    ]
    await book.release(listing, "a", ALICE, now)
    second, public = await heard()
    assert (public, second > first) == ([], True)
    await book._run_area(
        cell, now, listing, taken
    )  # what was taken, overtaken by what was given back
    assert await shown(book, cell, now) == set()
    await pubsub.aclose()  # type: ignore[no-untyped-call]
