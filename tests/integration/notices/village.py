"""People who may be told something by WeChat, with the sandbox as WeChat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import aiohttp

from infra.config import Wechat
from infra.mysql.database import Tx
from infra.process import now_ms
from market.kernel.actor import Actor
from market.kernel.facts import (  # fmt: skip
    FactData,
    Heard,
    OrderMoved,
    UserChanged,
)
from market.kernel.period import HOUR_MS
from market.notices import actions, posting, views
from market.notices.handlers import HANDLERS
from market.notices.rules import letters as rules
from market.notices.rules.letters import SubscriptionView
from market.notices.wing import Notices
from tests.integration.conftest import call, new_id, someone
from workers import letters

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
