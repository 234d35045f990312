"""What letters are written of: chat, money, what lies ahead, and what no longer does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from infra.process import now_ms
from market.kernel.actor import Actor
from market.kernel.facts import (  # fmt: skip
    MessageSent,
    PaymentSettled,
)
from market.kernel.ids import Id
from market.kernel.period import HOUR_MS
from market.notices import views
from market.notices.rules import letters as rules
from tests.integration.conftest import new_id
from tests.integration.notices.village import Village, moved
from workers import reminders


def line(conversation: Id, seq: int, sender: Actor, recipient: Actor, **more: Any) -> MessageSent:
    data = MessageSent(
        conversation_id=conversation, seq=seq, sender_id=sender.user_id, recipient_id=recipient.user_id,
        message_kind="text",
    )  # fmt: skip
    return replace(data, **more)


async def test_many_lines_bring_one_message_in_a_while(village: Village) -> None:
    sender, reader, conversation = await village.person("老王"), await village.person(), new_id()
    await village.allow(reader, "chat", times=5)
    for seq in range(1, 6):
        await village.hear("chat.message_sent", line(conversation, seq, sender, reader))
    await village.work()
    (message,) = await village.sent(reader)
    assert message["rows"][0]["value"] == "老王"
    assert message["page"] == f"deal/chat/chat?id={conversation}"
    await village.hear("chat.message_sent", line(new_id(), 1, sender, reader))
    await village.work()
    assert len(await village.sent(reader)) == 2  # another conversation
    village.begun_ms += rules.CHAT_PAUSE_MS + 1
    await village.hear("chat.message_sent", line(conversation, 6, sender, reader))
    await village.work()
    assert len(await village.sent(reader)) == 3
    assert await village.remaining(reader, "chat") == 2


async def test_a_line_that_was_read_at_once_brings_none(village: Village) -> None:
    sender, reader, conversation = await village.person(), await village.person(), new_id()
    await village.allow(reader, "chat")
    await village.hear("chat.message_sent", line(conversation, 1, sender, reader))
    read = line(conversation, 2, reader, sender, message_kind="read", up_to=1)
    await village.hear("chat.message_sent", read)
    await village.work()
    assert await village.sent(reader) == []
    assert await village.remaining(reader, "chat") == 1


async def test_income_is_told_with_its_sum(village: Village) -> None:
    owner = await village.person()
    await village.allow(owner, "money")
    settled = PaymentSettled(
        order_id=new_id(), payment_id=new_id(), owner_id=owner.user_id, owner_fen=1234, fee_fen=0
    )
    await village.hear("payment.settled", settled)
    await village.work()
    (message,) = await village.sent(owner)
    assert message["rows"][0]["value"] == "12.34元"


async def remind(village: Village, at_ms: int) -> None:
    await asyncio.gather(*(reminders.run_once(village.notices, at_ms) for _ in range(3)))


async def kinds(village: Village, who: Actor) -> list[str]:
    inbox = await views.inbox.perform(village.notices, who, now_ms(), None, {})
    return [entry.kind for entry in inbox.entries]


async def test_both_are_reminded_once_of_what_is_ahead(village: Village) -> None:
    buyer, owner = await village.person(), await village.person()
    for who in (buyer, owner):
        await village.allow(who, "reminder", times=2)
    order = moved(buyer, owner)
    await village.hear("order.ready", order)
    await remind(village, order.start_ms - HOUR_MS - 1)
    assert await kinds(village, buyer) == ["order.ready"]
    await remind(village, order.start_ms - HOUR_MS)
    used = replace(order, state="in_use", by="owner", version=3)
    await village.hear("order.in_use", used)
    longer = replace(used, end_ms=used.end_ms + 4 * HOUR_MS, transition="extend_pay", version=4)
    await village.hear("order.extension", longer)
    await remind(village, used.end_ms - HOUR_MS)  # it ends later now
    await remind(village, longer.end_ms - HOUR_MS)
    for who in (buyer, owner):
        heard = await kinds(village, who)
        assert [kind for kind in heard if kind in ("order.starting", "order.ending")] == [
            "order.starting",
            "order.ending",
        ]
    village.begun_ms = (
        order.start_ms - HOUR_MS
    )  # when the first was written; the second waits for its own time
    await village.work()
    assert len(await village.sent(buyer)) == len(await village.sent(owner)) == 1


async def test_an_order_from_before_is_reminded_of_and_told_of_no_more(village: Village) -> None:
    buyer, owner = await village.person(), await village.person()
    order = moved(buyer, owner)
    for _ in range(2):
        await village.hear("order.retold", order)
    await remind(village, order.start_ms - HOUR_MS)
    assert await kinds(village, owner) == await kinds(village, buyer) == ["order.starting"]


async def test_an_order_that_is_off_is_not_reminded_of(village: Village) -> None:
    buyer, owner = await village.person(), await village.person()
    order = moved(buyer, owner)
    await village.hear("order.ready", order)
    await village.hear("order.cancelled", replace(order, state="cancelled", by="buyer", version=3))
    await remind(village, order.start_ms)
    assert await kinds(village, owner) == ["order.ready", "order.cancelled"]


async def test_who_is_forgotten_gets_nothing_and_leaves_nothing(village: Village) -> None:
    buyer, owner = await village.person(), await village.person()
    await village.allow(owner, "booking", times=2)
    await village.hear("order.ready", moved(buyer, owner))
    gone = village.known(owner, 2, forgotten=True, nickname="已注销用户", openid="forgotten:1")
    await village.hear("user.changed", gone)
    await village.hear("user.changed", village.known(owner, 1))  # an older one comes late
    await village.work()
    assert await village.sent(owner) == []
    async with village.notices.db.read() as cursor:
        known = await cursor.all(
            "SELECT openid, nickname FROM people WHERE user_id = %s", owner.user_id
        )
        left = await cursor.all(
            "SELECT 1 FROM permits WHERE user_id = %s UNION ALL SELECT 1 FROM letters WHERE user_id = %s",
            owner.user_id, owner.user_id,
        )  # fmt: skip
    assert known == [("", "已注销用户")]
    assert left == []


async def test_what_has_ended_is_forgotten_after_a_day(village: Village) -> None:
    buyer, owner = await village.person(), await village.person()
    await village.allow(owner, "booking")
    await village.hear("order.ready", moved(buyer, owner))
    await village.work()
    await village.work(25 * HOUR_MS)
    async with village.notices.db.read() as cursor:
        rows = await cursor.all("SELECT 1 FROM letters WHERE user_id = %s", owner.user_id)
    assert rows == []
    assert len(await village.sent(owner)) == 1
