"""The users' wing, with a WeChat that knows whatever code it is asked about."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from infra.process import Process
from infra.wechat.login import WechatIdentity
from market.kernel.errors import BadLoginCode
from market.users.wing import Users, open_wing


@dataclass(slots=True)
class Wechat:
    """`code` "x" is the openid "openid-x"; "bad" is refused."""

    async def code_to_session(self, code: str) -> WechatIdentity:
        if code == "bad":
            raise BadLoginCode
        return WechatIdentity(openid=f"openid-{code}", unionid=None)


@pytest.fixture
async def users(process: Process) -> Users:
    return replace(await open_wing(process), login=Wechat(), operators=frozenset({"openid-boss"}))
