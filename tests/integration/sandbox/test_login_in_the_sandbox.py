"""Login codes, through real sockets, with everything that may go wrong on the way."""

from __future__ import annotations

import random
import time

import aiohttp
import pytest

from infra.config import Wechat
from infra.wechat.login import BUDGET_S, WechatIdentity, WechatLogin
from market.kernel.errors import BadLoginCode, Unavailable
from tests.integration.sandbox.conftest import Phone, Sandbox

pytestmark = pytest.mark.timeout(30)


async def test_a_code_becomes_the_openid(login: WechatLogin, phone: Phone) -> None:
    identity = await login.code_to_session(await phone.login_code("alice"))
    assert identity == WechatIdentity(openid="alice", unionid=None)


async def test_the_unionid_comes_along_when_there_is_one(login: WechatLogin, phone: Phone) -> None:
    code = await phone.login_code("alice", unionid="u-alice")
    assert (await login.code_to_session(code)).unionid == "u-alice"


async def test_a_code_works_once(login: WechatLogin, phone: Phone) -> None:
    code = await phone.login_code("alice")
    await login.code_to_session(code)
    with pytest.raises(BadLoginCode) as refused:
        await login.code_to_session(code)
    assert refused.value.data["errcode"] == 40163


async def test_an_invented_code_is_refused(login: WechatLogin) -> None:
    with pytest.raises(BadLoginCode) as refused:
        await login.code_to_session("invented & strange=code#?")
    assert refused.value.data["errcode"] == 40029


async def test_a_wrong_secret_is_our_problem_and_not_retried(
    sandbox: Sandbox, http: aiohttp.ClientSession, phone: Phone
) -> None:
    wrong = WechatLogin(http, Wechat(sandbox.url, sandbox.account["appid"], "wrong"))
    before = await phone.calls()
    with pytest.raises(Unavailable) as refused:
        await wrong.code_to_session(await phone.login_code("alice"))
    assert refused.value.data["errcode"] == 40125
    assert "wrong" not in str(refused.value)
    assert await phone.calls() == before + 1


@pytest.mark.parametrize("fault", ["error_before", "drop_before", "delay"])
async def test_a_fault_before_the_act_is_survived(
    login: WechatLogin, phone: Phone, fault: str
) -> None:
    code = await phone.login_code("alice")
    await phone.faults(next=[fault])
    assert (await login.code_to_session(code)).openid == "alice"


@pytest.mark.parametrize("fault", ["error_after", "drop_after"])
async def test_a_fault_after_the_act_costs_the_code(
    login: WechatLogin, phone: Phone, fault: str
) -> None:
    code = await phone.login_code("alice")
    await phone.faults(next=[fault])
    with pytest.raises(BadLoginCode):
        await login.code_to_session(code)


@pytest.mark.parametrize("fault", ["error_before", "drop_before"])
async def test_a_lasting_fault_ends_as_unavailable_in_time(
    login: WechatLogin, phone: Phone, fault: str
) -> None:
    code = await phone.login_code("alice")
    await phone.faults(rate=1, kinds=[fault])
    began = time.monotonic()
    with pytest.raises(Unavailable) as refused:
        await login.code_to_session(code)
    assert refused.value.retryable
    assert time.monotonic() - began < BUDGET_S + 0.5


async def test_nobody_listening_is_unavailable(http: aiohttp.ClientSession) -> None:
    login = WechatLogin(http, Wechat("http://127.0.0.1:9", "wx", "hush"), random.Random(1))
    with pytest.raises(Unavailable) as refused:
        await login.code_to_session("code")
    assert "hush" not in repr(refused.value.data)
