"""A command done twice under one key has one effect and one answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from infra.action import MAX_KEY_CHARACTERS, check_key
from infra.mysql import idempotency
from infra.mysql.database import Database, Tx
from infra.process import now_ms
from market.kernel.actor import Actor, Call
from market.kernel.errors import Conflict, KeyRequired, KeyReused
from market.kernel.ids import Id
from tests.integration.conftest import call, new_id, someone


@dataclass(frozen=True, slots=True, kw_only=True)
class Add:
    counter: Id
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AddAlso:
    counter: Id
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    value: int
    counter: Id


READ = "SELECT created_ms FROM idempotency WHERE actor_id = %s AND idem_key = 'counter'"


async def counter(db: Database) -> Id:
    id_ = new_id()
    async with db.read() as cursor:
        await cursor.execute(
            "INSERT INTO idempotency VALUES (%s, 'counter', REPEAT('d', 32), NULL, 0)", id_
        )
    return id_


async def value(db: Database, id_: Id) -> int:
    async with db.read() as cursor:
        row = await cursor.one(READ, id_)
    assert row is not None
    return int(row[0])


async def add(db: Database, asked: Call, command: Add | AddAlso, *, lock_first: bool = True) -> Sum:
    async def body(tx: Tx) -> Sum:
        if lock_first:
            await tx.one(READ + " FOR UPDATE", command.counter)
        await tx.claim(asked, command)
        if command.amount < 0:
            raise Conflict("no")
        await tx.execute(
            "UPDATE idempotency SET created_ms = created_ms + %s WHERE actor_id = %s AND idem_key = 'counter'",
            command.amount, command.counter,
        )  # fmt: skip
        row = await tx.one(READ, command.counter)
        assert row is not None
        return Sum(value=row[0], counter=command.counter)

    return await db.act(asked.now_ms, body, Sum)


async def test_a_repetition_gives_the_first_answer(db: Database) -> None:
    id_, me = await counter(db), someone()
    first = await add(db, call(me, "k"), Add(counter=id_, amount=5))
    await add(db, call(me, "other"), Add(counter=id_, amount=100))
    again = await add(db, call(me, "k"), Add(counter=id_, amount=5))
    assert again == first == Sum(value=5, counter=id_)
    assert type(again.counter) is Id
    assert await value(db, id_) == 105


@pytest.mark.parametrize("other", ["another amount", "another command"])
async def test_the_key_belongs_to_one_command(db: Database, other: str) -> None:
    id_, me = await counter(db), someone()
    await add(db, call(me, "k"), Add(counter=id_, amount=5))
    command = (
        Add(counter=id_, amount=6) if other == "another amount" else AddAlso(counter=id_, amount=5)
    )
    with pytest.raises(KeyReused):
        await add(db, call(me, "k"), command)
    assert await value(db, id_) == 5


async def test_a_refusal_is_not_stored(db: Database) -> None:
    id_, me = await counter(db), someone()
    with pytest.raises(Conflict):
        await add(db, call(me, "k"), Add(counter=id_, amount=-1))
    assert await add(db, call(me, "k"), Add(counter=id_, amount=5)) == Sum(value=5, counter=id_)


@pytest.mark.parametrize("lock_first", [True, False])
async def test_many_at_once_under_one_key_have_one_effect(db: Database, lock_first: bool) -> None:
    id_, me = await counter(db), someone()
    answers = await asyncio.gather(
        *(
            add(db, call(me, "k"), Add(counter=id_, amount=5), lock_first=lock_first)
            for _ in range(8)
        )
    )
    assert answers == [Sum(value=5, counter=id_)] * 8
    assert await value(db, id_) == 5


async def test_keys_are_each_actors_own(db: Database) -> None:
    id_ = await counter(db)
    for n in (1, 2, 3):
        assert (await add(db, call(someone(), "k"), Add(counter=id_, amount=1))).value == n


async def test_keys_differ_by_case_and_by_every_character(db: Database) -> None:
    id_, me = await counter(db), someone()
    for n, key in enumerate(("k", "K", "k_", "k%", "k" * MAX_KEY_CHARACTERS), start=1):
        assert (await add(db, call(me, key), Add(counter=id_, amount=1))).value == n


async def test_without_a_key_every_call_counts(db: Database) -> None:
    id_ = await counter(db)
    asked = Call(actor=Actor(user_id=new_id(), role="user"), now_ms=now_ms())
    assert [(await add(db, asked, Add(counter=id_, amount=1))).value for _ in range(2)] == [1, 2]


async def test_keys_are_forgotten_after_seven_days(db: Database) -> None:
    id_, me = await counter(db), someone()
    long_ago = now_ms() - idempotency.KEPT_MS - 1
    await add(db, call(me, "old", at_ms=long_ago), Add(counter=id_, amount=1))
    await add(
        db,
        call(me, "new", at_ms=now_ms() - idempotency.KEPT_MS + 60_000),
        Add(counter=id_, amount=1),
    )
    async with db.read() as cursor:
        while await idempotency.forget(cursor, now_ms()):
            pass
        left = await cursor.all("SELECT idem_key FROM idempotency WHERE actor_id = %s", me.user_id)
    assert left == [("new",)]


@pytest.mark.parametrize("key", [None, "", "x" * 65, "é", "k ", " k", " ", "a\nb", "\x00"])
def test_what_is_no_key(key: str | None) -> None:
    check_key("x" * 64)
    with pytest.raises(KeyRequired):
        check_key(key)
