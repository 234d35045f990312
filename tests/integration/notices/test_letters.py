"""Letters on a real database, with the sandbox as WeChat: allowed, sent once, refused, tried again, and not at all."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from devkit.ports import free_port
from devkit.stack import ServingProcess
from infra.config import Config, Wechat
from infra.mysql.database import Tx
from infra.process import Process, now_ms, open_process
from infra.redis import keys
from market.kernel.actor import Actor
from market.kernel.errors import BadInput, NotFound
from market.kernel.facts import (  # fmt: skip
    FactData,
    Heard,
    MessageSent,
    OrderMoved,
    PaymentSettled,
    UserChanged,
)
from market.kernel.ids import Id
from market.kernel.period import HOUR_MS
from market.notices import actions, posting, views
from market.notices.handlers import HANDLERS
from market.notices.rules import letters as rules
from market.notices.rules.letters import SubscriptionView
from market.notices.wing import Notices, open_wing
from tests.integration.conftest import call, new_id, someone
from workers import letters, reminders

SOON_MS = rules.GRACE_MS
LATER_MS = posting.TAKEN_MS + SOON_MS


class Village:
    """People whom the notices have heard of, and WeChat's view of them. Its clock is put forward by hand."""

    def __init__(self, notices: Notices, http: aiohttp.ClientSession, wechat: Wechat) -> None:
        self.notices, self._http, self._wechat = notices, http, wechat
        self._sandbox = wechat.api_url
        self.begun_ms = now_ms()

    async def person(self, nickname: str = "阿宝") -> Actor:
        who = someone()
        await self.hear("user.changed", self.known(who, 1, nickname=nickname))
        return who

    def known(self, who: Actor, version: int, **fields: Any) -> UserChanged:
        data = UserChanged(
            user_id=who.user_id, version=version, nickname="阿宝", avatar_url="", role="user", openid=openid(who)
        )  # fmt: skip
        return replace(data, **fields)

    async def hear(self, kind: str, data: FactData) -> None:
        async def body(tx: Tx) -> None:
            heard = Heard(
                fact_id=new_id(), kind=kind, entity=new_id(), version=1, occurred_ms=self.begun_ms, data=data
            )  # fmt: skip
            await HANDLERS[kind](self.notices, tx, heard)

        await self.notices.db.act(self.begun_ms, body, type(None))

    async def allow(self, who: Actor, kind: str, times: int = 1, wechat: int | None = None) -> None:
        """On the phone, which tells WeChat (`wechat` times) and us."""
        template = self.notices.templates.of[kind].id
        for _ in range(times if wechat is None else wechat):
            body = {"openid": openid(who), "answers": {template: "accept"}}
            async with self._http.post(f"{self._sandbox}/sandbox/subscriptions", json=body) as said:
                assert said.status == 200
        for _ in range(times):
            await self.answer(who, {kind: "accept"})

    async def answer(self, who: Actor, answers: Mapping[str, str], key: str | None = None) -> Any:
        asked = call(who, key)
        body = {"answers": [{"kind": k, "answer": a} for k, a in answers.items()]}
        return await actions.allow.perform(self.notices, who, asked.now_ms, asked.key, body)

    async def permit(self, who: Actor, kind: str) -> SubscriptionView:
        shown = await views.subscriptions.perform(self.notices, who, now_ms(), None, {})
        (found,) = [s for s in shown.subscriptions if s.kind == kind]
        return found

    async def remaining(self, who: Actor, kind: str) -> int:
        return (await self.permit(who, kind)).remaining

    async def work(self, after_ms: int = SOON_MS) -> None:
        """All that is due so long after the beginning."""
        while await letters.run_once(self.notices, self.begun_ms + after_ms):
            pass

    async def sent(self, who: Actor) -> list[dict[str, Any]]:
        url = f"{self._sandbox}/sandbox/messages?touser={openid(who)}"
        async with self._http.get(url) as answer:
            found: list[dict[str, Any]] = (await answer.json())["messages"]
        return found

    async def faults(self, *next_: str) -> None:
        async with self._http.put(f"{self._sandbox}/sandbox/faults", json={"next": next_}) as said:
            assert said.status == 200

    async def new_token(self) -> None:
        """Somebody else has renewed it: the one that we have is none any more."""
        body = {
            "grant_type": "client_credential", "appid": self._wechat.appid, "secret": self._wechat.secret,
            "force_refresh": True,
        }  # fmt: skip
        async with self._http.post(f"{self._sandbox}/cgi-bin/stable_token", json=body) as said:
            assert said.status == 200


def openid(who: Actor) -> str:
    return f"o{int(who.user_id)}"


def moved(buyer: Actor, owner: Actor, state: str = "ready", by: str = "payments") -> OrderMoved:
    start_ms = now_ms() + 6 * HOUR_MS
    return OrderMoved(
        order_id=new_id(), version=2, transition="x", state=state, by=by, listing_id=new_id(),
        buyer_id=buyer.user_id, owner_id=owner.user_id, title="电钻", start_ms=start_ms,
        end_ms=start_ms + 8 * HOUR_MS, rent_fen=1000, deposit_fen=0, fee_fen=0, total_fen=1000, refund_fen=0,
        refund_deposit_fen=0, owner_fen=0, tells=("buyer", "owner"), pay_by_ms=start_ms,
    )  # fmt: skip


