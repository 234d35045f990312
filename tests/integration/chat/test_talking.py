"""Conversations on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from infra import wire
from infra.objects import open_store
from infra.process import Process, now_ms
from market.chat import actions, views
from market.chat.rules.wording import PRESETS
from market.chat.wing import Chat
from market.kernel.actor import ANONYMOUS
from market.kernel.errors import (
    BadInput,
    Forbidden,
    KeyRequired,
    KeyReused,
    NotFound,
    NotYet,
    Unauthenticated,
)
from tests.integration.chat.talks import Talk, hear, listed, order_of, outbox
from tests.integration.conftest import call, new_id, someone

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 50


async def test_both_parties_talk_and_see_the_same(talk: Talk) -> None:
    await talk.say(talk.buyer, "还在吗?")
    await talk.say(talk.owner, "在的")
    await talk.ask(
        actions.send,
        talk.buyer,
        {"conversation_id": str(talk.id), "kind": "preset", "preset": "on_my_way"},
    )
    seen = [await talk.log(who) for who in (talk.buyer, talk.owner, someone("operator"))]
    assert seen[0] == seen[1] == seen[2]
    assert [(m.seq, m.kind, m.text) for m in seen[0].messages] == [
        (1, "text", "还在吗?"),
        (2, "text", "在的"),
        (3, "preset", PRESETS["on_my_way"]),
    ]
    assert (await talk.verdict()).ok


async def test_an_approved_request_opens_no_second_conversation(talk: Talk) -> None:
    approved = replace(
        order_of(talk.id, talk.buyer, talk.owner), version=2, transition="approve", by="owner"
    )
    await hear(talk.chat, "order.pending_payment", talk.id, 2, approved)
    await talk.say(talk.buyer, "谢谢")
    assert (await talk.verdict()).ok


async def test_strangers_cannot_tell_it_from_none(talk: Talk) -> None:
    stranger = someone()
    nowhere = Talk(talk.chat, new_id(), talk.buyer, talk.owner)
    await talk.say(talk.buyer, "hi")
    for place, who in ((talk, stranger), (nowhere, talk.buyer), (nowhere, someone("operator"))):
        for attempt in (
            place.say(who, "x"),
            place.read(who, 1),
            place.log(who),
            place.verdict(who),
        ):
            with pytest.raises(NotFound):
                await attempt
    with pytest.raises(NotFound):
        await talk.say(someone("operator"), "operators read, and do not take part")
    assert (await talk.mine(stranger)).conversations == ()
    with pytest.raises(Unauthenticated):
        await talk.say(ANONYMOUS, "x")


async def test_the_log_is_pushed_to_the_parties_topic(talk: Talk) -> None:
    await talk.say(talk.buyer, "还在吗?")
    await talk.read(talk.owner, 1)
    said, mark = await outbox(talk.chat, talk.id)
    kind, version, data, (push,) = said
    assert (kind, version) == ("chat.message_sent", 1)
    assert (data["sender_id"], data["recipient_id"]) == (
        str(talk.buyer.user_id),
        str(talk.owner.user_id),
    )
    assert "text" not in data
    assert (push["topic"], push["kind"], push["version"]) == (f"chat:{talk.id}", "log", 1)
    assert push["payload"]["text"] == "还在吗?"
    assert (mark[1], mark[2]["message_kind"], mark[2]["up_to"]) == (2, "read", 1)
    assert mark[3][0]["payload"]["up_to"] == 1


async def test_what_is_pushed_is_what_is_read(talk: Talk) -> None:
    await talk.say(talk.buyer, "hi")
    await talk.read(talk.owner, 1)
    pushed = [pushes[0]["payload"] for _, _, _, pushes in await outbox(talk.chat, talk.id)]
    assert pushed == list(wire.plain((await talk.log(talk.buyer)).messages))


async def test_numbers_have_no_gaps_when_many_talk_at_once(talk: Talk) -> None:
    await asyncio.gather(
        *(talk.say((talk.buyer, talk.owner)[n % 2], f"line {n}") for n in range(40))
    )
    log = await talk.log(talk.buyer, limit=200)
    assert [m.seq for m in log.messages] == list(range(1, 41))
    assert {m.text for m in log.messages} == {f"line {n}" for n in range(40)}
    assert (await talk.verdict()).ok
    assert sorted(v for _, v, _, _ in await outbox(talk.chat, talk.id)) == list(range(1, 41))


async def test_one_key_says_one_line(talk: Talk) -> None:
    answers = await asyncio.gather(*(talk.say(talk.buyer, "once", "key") for _ in range(10)))
    assert len(set(answers)) == 1
    assert (await talk.log(talk.buyer)).last_seq == 1
    with pytest.raises(KeyReused):
        await talk.say(talk.buyer, "another", "key")
    body = {"conversation_id": str(talk.id), "kind": "text", "text": "a"}
    with pytest.raises(KeyRequired):
        await actions.send.perform(talk.chat, talk.buyer, now_ms(), None, body)


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "text", "text": "x" * 2001},
        {"kind": "text"},
        {"kind": "shout", "text": "x"},
        {"kind": "read", "text": "x"},
        {"kind": "preset", "preset": "unknown"},
        {"kind": "text", "text": 5},
        {"kind": "text", "text": "x", "preset": "ok"},
    ],
)
async def test_malformed_lines_are_refused(talk: Talk, body: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        await talk.ask(actions.send, talk.buyer, {"conversation_id": str(talk.id), **body})
    assert (await talk.log(talk.buyer)).last_seq == 0


async def test_the_longest_line_fits(talk: Talk) -> None:
    await talk.say(talk.buyer, "\N{GRINNING FACE}" * 2000)
    assert (await talk.log(talk.owner)).messages[0].text == "\N{GRINNING FACE}" * 2000


async def test_read_marks_are_entries_and_never_go_back(talk: Talk) -> None:
    for n in range(3):
        await talk.say(talk.buyer, f"{n}")
    assert (await talk.mine(talk.owner)).conversations[0].unread == 3
    await talk.read(talk.owner, 2)
    await talk.read(talk.owner, 1)
    await talk.read(talk.owner, 2)
    log = await talk.log(talk.buyer)
    assert [(m.seq, m.kind, m.up_to, m.sender_id) for m in log.messages[3:]] == [
        (4, "read", 2, talk.owner.user_id)
    ]
    mine = (await talk.mine(talk.owner)).conversations[0]
    assert (mine.unread, mine.read_up_to) == (1, 2)
    assert (await talk.mine(talk.buyer)).conversations[0].other_read_up_to == 2
    with pytest.raises(BadInput):
        await talk.read(talk.owner, 99)


async def test_marks_do_not_answer_marks(talk: Talk) -> None:
    await talk.say(talk.buyer, "hi")
    await talk.read(talk.owner, 1)
    await talk.read(talk.buyer, 2)
    await talk.read(talk.owner, 2)
    await talk.read(talk.buyer, 1)
    assert (await talk.log(talk.buyer)).last_seq == 2


async def test_conversations_newest_first_in_pages(chat: Chat) -> None:
    buyer = someone()
    talks = []
    for n in range(5):
        id_, owner = new_id(), someone()
        await hear(chat, "order.pending_payment", id_, 1, order_of(id_, buyer, owner))
        talks.append(Talk(chat, id_, buyer, owner))
        at = call(owner, at_ms=now_ms() + 1000 * (n + 1))
        body = {"conversation_id": str(id_), "kind": "text", "text": f"line {n}"}
        await actions.send.perform(chat, owner, at.now_ms, at.key, body)
    await talks[4].read(buyer, 1)
    seen: list[views.ConversationView] = []
    cursor = ""
    while True:
        page = await talks[0].mine(buyer, limit=2, cursor=cursor)
        seen += page.conversations
        cursor = page.cursor
        if not cursor:
            break
    assert [c.conversation_id for c in seen] == [t.id for t in reversed(talks)]
    assert [c.unread for c in seen] == [0, 1, 1, 1, 1]
    assert [c.last_line.text for c in seen if c.last_line] == [f"line {n}" for n in (4, 3, 2, 1, 0)]
    with pytest.raises(BadInput):
        await talks[0].mine(buyer, cursor="1' OR 1")


async def test_pages_of_messages_in_both_directions(talk: Talk) -> None:
    for n in range(7):
        await talk.say(talk.buyer, f"{n}")

    async def seqs(**query: int) -> tuple[list[int], bool]:
        page = await talk.log(talk.owner, **query)
        return [m.seq for m in page.messages], page.more

    assert await seqs(limit=3) == ([5, 6, 7], True)
    assert await seqs(limit=3, before=5) == ([2, 3, 4], True)
    assert await seqs(limit=3, before=2) == ([1], False)
    assert await seqs(limit=3, after=0) == ([1, 2, 3], True)
    assert await seqs(limit=3, after=4) == ([5, 6, 7], False)
    assert await seqs(after=100) == ([], False)
    with pytest.raises(BadInput):
        await seqs(after=1, before=5)


async def test_an_enquiry_is_opened_once(chat: Chat) -> None:
    owner, asker = someone(), someone()
    listing_id = await listed(chat, owner)
    where = Talk(chat, listing_id, asker, owner)
    opened = await asyncio.gather(
        *(where.ask(actions.open_enquiry, asker, {"listing_id": str(listing_id)}) for _ in range(8))
    )
    assert len({e.conversation_id for e in opened}) == 1
    assert (opened[0].title, opened[0].owner_id) == ("电钻", owner.user_id)
    other = await where.ask(actions.open_enquiry, someone(), {"listing_id": str(listing_id)})
    assert other.conversation_id != opened[0].conversation_id
    enquiry = Talk(chat, opened[0].conversation_id, asker, owner)
    await enquiry.say(owner, "请问")
    assert (await enquiry.mine(asker)).conversations[0].unread == 1


async def test_no_enquiry_with_oneself_or_about_the_unknown(chat: Chat) -> None:
    owner = someone()
    listing_id = await listed(chat, owner)
    where = Talk(chat, listing_id, owner, owner)
    with pytest.raises(Forbidden):
        await where.ask(actions.open_enquiry, owner, {"listing_id": str(listing_id)})
    with pytest.raises(NotYet) as refused:
        await where.ask(actions.open_enquiry, owner, {"listing_id": str(new_id())})
    assert refused.value.retryable


async def test_the_projection_keeps_what_is_newest(chat: Chat) -> None:
    owner = someone()
    listing_id = await listed(chat, owner, version=3, title="三")
    await listed(chat, owner, version=2, title="二", listing_id=listing_id)
    where = Talk(chat, listing_id, owner, owner)
    assert (
        await where.ask(actions.open_enquiry, someone(), {"listing_id": str(listing_id)})
    ).title == "三"
    await listed(chat, owner, version=4, title="四", listing_id=listing_id)
    assert (
        await where.ask(actions.open_enquiry, someone(), {"listing_id": str(listing_id)})
    ).title == "四"


async def test_images_are_the_senders_own_uploads(talk: Talk, process: Process) -> None:

    objects = open_store(process.config)
    key = f"chat/{talk.id}/{talk.buyer.user_id}/{'a' * 22}"
    body = {"conversation_id": str(talk.id), "kind": "image", "object_key": key}
    with pytest.raises(NotFound):
        await talk.ask(actions.send, talk.buyer, body)

    async def chunks() -> AsyncIterator[bytes]:
        yield PNG

    await objects.put(key, chunks(), "image/png", 1000)
    with pytest.raises(BadInput):
        await talk.ask(actions.send, talk.owner, body)
    await talk.ask(actions.send, talk.buyer, body)
    (line,) = (await talk.log(talk.owner)).messages
    assert (line.kind, line.object_key) == ("image", key)
    assert f"/v1/objects/{key}?expires=" in line.image_url


async def test_presets_are_there_for_everybody(chat: Chat) -> None:
    found = await views.presets.perform(chat, ANONYMOUS, now_ms(), None, {})
    assert {p.code: p.text for p in found.presets} == PRESETS
