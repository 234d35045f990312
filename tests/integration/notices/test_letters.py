"""Letters on a real database, with the sandbox as WeChat: allowed, sent once, refused, tried again, and not at all."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from devkit.ports import free_port
from devkit.stack import ServingProcess
from infra.config import Config
from infra.process import Process, now_ms, open_process
from infra.redis import keys
from market.kernel.errors import BadInput, NotFound
from market.kernel.period import HOUR_MS
from market.notices import actions, views
from market.notices.rules import letters as rules
from market.notices.wing import open_wing
from tests.integration.conftest import call
from tests.integration.notices.village import LATER_MS, SOON_MS, Village, moved
from workers import letters


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
