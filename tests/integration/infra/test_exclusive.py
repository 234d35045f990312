"""One holder at a time, for as long as it lives."""

from __future__ import annotations

import asyncio

import pymysql.err
import pytest

from infra.mysql.database import Database
from infra.mysql.exclusive import Exclusive
from infra.process import Process
from tests.integration.conftest import new_id


@pytest.fixture
def name() -> str:
    return f"test.{new_id()}"


async def taken(one: Exclusive) -> None:
    """MySQL may need a moment to see that a connection has gone."""
    async with asyncio.timeout(5):
        while await one.cursor() is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_one_holds_it_and_the_others_are_told_at_once(db: Database, name: str) -> None:
    many = [Exclusive(db, name) for _ in range(5)]
    cursors = await asyncio.gather(*(one.cursor() for one in many))
    holders = [one for one, cursor in zip(many, cursors, strict=True) if cursor is not None]
    assert len(holders) == 1
    held = await holders[0].cursor()
    assert held is await holders[0].cursor()  # and keeps it
    for one in many:
        await one.let_go()


async def test_who_lets_go_lets_another_in(db: Database, name: str) -> None:
    one, other = Exclusive(db, name), Exclusive(db, name)
    assert await one.cursor() is not None
    assert await other.cursor() is None
    await one.let_go()
    await one.let_go()  # once more harms nobody
    await taken(other)
    assert await one.cursor() is None
    await other.let_go()


async def test_it_is_free_when_the_holders_connection_dies(db: Database, name: str) -> None:
    one, other = Exclusive(db, name), Exclusive(db, name)
    cursor = await one.cursor()
    assert cursor is not None
    row = await cursor.one("SELECT CONNECTION_ID()")
    assert row is not None
    async with db.read() as killer:
        await killer.execute(f"KILL {row[0]}")
    await taken(other)
    with pytest.raises(pymysql.err.MySQLError):
        await cursor.one("SELECT 1")
    await one.let_go()
    assert await one.cursor() is None
    await other.let_go()


async def test_another_name_is_another_lock(db: Database, name: str) -> None:
    one, other = Exclusive(db, name), Exclusive(db, f"{name}x")
    assert await one.cursor() is not None
    assert await other.cursor() is not None
    await one.let_go()
    await other.let_go()


async def test_letting_go_gives_the_pool_its_place_back(
    process: Process, db: Database, name: str
) -> None:
    for _ in range(30):  # more than the pool has
        one = Exclusive(db, name)
        await taken(one)
        await one.let_go()
    await db.ping()
