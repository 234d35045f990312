"""What the hub hears of `chat:ID`."""

from __future__ import annotations

from infra.mysql.database import Tx
from infra.process import now_ms
from market.chat import actions, store, views
from market.chat.rules.talk import Body
from market.chat.wing import Chat
from market.kernel.topics import Want
from tests.integration.chat.talks import Talk, hear, order_of
from tests.integration.conftest import new_id, someone


async def test_snapshots_resume_where_the_asker_stands(chat: Chat, talk: Talk) -> None:
    for n in range(60):
        await talk.say(talk.buyer, f"{n}")
    id_ = new_id()
    await hear(chat, "order.pending_payment", id_, 1, order_of(id_, talk.buyer, talk.owner))

    async def entries(have: int | None) -> list[int]:
        (one,) = await views.snapshot(chat, [Want(topic=f"chat:{talk.id}", have=have)], now_ms())
        assert (one.kind, one.version, one.more) == ("log", 60, False)
        return [e.version for e in one.entries]

    assert await entries(None) == list(range(11, 61))
    assert await entries(57) == [58, 59, 60]
    assert await entries(0) == list(range(1, 61))
    assert await entries(60) == []
    assert await entries(99) == []
    wants = [
        Want(topic=t)
        for t in (f"chat:{talk.id}", f"chat:{id_}", f"chat:{new_id()}", "chat:x", "chat:", "user:1")
    ]
    found = {s.topic: s for s in await views.snapshot(chat, wants, now_ms())}
    assert set(found) == {f"chat:{talk.id}", f"chat:{id_}"}
    assert found[f"chat:{id_}"].version == 0
    for one in found.values():
        assert one.readers.admit(talk.buyer)
        assert one.readers.admit(talk.owner)
        assert not one.readers.admit(someone())
        assert not one.readers.admit(someone("operator"))
    log = await talk.log(talk.buyer, limit=200)
    pushed = {e.version: e.payload for e in found[f"chat:{talk.id}"].entries}
    assert pushed == {m.seq: m for m in log.messages[10:]}


async def test_a_long_silence_is_resumed_in_parts(talk: Talk) -> None:
    async def many(tx: Tx) -> None:

        for n in range(210):
            conversation = await store.lock_conversation(tx, talk.id)
            assert conversation is not None
            await actions._append(
                talk.chat, tx, conversation, talk.buyer.user_id, "text", Body(text=f"{n}")
            )

    await talk.chat.db.act(now_ms(), many, type(None))
    seen: list[int] = []
    more = True
    while more:
        wants = [Want(topic=f"chat:{talk.id}", have=len(seen))]
        (one,) = await views.snapshot(talk.chat, wants, now_ms())
        more = one.more
        seen += [e.version for e in one.entries]
        assert len(one.entries) <= 200
    assert seen == list(range(1, 211))
    assert (await talk.verdict()).ok
