"""An inbox forgets what is old, from its beginning; what is left has no gaps, and the badges agree with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.mysql.database import Tx
from infra.process import Process, now_ms
from market.kernel.actor import Actor
from market.kernel.facts import FactData, Heard
from market.kernel.period import DAY_MS
from market.kernel.topics import Want
from market.notices import views
from market.notices.handlers import HANDLERS
from market.notices.wing import Notices, open_wing
from tests.integration.conftest import new_id, someone
from tests.integration.notices.test_notices import credit, inbox_of, line, mark, pushed
from workers import old_notices

NOW_MS = now_ms()
OLD_MS = NOW_MS - 91 * DAY_MS


@pytest.fixture
async def notices(process: Process) -> Notices:
    return replace(await open_wing(process), kept_ms=90 * DAY_MS)


async def told(notices: Notices, at_ms: int, *facts: tuple[str, FactData]) -> None:
    async def body(tx: Tx) -> None:
        for kind, data in facts:
            fact = Heard(
                fact_id=new_id(), kind=kind, entity=new_id(), version=1, occurred_ms=at_ms, data=data
            )  # fmt: skip
            await HANDLERS[kind](notices, tx, fact)

    await notices.db.act(at_ms, body, type(None))


async def prune(notices: Notices) -> int:
    rounds = 0
    while await old_notices.run_once(notices, NOW_MS):
        rounds += 1
    return rounds


async def snapshot(notices: Notices, user: Actor, have: int | None) -> list[int]:
    (found,) = await views.snapshot(
        notices, [Want(topic=f"user:{user.user_id}", have=have)], NOW_MS
    )
    assert not found.more
    return [entry.version for entry in found.entries]


async def test_what_is_old_and_read_goes_and_nobody_is_told(notices: Notices) -> None:
    me, other = someone(), someone()
    await told(notices, OLD_MS, *[credit(me)] * 700, credit(other))
    await mark(notices, me, 700)  # number 701
    await told(notices, NOW_MS, credit(me), credit(me))
    await told(notices, NOW_MS, credit(other))
    said = len(await pushed(notices, me))
    assert await prune(notices) > 1  # in batches
    inbox = await inbox_of(notices, me, limit=200)
    assert [entry.seq for entry in inbox.entries] == [701, 702, 703]
    assert (inbox.more, inbox.last_seq, inbox.unread) == (False, 703, 2)
    assert len(await pushed(notices, me)) == said
    for have in (None, 0, 5, 699):
        assert await snapshot(notices, me, have) == [701, 702, 703]
    assert await snapshot(notices, me, 702) == [703]
    assert (await inbox_of(notices, me, before=701)).entries == ()
    assert [e.seq for e in (await inbox_of(notices, me, after=0)).entries] == [701, 702, 703]
    assert await prune(notices) == 0


async def test_what_nobody_has_read_counts_as_read_on_all_devices(notices: Notices) -> None:
    me, conversation = someone(), new_id()
    await told(notices, OLD_MS, credit(me), line(conversation, 1, someone(), me))
    assert (await inbox_of(notices, me)).unread_chats == 1
    await prune(notices)
    inbox = await inbox_of(notices, me)
    assert [(e.seq, e.kind, e.up_to) for e in inbox.entries] == [(3, "read", 2)]
    assert (inbox.unread, inbox.unread_chats) == (0, 0)
    last = (await pushed(notices, me))[-1]
    assert (last["seq"], last["unread"], last["unread_chats"]) == (3, 0, 0)
    await told(notices, NOW_MS, line(conversation, 2, someone(), me))
    inbox = await inbox_of(notices, me)
    assert [e.seq for e in inbox.entries] == [3, 4]
    assert (inbox.unread, inbox.unread_chats) == (1, 1)


async def test_an_inbox_of_which_nothing_is_left_goes_on_counting(notices: Notices) -> None:
    me = someone()
    await told(notices, OLD_MS, credit(me))
    await mark(notices, me, 1)
    async with notices.db.read() as cursor:  # the mark was made in the same old days
        await cursor.execute("UPDATE entries SET at_ms = %s WHERE user_id = %s", OLD_MS, me.user_id)
    await prune(notices)
    inbox = await inbox_of(notices, me)
    assert (inbox.entries, inbox.last_seq, inbox.unread, inbox.more) == ((), 2, 0, False)
    assert await snapshot(notices, me, None) == []
    await told(notices, NOW_MS, credit(me))
    assert await snapshot(notices, me, None) == [3]
