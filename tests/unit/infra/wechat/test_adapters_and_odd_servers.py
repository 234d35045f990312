"""Answers that the sandbox never gives: from a server that says whatever the test wants."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from infra.config import Wechat
from infra.wechat.ecommerce import WechatEcommerce
from infra.wechat.login import BUDGET_S, WechatLogin
from infra.wechat.signing import verify
from market.kernel.errors import (
    BadLoginCode,
    Conflict,
    Forbidden,
    NotFound,
    PaymentProviderError,
    Unavailable,
)
from tests.unit.infra.wechat.conftest import NOW_MS, Pair, PayConfig, signed_headers

pytestmark = pytest.mark.timeout(20)

Script = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def server(script: Script) -> AsyncIterator[str]:
    """The URL of a server which answers everything by `script`."""
    app = web.Application()

    async def answer(request: web.Request) -> web.StreamResponse:
        return await script(request)

    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Says:
    """Answers in turn; the last answer stays. Each is (status, body, headers)."""

    def __init__(self, *answers: tuple[int, str, dict[str, str]]) -> None:
        self._answers = list(answers)
        self.heard = 0

    async def __call__(self, request: web.Request) -> web.Response:
        self.heard += 1
        status, body, headers = self._answers[min(self.heard, len(self._answers)) - 1]
        return web.Response(status=status, body=body.encode(), headers=headers)


PLAIN = {"Content-Type": "text/plain"}


async def log_in(script: Script) -> str:
    async with server(script) as url, aiohttp.ClientSession() as http:
        return (await WechatLogin(http, Wechat(url, "wx1", "hush")).code_to_session("c")).openid


async def test_json_in_plain_text_is_read() -> None:
    assert await log_in(Says((200, '{"openid": "alice", "session_key": "x"}', PLAIN))) == "alice"


@pytest.mark.parametrize("errcode", [-1, 45011])
async def test_busy_is_tried_again(errcode: int) -> None:
    says = Says((200, f'{{"errcode": {errcode}}}', PLAIN), (200, '{"openid": "bob"}', PLAIN))
    assert await log_in(says) == "bob"
    assert says.heard == 2


@pytest.mark.parametrize(
    ("errcode", "refusal"),
    [(40029, BadLoginCode), (40163, BadLoginCode), (40226, Forbidden), (40013, Unavailable)],
)
async def test_a_definite_no_is_not_tried_again(errcode: int, refusal: type[Exception]) -> None:
    says = Says((200, f'{{"errcode": {errcode}, "errmsg": "no"}}', PLAIN))
    with pytest.raises(refusal):
        await log_in(says)
    assert says.heard == 1


@pytest.mark.parametrize("body", ["<html>", "[]", "", '{"errcode": -1}', "[" * 100_000])
async def test_nonsense_is_tried_again_and_then_unavailable(body: str) -> None:
    says = Says((200, body, PLAIN))
    with pytest.raises(Unavailable):
        await log_in(says)
    assert says.heard == 4


async def test_an_answer_without_an_openid_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await log_in(Says((200, '{"openid": ""}', PLAIN)))


@pytest.mark.parametrize("status", [302, 500, 502])
async def test_a_bad_gateway_is_tried_again(status: int) -> None:
    says = Says((status, "", PLAIN), (200, '{"openid": "bob"}', PLAIN))
    assert await log_in(says) == "bob"


async def test_a_server_that_says_nothing_costs_three_seconds() -> None:
    async def silence(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    began = time.monotonic()
    with pytest.raises(Unavailable):
        await log_in(silence)
    assert BUDGET_S - 0.2 < time.monotonic() - began < BUDGET_S + 1


@pytest.mark.parametrize("code", ["", "x" * 513])
async def test_an_absurd_code_is_not_even_asked_about(code: str) -> None:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(BadLoginCode):
            await WechatLogin(http, Wechat("http://127.0.0.1:9", "wx", "s")).code_to_session(code)


async def query(pay_config: PayConfig, script: Script) -> object:
    async with (
        server(script) as url,
        WechatEcommerce(pay_config(url), clock_ms=lambda: NOW_MS) as pay,
    ):
        return await pay.query(sub_mchid="160", out_trade_no="T-1")


UNPAID = (
    '{"sp_appid": "wx1", "sp_mchid": "190", "sub_mchid": "160", "out_trade_no": "T-1", "trade_state": "NOTPAY",'
    ' "amount": {"total": 1}}'
)


async def test_an_unsigned_success_is_not_believed(pay_config: PayConfig) -> None:
    says = Says((200, UNPAID, {}))
    with pytest.raises(PaymentProviderError):
        await query(pay_config, says)
    assert says.heard == 4


async def test_a_success_signed_for_other_bytes_is_not_believed(
    pay_config: PayConfig, platform: Pair
) -> None:
    headers = signed_headers(platform.private, UNPAID.encode())
    with pytest.raises(PaymentProviderError):
        await query(pay_config, Says((200, UNPAID.replace("1}", "2}"), headers)))


@pytest.mark.parametrize(
    "body", ["", "null", "<html>", "{}", UNPAID.replace("T-1", "T-2"), UNPAID.replace("wx1", "wx2")]
)
async def test_a_signed_answer_to_something_else_is_an_error(
    pay_config: PayConfig, platform: Pair, body: str
) -> None:
    headers = signed_headers(platform.private, body.encode())
    with pytest.raises(PaymentProviderError):
        await query(pay_config, Says((200, body, headers)))


async def test_a_refusal_counts_unsigned_but_not_wrongly_signed(
    pay_config: PayConfig, platform: Pair
) -> None:
    body = '{"code": "ORDERNOTEXIST", "message": "?"}'
    with pytest.raises(NotFound):
        await query(pay_config, Says((404, body, {})))
    with pytest.raises(PaymentProviderError):
        await query(pay_config, Says((404, body, signed_headers(platform.private, b"other"))))


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [(403, '{"code": "NO_AUTH"}', "NO_AUTH"), (404, "<html>", "HTTP_404"), (400, "[]", "HTTP_400")],
)
async def test_refusals_carry_a_code(
    pay_config: PayConfig, status: int, body: str, code: str
) -> None:
    with pytest.raises(Conflict) as refused:
        await query(pay_config, Says((status, body, {})))
    assert refused.value.data["code"] == code


@pytest.mark.parametrize("status", [302, 429, 500, 503])
async def test_passing_troubles_are_tried_again(
    pay_config: PayConfig, platform: Pair, status: int
) -> None:
    good = (200, UNPAID, signed_headers(platform.private, UNPAID.encode()))
    assert await query(pay_config, Says((status, "", {}), good))


async def test_calls_need_the_block(pay_config: PayConfig) -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await WechatEcommerce(pay_config("http://x")).query(sub_mchid="160", out_trade_no="T-1")


async def test_client_params_are_signed_text(pay_config: PayConfig, merchant: Pair) -> None:
    async with WechatEcommerce(pay_config("http://x")) as pay:
        params = pay.client_params("wx2026", 1_782_288_000_999, "n1")
    signature = params.pop("paySign")
    assert params == {
        "appId": "wx1",
        "timeStamp": "1782288000",
        "nonceStr": "n1",
        "package": "prepay_id=wx2026",
        "signType": "RSA",
    }
    verify(merchant.public, signature, b"wx1\n1782288000\nn1\nprepay_id=wx2026")