@pytest.fixture
async def village(
    process: Process, sandbox: ServingProcess, environment: Mapping[str, str]
) -> AsyncIterator[Village]:
    async with aiohttp.ClientSession() as http:
        wechat = Config.from_environment(environment).wechat
        village = Village(await open_wing(process), http, wechat)
        yield village
        await village.faults()


async def test_the_owner_hears_of_a_paid_order_and_the_buyer_who_paid_does_not(
    village: Village,
) -> None:
    buyer, owner = await village.person(), await village.person()
    for who in (buyer, owner):
        await village.allow(who, "booking")
        await village.allow(who, "progress")
    order = moved(buyer, owner)
    await village.hear("order.ready", order)
    await village.work(0)
    assert await village.sent(owner) == []  # who is looking has a moment to see it
    await village.work()
    (message,) = await village.sent(owner)
    assert message["template_id"] == village.notices.templates.of["booking"].id
    assert message["page"] == f"deal/order/order?id={order.order_id}&role=owner"
    assert "电钻" in [row["value"] for row in message["rows"]]
    assert await village.sent(buyer) == []
    assert await village.remaining(owner, "booking") == 0
    assert await village.remaining(buyer, "booking") == 1
    await village.hear("order.ready", moved(buyer, owner))
    await village.work()
    assert len(await village.sent(owner)) == 1  # one yes, one message


async def test_what_nobody_has_allowed_costs_nothing(village: Village) -> None:
    buyer, owner = await village.person(), await village.person()
    await village.hear("order.ready", moved(buyer, owner))
    async with village.notices.db.read() as cursor:
        rows = await cursor.all("SELECT 1 FROM letters WHERE user_id = %s", owner.user_id)
    assert rows == []


async def test_one_permit_is_spent_once_by_many_who_send(
    village: Village, environment: Mapping[str, str]
) -> None:
    buyer, owner = await village.person(), await village.person()
    await village.allow(owner, "booking", times=1, wechat=9)
    for _ in range(6):
        await village.hear("order.ready", moved(buyer, owner))
    config = Config.from_environment(environment)
    async with open_process(config) as one, open_process(config) as other:
        wings = [await open_wing(one), await open_wing(other), village.notices]
        for _ in range(3):
            await asyncio.gather(
                *(letters.run_once(wing, village.begun_ms + SOON_MS) for wing in wings)
            )
    assert len(await village.sent(owner)) == 1
    assert await village.remaining(owner, "booking") == 0


async def test_the_same_answer_twice_counts_once(village: Village) -> None:
    who, key = await village.person(), secrets.token_hex(8)
    first = await village.answer(who, {"chat": "accept", "money": "reject"}, key)
    assert await village.answer(who, {"chat": "accept", "money": "reject"}, key) == first
    assert await village.remaining(who, "chat") == 1
    declined = await village.permit(who, "money")
    assert declined.remaining == 0
    assert declined.declined_ms > 0
    await asyncio.gather(*(village.answer(who, {"chat": "accept"}) for _ in range(8)))
    assert await village.remaining(who, "chat") == 9


async def test_answers_that_say_nothing_are_refused(village: Village) -> None:
    who = await village.person()
    for answers in ([], [{"kind": "chat", "answer": "accept"}] * 2, [{"kind": "x", "answer": "accept"}]):  # fmt: skip
        asked = call(who)
        with pytest.raises(BadInput):
            await actions.allow.perform(
                village.notices, who, asked.now_ms, asked.key, {"answers": answers}
            )
    bare = replace(village.notices, templates=type(village.notices.templates)())
    asked = call(who)
    with pytest.raises(NotFound):
        await actions.switch.perform(
            bare, who, asked.now_ms, asked.key, {"kind": "chat", "wanted": True}
        )
    assert (await views.subscriptions.perform(bare, who, now_ms(), None, {})).subscriptions == ()


async def test_who_has_changed_their_mind_at_wechat_has_none_left_here(village: Village) -> None:
    buyer, owner = await village.person(), await village.person()
    await village.allow(owner, "booking", times=3, wechat=0)
    await village.hear("order.ready", moved(buyer, owner))
    await village.work()
    assert await village.sent(owner) == []
    assert await village.remaining(owner, "booking") == 0


async def test_a_token_that_ran_out_is_renewed_at_once(village: Village) -> None:
    buyer, owner = await village.person(), await village.person()
    await village.allow(owner, "booking", times=2)
    for n in (1, 2):
        await village.hear("order.ready", moved(buyer, owner))
        await village.work()
        assert len(await village.sent(owner)) == n
        await village.new_token()


@pytest.mark.parametrize("fault", ["error_before", "drop_before", "error_after", "drop_after"])
async def test_a_failing_wechat_is_asked_again_and_one_yes_still_brings_one(
    village: Village, fault: str
) -> None:
    buyer, owner = await village.person(), await village.person()
    await village.allow(owner, "booking")
    await village.hear("order.ready", moved(buyer, owner))
    await _token(village)
    await village.faults(fault)
    await village.work()
    assert await village.remaining(owner, "booking") == 0  # spent, and not again
    await village.work(LATER_MS)
    assert len(await village.sent(owner)) == 1
    assert await village.remaining(owner, "booking") == 0


