"""Inboxes on a real database."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from infra import wire
from infra.mysql.database import Tx
from infra.process import Process, now_ms
from market.kernel.actor import ANONYMOUS, Actor
from market.kernel.errors import BadInput, Unauthenticated
from market.kernel.facts import (
    CreditChanged,
    FactData,
    Heard,
    MessageSent,
    OrderMoved,
    RatingsRevealed,
)
from market.kernel.ids import Id
from market.kernel.topics import Want
from market.notices import actions, views
from market.notices.handlers import HANDLERS
from market.notices.wing import Notices, open_wing
from tests.integration.conftest import call, new_id, someone


@pytest.fixture
async def notices(process: Process) -> Notices:
    return await open_wing(process)


async def hear(notices: Notices, *facts: tuple[str, FactData]) -> None:
    """All in one transaction, as the consumer hands them over in batches."""

    async def body(tx: Tx) -> None:
        for kind, data in facts:
            heard = Heard(
                fact_id=new_id(),
                kind=kind,
                entity=new_id(),
                version=1,
                occurred_ms=now_ms(),
                data=data,
            )
            await HANDLERS[kind](notices, tx, heard)

    await notices.db.act(now_ms(), body, type(None))


def credit(user: Actor, stars: int = 450) -> tuple[str, FactData]:
    data = CreditChanged(user_id=user.user_id, version=1, credit_centistars=stars, ratings=1)
    return "credit.changed", data


def line(conversation: Id, seq: int, sender: Actor, recipient: Actor) -> tuple[str, FactData]:
    return "chat.message_sent", MessageSent(
        conversation_id=conversation, seq=seq, sender_id=sender.user_id, recipient_id=recipient.user_id,
        message_kind="text",
    )  # fmt: skip


def chat_mark(
    conversation: Id, seq: int, reader: Actor, other: Actor, up_to: int
) -> tuple[str, FactData]:
    return "chat.message_sent", MessageSent(
        conversation_id=conversation, seq=seq, sender_id=reader.user_id, recipient_id=other.user_id,
        message_kind="read", up_to=up_to,
    )  # fmt: skip


def revealed(buyer: Actor, owner: Actor) -> tuple[str, FactData]:
    return "ratings.revealed", RatingsRevealed(
        order_id=new_id(), listing_id=new_id(), buyer_id=buyer.user_id, owner_id=owner.user_id
    )


async def inbox_of(notices: Notices, user: Actor, **query: int) -> views.InboxView:
    return await views.inbox.perform(notices, user, now_ms(), None, query)


async def mark(notices: Notices, user: Actor, up_to: int) -> actions.Unread:
    asked = call(user)
    return await actions.mark_read.perform(notices, user, asked.now_ms, asked.key, {"up_to": up_to})


async def pushed(notices: Notices, user: Actor) -> list[dict[str, Any]]:
    """The payloads that went to the user's topic, oldest first."""
    async with notices.db.read() as cursor:
        rows = await cursor.all(
            "SELECT version, pushes FROM outbox WHERE kind = 'notice.added' AND entity = %s ORDER BY seq",
            user.user_id,
        )
    payloads = []
    for version, raw in rows:
        (push,) = wire.from_msgpack(bytes(raw), list[Any])
        assert (push["topic"], push["kind"], push["version"]) == (
            f"user:{user.user_id}",
            "log",
            version,
        )
        payloads.append(push["payload"])
    return payloads


async def test_an_orders_turn_reaches_both_parties(notices: Notices) -> None:
    buyer, owner, order_id = someone(), someone(), new_id()
    moved = OrderMoved(
        order_id=order_id, version=2, transition="pay", state="ready", by="payments", listing_id=new_id(),
        buyer_id=buyer.user_id, owner_id=owner.user_id, title="电钻", start_ms=now_ms(), end_ms=now_ms() + 1,
        rent_fen=1000, deposit_fen=0, fee_fen=0, total_fen=1000, refund_fen=0,
        refund_deposit_fen=0, owner_fen=0, tells=("buyer", "owner"), pay_by_ms=now_ms(),
    )  # fmt: skip
    await hear(notices, ("order.ready", moved))
    for user, title in ((buyer, "支付成功"), (owner, "订单已支付")):
        inbox = await inbox_of(notices, user)
        (entry,) = inbox.entries
        assert (entry.seq, entry.kind, entry.title, entry.read) == (1, "order.ready", title, False)
        assert entry.link.order_id == order_id
        assert (inbox.unread, inbox.last_seq) == (1, 1)
        assert await pushed(notices, user) == [wire.plain(entry)]
    assert (await inbox_of(notices, someone())).entries == ()


async def test_numbers_have_no_gaps_when_facts_come_all_at_once(notices: Notices) -> None:
    a, b = someone(), someone()
    pairs = [(a, b) if n % 2 else (b, a) for n in range(30)]
    await asyncio.gather(*(hear(notices, revealed(*pair)) for pair in pairs))
    for user in (a, b):
        inbox = await inbox_of(notices, user)
        assert [e.seq for e in inbox.entries] == list(range(1, 31))
        assert [e.unread for e in inbox.entries] == list(range(1, 31))
        assert inbox.unread == 30
        assert [p["seq"] for p in await pushed(notices, user)] == list(range(1, 31))


