"""A login code of wx.login becomes the user's openid.

    GET /sns/jscode2session?appid&secret&js_code&grant_type=authorization_code
    {"openid": "o6_bm...", "session_key": "...", "unionid": "..."}
    {"errcode": 40029, "errmsg": "invalid code"}

Source: developers.weixin.qq.com, api_code2session. A code works once and for 5 minutes, so an
answer that is lost after WeChat has acted costs the code: the second attempt hears 40163, and the
client calls wx.login again.
"""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass

import aiohttp

from infra.config import Wechat
from infra.wechat.calls import TryAgain, persistently
from market.kernel.errors import BadLoginCode, Forbidden, Unavailable

BUDGET_S = 3.0
_BAD_CODE = (40029, 40163)  # invalid; used before
_HIGH_RISK_USER = 40226
_PASSING = (-1, 45011)  # busy; too frequent
_LONGEST_CODE = 512  # real ones have 32 characters


@dataclass(frozen=True, slots=True, kw_only=True)
class WechatIdentity:
    """Who logged in: `openid` is the user within our app, `unionid` across apps of one account."""

    openid: str
    unionid: str | None


class WechatLogin:
    def __init__(
        self, session: aiohttp.ClientSession, config: Wechat, chance: random.Random | None = None
    ) -> None:
        self._session = session
        self._config = config
        self._chance = chance or random.Random()

    async def code_to_session(self, code: str) -> WechatIdentity:
        """Asks WeChat, for 3 s at most in all.

        Raises BadLoginCode (unknown, expired or used), Forbidden (WeChat blocks the user),
        Unavailable (busy, unreachable, or our own app id or secret is refused). The session_key is
        dropped here: nothing of ours needs it.
        """
        if not 0 < len(code) <= _LONGEST_CODE:
            raise BadLoginCode("a login code has between 1 and 512 characters")
        try:
            async with asyncio.timeout(BUDGET_S):
                return await persistently("code2session", lambda: self._ask(code), self._chance)
        except TryAgain as problem:
            raise Unavailable("WeChat login does not answer", reason=str(problem)) from None
        except TimeoutError:
            raise Unavailable("WeChat login does not answer", reason="timeout") from None

    async def _ask(self, code: str) -> WechatIdentity:
        query = {
            "appid": self._config.appid,
            "secret": self._config.secret,
            "js_code": code,
            "grant_type": "authorization_code",
        }
        url = f"{self._config.api_url.rstrip('/')}/sns/jscode2session"
        async with self._session.get(url, params=query, allow_redirects=False) as response:
            if response.status != 200:
                raise TryAgain(f"status {response.status}")
            raw = await response.read()  # not .json(): WeChat says text/plain
        return _identity(raw)


def _identity(raw: bytes) -> WechatIdentity:
    try:
        answer = json.loads(raw)
    except (ValueError, RecursionError):
        raise TryAgain("the answer is not JSON") from None
    if not isinstance(answer, dict):
        raise TryAgain("the answer is not an object")
    errcode = answer.get("errcode", 0)
    if errcode in _BAD_CODE:
        raise BadLoginCode(errcode=errcode)
    if errcode == _HIGH_RISK_USER:
        raise Forbidden("WeChat blocks this user as high-risk", errcode=errcode)
    if errcode in _PASSING:
        raise TryAgain(f"errcode {errcode}")
    openid, unionid = answer.get("openid"), answer.get("unionid")
    if errcode != 0 or not isinstance(openid, str) or not openid:
        raise Unavailable("WeChat refuses our login call", errcode=errcode)
    return WechatIdentity(openid=openid, unionid=unionid if isinstance(unionid, str) else None)
