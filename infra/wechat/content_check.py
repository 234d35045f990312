"""Whether what people write and show may be shown to others.

    POST /wxa/msg_sec_check?access_token=      {"version": 2, "openid", "scene": 3, "content"}
    {"errcode": 0, "result": {"suggest": "pass" | "review" | "risky", "label": 100}, "trace_id"}
    POST /wxa/media_check_async?access_token=  {"version": 2, "openid", "scene": 3, "media_url", "media_type": 2}
    {"errcode": 0, "trace_id"}, and within 30 minutes the event wxa_media_check of that trace_id

Source: developers.weixin.qq.com, msgSecCheck and mediaCheckAsync. It is `suggest` that counts, not `errcode`. WeChat knows
those who have used the mini-program within two hours, and nobody else (61010).
"""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass
from typing import Any, Literal

import aiohttp

from infra.config import Wechat
from infra.wechat.access_token import AccessToken
from infra.wechat.calls import TryAgain, persistently
from infra.wechat.mini import answer_of
from market.kernel.errors import NotFound, Unavailable

BUDGET_S = 8.0
FORUM = 3
"""The scene: what everybody may read."""

IMAGE = 2
LONGEST = 2500
_BAD_TOKEN = (40001, 40014, 42001)
_PASSING = (-1, 45009, 45011)
_UNKNOWN_USER = (40003, 61010)

Suggest = Literal["pass", "review", "risky"]
SUGGESTS: tuple[Suggest, ...] = ("pass", "review", "risky")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`label` is 100 for what is well, else WeChat's number for what is not."""

    suggest: Suggest
    label: int


class WechatContentCheck:
    def __init__(
        self, session: aiohttp.ClientSession, config: Wechat, chance: random.Random | None = None
    ) -> None:
        self._session = session
        self._config = config
        self._token = AccessToken(session, config)
        self._chance = chance or random.Random()

    async def text(self, openid: str, text: str) -> Found:
        """Raise NotFound (WeChat has not seen the user of late), Unavailable."""
        answer = await self._call("msg_sec_check", openid, {"content": text[:LONGEST]})
        return found(answer)

    async def image(self, openid: str, url: str) -> str:
        """The trace id by which the event will tell; `url` is where WeChat fetches the image. Raise as `text` does."""
        wish = {"media_url": url, "media_type": IMAGE}
        trace_id = (await self._call("media_check_async", openid, wish)).get("trace_id")
        if not isinstance(trace_id, str) or not trace_id:
            raise Unavailable("WeChat gives no trace id")
        return trace_id

    async def _call(self, api: str, openid: str, wish: dict[str, Any]) -> dict[str, Any]:
        body = {"version": 2, "openid": openid, "scene": FORUM, **wish}
        try:
            async with asyncio.timeout(BUDGET_S):
                return await persistently(api, lambda: self._ask(api, body), self._chance)
        except TryAgain as problem:
            raise Unavailable("the content check does not answer", reason=str(problem)) from None
        except TimeoutError:
            raise Unavailable("the content check does not answer", reason="timeout") from None

    async def _ask(self, api: str, body: dict[str, Any]) -> dict[str, Any]:
        token = await self._token.get()
        url = f"{self._config.api_url.rstrip('/')}/wxa/{api}"
        async with self._session.post(
            url, params={"access_token": token}, allow_redirects=False,
            data=json.dumps(body, ensure_ascii=False).encode(),  # escaped, WeChat reads the escapes
            headers={"Content-Type": "application/json"},
        ) as response:  # fmt: skip
            answer = await answer_of(response)
        errcode = answer.get("errcode", 0)
        if errcode in _BAD_TOKEN:
            self._token.forget(token)
            raise TryAgain(f"errcode {errcode}")
        if errcode in _PASSING:
            raise TryAgain(f"errcode {errcode}")
        if errcode in _UNKNOWN_USER:
            raise NotFound("WeChat has not seen this user of late", errcode=errcode)
        if errcode != 0:
            raise Unavailable("WeChat refuses our content check", errcode=errcode)
        return answer


def found(answer: dict[str, Any]) -> Found:
    """What an answer or an event says. Raise Unavailable when it says nothing that we know."""
    result = answer.get("result")
    suggest = result.get("suggest") if isinstance(result, dict) else None
    label = result.get("label") if isinstance(result, dict) else None
    if suggest not in SUGGESTS or not isinstance(label, int):
        raise Unavailable("WeChat's content check says nothing that we know")
    return Found(suggest=suggest, label=label)