async def test_marks_are_entries_that_all_devices_see(notices: Notices) -> None:
    user = someone()
    await hear(notices, *(credit(user) for _ in range(5)))
    assert (await mark(notices, user, 3)).unread == 2
    assert (await mark(notices, user, 2)).unread == 2
    assert (await mark(notices, user, 3)).unread == 2
    inbox = await inbox_of(notices, user)
    assert (inbox.last_seq, inbox.read_up_to, inbox.unread) == (6, 3, 2)
    assert [e.read for e in inbox.entries] == [True, True, True, False, False, True]
    last = (await pushed(notices, user))[-1]
    assert (last["kind"], last["up_to"], last["unread"]) == ("read", 3, 2)
    await hear(notices, credit(user))
    assert (await inbox_of(notices, user)).unread == 3
    assert (await mark(notices, user, 7)).unread == 0
    assert (await mark(notices, user, 8)).unread == 0  # a mark on a mark says nothing new
    assert (await inbox_of(notices, user)).last_seq == 8


async def test_one_cannot_mark_what_is_not_there_or_without_a_name(notices: Notices) -> None:
    user = someone()
    await hear(notices, credit(user))
    for wrong in (2, 0, -1):
        with pytest.raises(BadInput):
            await mark(notices, user, wrong)
    with pytest.raises(BadInput):
        await mark(notices, someone(), 1)
    with pytest.raises(Unauthenticated):
        await mark(notices, ANONYMOUS, 1)
    assert (await inbox_of(notices, user)).unread == 1


async def test_a_lively_chat_is_one_notice_until_it_is_read(notices: Notices) -> None:
    me, other, chat, another = someone(), someone(), new_id(), new_id()
    await hear(
        notices, *(line(chat, n, other, me) for n in range(1, 20)), line(another, 1, other, me)
    )
    inbox = await inbox_of(notices, me)
    assert [(e.kind, e.link.conversation_id) for e in inbox.entries] == [
        ("chat.message", chat),
        ("chat.message", another),
    ]
    assert (inbox.unread, inbox.unread_chats) == (2, 2)
    assert len(await pushed(notices, me)) == 2
    await mark(notices, me, 1)
    await hear(notices, line(chat, 20, other, me))
    inbox = await inbox_of(notices, me)
    assert [e.kind for e in inbox.entries] == [
        "chat.message",
        "chat.message",
        "read",
        "chat.message",
    ]
    assert (inbox.unread, inbox.unread_chats) == (2, 2)
    assert (await inbox_of(notices, other)).entries == ()


async def test_reading_the_chat_reads_its_notice_and_no_other(notices: Notices) -> None:
    me, other, chat = someone(), someone(), new_id()
    await hear(notices, credit(me), line(chat, 1, other, me), line(chat, 2, other, me), credit(me))
    await hear(notices, chat_mark(chat, 3, me, other, up_to=1))
    assert (await inbox_of(notices, me)).unread == 3  # line 2 has not been read
    await hear(notices, line(chat, 4, other, me), chat_mark(chat, 5, me, other, up_to=4))
    inbox = await inbox_of(notices, me)
    assert [e.read for e in inbox.entries] == [False, True, False, True]
    last = inbox.entries[-1]
    assert (last.kind, last.up_to, last.link.conversation_id) == ("chat_read", 2, chat)
    assert (inbox.unread, inbox.unread_chats) == (2, 0)
    await hear(notices, chat_mark(chat, 6, me, other, up_to=4))
    assert (await inbox_of(notices, me)).last_seq == 4
    await hear(notices, line(chat, 7, other, me))
    assert (await inbox_of(notices, me)).unread_chats == 1


async def test_pages_in_both_directions(notices: Notices) -> None:
    user = someone()
    await hear(notices, *(credit(user) for _ in range(7)))

    async def seqs(**query: int) -> tuple[list[int], bool]:
        page = await inbox_of(notices, user, **query)
        return [e.seq for e in page.entries], page.more

    assert await seqs(limit=3) == ([5, 6, 7], True)
    assert await seqs(limit=3, before=5) == ([2, 3, 4], True)
    assert await seqs(limit=3, before=2) == ([1], False)
    assert await seqs(limit=3, after=0) == ([1, 2, 3], True)
    assert await seqs(limit=3, after=4) == ([5, 6, 7], False)
    for bad in (
        {"limit": 0},
        {"limit": 201},
        {"before": 0},
        {"after": -1},
        {"before": 2, "after": 1},
    ):
        with pytest.raises(BadInput):
            await seqs(**bad)


async def test_snapshots_resume_where_the_asker_stands(notices: Notices) -> None:
    user, newcomer = someone(), someone()
    await hear(notices, *(credit(user) for _ in range(260)))

    async def entries(have: int | None) -> tuple[list[int], bool]:
        wants = [Want(topic=f"user:{user.user_id}", have=have)]
        (one,) = await views.snapshot(notices, wants, now_ms())
        assert (one.kind, one.version) == ("log", 260)
        return [e.version for e in one.entries], one.more

    assert await entries(None) == (list(range(211, 261)), False)
    assert await entries(10) == (list(range(11, 211)), True)
    assert await entries(210) == (list(range(211, 261)), False)
    assert await entries(260) == ([], False)
    topics = [f"user:{user.user_id}", f"user:{newcomer.user_id}", "user:", "user:x", "chat:1"]
    found = await views.snapshot(notices, [Want(topic=topic) for topic in topics], now_ms())
    assert {s.topic: s.version for s in found} == {topics[0]: 260, topics[1]: 0}
    for one, own in zip(found, (user, newcomer), strict=True):
        assert one.readers.admit(own)
        assert not one.readers.admit(someone("operator"))
    in_view = (await inbox_of(notices, user)).entries
    assert tuple(e.payload for e in found[0].entries) == in_view
