"""The access token that the mini-program's server calls carry.

    POST /cgi-bin/stable_token {"grant_type": "client_credential", "appid", "secret"}
    {"access_token": "...", "expires_in": 7200}

Source: developers.weixin.qq.com, getStableAccessToken. All who ask get the same token until it is about to expire, so each
process may keep its own copy, and nothing need be shared.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import aiohttp

from infra.config import Wechat
from infra.wechat.calls import TryAgain
from infra.wechat.mini import answer_of
from market.kernel.errors import Unavailable

EARLY_S = 300.0
"""It is renewed so long before it expires; WeChat makes a new one within the last five minutes."""

_PASSING = (-1, 45009, 45011)


class AccessToken:
    """`now_s` is a monotonic clock."""

    def __init__(
        self, session: aiohttp.ClientSession, config: Wechat, now_s: Callable[[], float] = time.monotonic
    ) -> None:  # fmt: skip
        self._session = session
        self._config = config
        self._now_s = now_s
        self._token = ""
        self._renew_s = 0.0
        self._asking = asyncio.Lock()

    async def get(self) -> str:
        """The one at hand, or a new one. Raise TryAgain, Unavailable."""
        async with self._asking:
            if self._now_s() >= self._renew_s:
                await self._ask()
            return self._token

    def forget(self, token: str) -> None:
        """WeChat does not know this one (any more)."""
        if token == self._token:
            self._renew_s = 0.0

    async def _ask(self) -> None:
        body = {
            "grant_type": "client_credential",
            "appid": self._config.appid,
            "secret": self._config.secret,
        }
        url = f"{self._config.api_url.rstrip('/')}/cgi-bin/stable_token"
        async with self._session.post(url, json=body, allow_redirects=False) as response:
            answer = await answer_of(response)
        token, life_s = answer.get("access_token"), answer.get("expires_in")
        if answer.get("errcode", 0) in _PASSING:
            raise TryAgain(f"errcode {answer['errcode']}")
        if not isinstance(token, str) or not token or not isinstance(life_s, int):
            raise Unavailable("WeChat gives us no token", errcode=answer.get("errcode"))
        self._token, self._renew_s = token, self._now_s() + max(0.0, life_s - EARLY_S)
