"""Subscribe messages (订阅消息): one for each time that the user allowed it.

    POST /cgi-bin/message/subscribe/send?access_token=
    {"touser", "template_id", "page", "data": {"thing1": {"value": "..."}}, "miniprogram_state": "formal", "lang": "zh_CN"}
    {"errcode": 0, "errmsg": "ok", "msgid": 294402298110051942}

Source: developers.weixin.qq.com, subscribeMessage.send. WeChat takes no number of ours by which it would know a repetition.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import aiohttp

from infra.config import Wechat
from infra.wechat.access_token import AccessToken
from infra.wechat.calls import TryAgain, once
from infra.wechat.mini import answer_of
from market.kernel.errors import BadInput, Forbidden, MarketError, NotFound, Unavailable

BUDGET_S = 5.0
API = "subscribe_send"
_BAD_TOKEN = (40001, 40014, 42001)
_REFUSALS: Mapping[int, type[MarketError]] = {
    43101: Forbidden,
    40003: NotFound,
    40037: BadInput,
    41030: BadInput,
    47003: BadInput,
}


class WechatPost:
    def __init__(self, session: aiohttp.ClientSession, config: Wechat) -> None:
        self._session = session
        self._config = config
        self._token = AccessToken(session, config)

    async def send(
        self, openid: str, template_id: str, page: str, data: Mapping[str, Mapping[str, str]]
    ) -> None:
        """Tried once, and once more when the token had run out; 5 s at most in all. Raise Forbidden (43101), NotFound (40003), BadInput
        (47003, 40037, 41030), Unavailable (anything else: it may have been sent all the same)."""
        message = {
            "touser": openid, "template_id": template_id, "page": page, "data": data,
            "miniprogram_state": "formal", "lang": "zh_CN",
        }  # fmt: skip
        body = json.dumps(message, ensure_ascii=False).encode()
        try:
            async with asyncio.timeout(BUDGET_S):
                if not await once(API, lambda: self._ask(body)):
                    await once(API, lambda: self._ask(body))
        except TryAgain as problem:
            raise Unavailable("WeChat takes no message now", reason=str(problem)) from None
        except TimeoutError:
            raise Unavailable("WeChat takes no message now", reason="timeout") from None

    async def _ask(self, body: bytes) -> bool:
        """False: the token was no good, and nothing was done."""
        token = await self._token.get()
        url = f"{self._config.api_url.rstrip('/')}/cgi-bin/message/subscribe/send"
        async with self._session.post(
            url, params={"access_token": token}, allow_redirects=False, data=body,
            headers={"Content-Type": "application/json"},
        ) as response:  # fmt: skip
            answer = await answer_of(response)
        errcode = answer.get("errcode", 0)
        if errcode in _BAD_TOKEN:
            self._token.forget(token)
            return False
        if errcode in _REFUSALS:
            raise _REFUSALS[errcode]("WeChat refuses a message", errcode=errcode, said=str(answer.get("errmsg", ""))[:200])  # fmt: skip
        if errcode != 0:
            raise TryAgain(f"errcode {errcode}")
        return True