async def _token(village: Village) -> None:
    """The wing has one, so that the next call is the message's."""
    with pytest.raises(BadInput):
        await village.notices.post.send("somebody", "no-such-template", "", {})


async def test_what_never_went_is_given_back(village: Village) -> None:
    buyer, owner = await village.person(), await village.person()
    await village.allow(owner, "booking")
    await village.hear("order.ready", moved(buyer, owner))
    await _token(village)
    await village.faults("error_before")
    await village.work()
    assert await village.remaining(owner, "booking") == 0
    await village.work(25 * HOUR_MS)
    assert await village.sent(owner) == []
    assert await village.remaining(owner, "booking") == 1


async def test_a_sender_killed_after_wechat_took_it_costs_nobody_a_second_message(
    village: Village, environment: Mapping[str, str], tmp_path: Path
) -> None:
    buyer, owner = await village.person(), await village.person()
    await village.allow(owner, "booking")
    village.begun_ms -= SOON_MS  # due by the clock of the one that dies
    await village.hear("order.ready", moved(buyer, owner))
    port = free_port(None)
    dying = ServingProcess(
        "letters", "workers", port, names=("letters",), log_file=tmp_path / "letters.log",
        env={**environment, "SHAREHUB_CRASH_AT": "after_letter"}, tells_readiness=False,
    )  # fmt: skip
    await asyncio.to_thread(dying.start, wait=False)
    try:
        async with asyncio.timeout(20):
            while dying.alive:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert dying.returncode == -signal.SIGKILL
    finally:
        await asyncio.to_thread(dying.stop)
    assert len(await village.sent(owner)) == 1
    assert await village.remaining(owner, "booking") == 0
    village.begun_ms = now_ms()
    await village.work(0)  # its lease is not over
    await village.work(LATER_MS)
    assert len(await village.sent(owner)) == 1
    async with village.notices.db.read() as cursor:
        rows = await cursor.all(
            "SELECT outcome, attempts FROM letters WHERE user_id = %s", owner.user_id
        )
    assert rows == [("refused", 2)]


# --- who is looking ---------------------------------------------------------------------------------------------------


async def test_who_has_the_app_open_is_left_alone_until_it_is_closed(
    village: Village, process: Process
) -> None:
    buyer, owner = await village.person(), await village.person()
    await village.allow(owner, "booking")
    await village.hear("order.ready", moved(buyer, owner))
    async with process.redis.pubsub() as looking:
        await looking.subscribe(keys.channel(f"user:{owner.user_id}"))
        await looking.get_message(timeout=5)
        await village.work()
        assert await village.sent(owner) == []
        await looking.unsubscribe()
        await looking.get_message(timeout=5)
    await village.work(SOON_MS + rules.WAITS_MS[0])
    assert len(await village.sent(owner)) == 1


async def test_who_goes_on_looking_gets_none_and_keeps_the_permit(
    village: Village, process: Process
) -> None:
    buyer, owner = await village.person(), await village.person()
    await village.allow(owner, "booking")
    await village.hear("order.ready", moved(buyer, owner))
    async with process.redis.pubsub() as looking:
        await looking.subscribe(keys.channel(f"user:{owner.user_id}"))
        await looking.get_message(timeout=5)
        for n in range(len(rules.WAITS_MS) + 1):
            await village.work(SOON_MS + sum(rules.WAITS_MS[:n]))
    await village.work(HOUR_MS)
    assert await village.sent(owner) == []
    assert await village.remaining(owner, "booking") == 1


async def test_what_was_read_meanwhile_is_not_sent(village: Village) -> None:
    buyer, owner = await village.person(), await village.person()
    await village.allow(owner, "booking")
    await village.hear("order.ready", moved(buyer, owner))
    asked = call(owner)
    await actions.mark_read.perform(village.notices, owner, asked.now_ms, asked.key, {"up_to": 1})
    await village.work()
    assert await village.sent(owner) == []
    assert await village.remaining(owner, "booking") == 1


async def test_what_is_switched_off_stays_off_and_is_kept(village: Village) -> None:
    buyer, owner = await village.person(), await village.person()
    await village.allow(owner, "booking", times=2)

    async def switch(wanted: bool) -> None:
        asked = call(owner)
        body = {"kind": "booking", "wanted": wanted}
        shown = await actions.switch.perform(village.notices, owner, asked.now_ms, asked.key, body)
        assert (shown.wanted, shown.remaining) == (wanted, 2)

    await village.hear("order.ready", moved(buyer, owner))
    await switch(False)
    await village.work()
    await village.hear("order.ready", moved(buyer, owner))
    await village.work()
    assert await village.sent(owner) == []
    await switch(True)
    await village.hear("order.ready", moved(buyer, owner))
    await village.work()
    assert len(await village.sent(owner)) == 1


# --- chat, money, what lies ahead -------------------------------------------------------------------------------------


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
