"""A real sandbox process, a real receiver of notifications, the product's adapters between them."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from infra.config import Wechat, WechatPayConfig
from infra.wechat.applyments import Application
from infra.wechat.ecommerce import WechatEcommerce
from infra.wechat.gateway import Gateway, open_gateway, wall_clock_ms
from infra.wechat.login import WechatLogin

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A running sandbox: where it listens, and what its run directory says."""

    url: str
    run_dir: Path
    account: dict[str, Any]

    @property
    def wechat(self) -> Wechat:
        return Wechat(self.url, self.account["appid"], self.account["secret"])

    def pay_config(self, notify_url: str) -> WechatPayConfig:
        return WechatPayConfig(
            url=self.url,
            appid=self.account["appid"],
            mchid=self.account["mchid"],
            merchant_serial=self.account["merchant_serial"],
            merchant_key_file=self.run_dir / "merchant_key.pem",
            apiv3_key=self.account["apiv3_key"],
            platform_key_id=self.account["platform_key_id"],
            platform_key_file=self.run_dir / "platform_pub.pem",
            notify_url=notify_url,
            platform_keys_dir=self.run_dir / "platform_keys",
        )


@contextmanager
def running_sandbox(run_dir: Path, *options: str) -> Iterator[Sandbox]:
    """Starts `python -m sandbox.server` on a free port, waits for /healthz, stops it after."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "sandbox.server", "--port", str(port)]
    command += ["--run-dir", str(run_dir), *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline(), "the sandbox ended before it listened"
            url = f"http://127.0.0.1:{port}"
            _wait_for_health(url)
            account = json.loads((run_dir / "sandbox.json").read_text())
            yield Sandbox(url=url, run_dir=run_dir, account=account)
        finally:
            process.terminate()
            process.wait(10)


def _wait_for_health(url: str) -> None:
    for _ in range(100):
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except urllib.error.URLError:
            time.sleep(0.05)
    raise AssertionError("the sandbox is not healthy")


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("wechat"), "--seed", "7") as running:
        yield running


class Phone:
    """The hands of the test on /sandbox/*: (status, answer) of every call."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url

    async def post(self, path: str, **fields: object) -> tuple[int, Any]:
        async with self._http.post(f"{self._url}{path}", json=fields) as answer:
            return answer.status, await answer.json(content_type=None)

    async def get(self, path: str) -> Any:
        async with self._http.get(f"{self._url}{path}") as answer:
            return await answer.json(content_type=None)

    async def faults(self, **plan: object) -> tuple[int, Any]:
        async with self._http.put(f"{self._url}/sandbox/faults", json=plan) as answer:
            return answer.status, await answer.json()

    async def rules(self, **wish: object) -> tuple[int, Any]:
        async with self._http.put(f"{self._url}/sandbox/rules", json=wish) as answer:
            return answer.status, await answer.json()

    async def calls(self) -> int:
        """How many calls WeChat's addresses have had."""
        return int((await self.get("/sandbox/faults"))["calls"])

    async def login_code(self, openid: str, **fields: object) -> str:
        _, answer = await self.post("/sandbox/login-code", openid=openid, **fields)
        return str(answer["code"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    headers: dict[str, str]
    body: bytes


class Receiver:
    """notify_url: keeps what it gets, and answers as told (204 when nothing is told)."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: deque[int] = deque()
        self._inbox: asyncio.Queue[Received] = asyncio.Queue()

    async def receive(self, request: web.Request) -> web.Response:
        self._inbox.put_nowait(Received(headers=dict(request.headers), body=await request.read()))
        return web.Response(status=self.answers.popleft() if self.answers else 204)

    async def next(self) -> Received:
        async with asyncio.timeout(10):
            return await self._inbox.get()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def phone(sandbox: Sandbox, http: aiohttp.ClientSession) -> AsyncIterator[Phone]:
    """Begins and ends without faults, and with the documents' rules."""
    hands = Phone(http, sandbox.url)
    kinds = (await hands.get("/sandbox/faults"))["kinds"]
    rules = await hands.get("/sandbox/rules")
    yield hands
    await hands.rules(**rules)
    await hands.faults(rate=0, next=[], kinds=kinds)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.add_routes([web.post("/notify", receiver.receive)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    receiver.url = f"http://{host}:{port}/notify"
    yield receiver
    await runner.cleanup()


@pytest.fixture
def login(sandbox: Sandbox, http: aiohttp.ClientSession) -> WechatLogin:
    return WechatLogin(http, sandbox.wechat)


FAR_MS = (int(time.time()) + 3600) * 1000


OWNER = Application(
    subject_type="micro",
    legal_name="欧阳娜娜",
    id_number="11010519491231002X",
    id_valid_from="2020-01-01",
    id_valid_until="长期",
    id_front_media="media-front",
    id_back_media="media-back",
    mobile="13800138000",
    bank="工商银行",
    bank_area_code="110000",
    bank_account="6222020200112233445",
    shop_name="闲置小铺",
    shop_url="https://example.org/u/1",
)


class Mall:
    """The platform's short words. Every order costs 1250 fen and is alice's."""

    amount_fen = 1250

    def __init__(self, pay: WechatEcommerce, phone: Phone) -> None:
        self._pay = pay
        self._phone = phone

    def number(self) -> str:
        return f"M-{secrets.token_hex(12)}"

    async def owner(self) -> str:
        """A new sub-merchant's number."""
        done = await self._pay.apply(out_request_no=self.number(), application=OWNER)
        assert done.sub_mchid is not None
        return done.sub_mchid

    async def order(self, sub_mchid: str, number: str, **changes: Any) -> str:
        """Prepays, and returns the prepay_id."""
        fields: dict[str, Any] = {
            "sub_mchid": sub_mchid,
            "out_trade_no": number,
            "description": "自行车 3 天",
            "amount_fen": self.amount_fen,
            "openid": "alice",
            "expires_at_ms": FAR_MS,
        }
        return (await self._pay.prepay(**(fields | changes))).prepay_id

    async def paid_order(self, sub_mchid: str, **changes: Any) -> str:
        """A number that alice has paid."""
        number = self.number()
        prepay_id = await self.order(sub_mchid, number, **changes)
        status, answer = await self._phone.post("/sandbox/pay", prepay_id=prepay_id)
        assert status == 200, answer
        return number

    async def paid_transaction(self, sub_mchid: str, **changes: Any) -> tuple[str, str]:
        """(our number, WeChat's) of an order that alice has paid."""
        number = await self.paid_order(sub_mchid, **changes)
        trade = await self._pay.query(sub_mchid=sub_mchid, out_trade_no=number)
        assert trade.transaction_id is not None
        return number, trade.transaction_id

    async def balance(self, mchid: str) -> tuple[int, int]:
        """(frozen, available), in fen."""
        pots = (await self._phone.get("/sandbox/balances"))["balances"].get(mchid, {})
        return pots.get("frozen_fen", 0), pots.get("available_fen", 0)


@pytest.fixture
async def pay(sandbox: Sandbox, receiver: Receiver) -> AsyncIterator[WechatEcommerce]:
    async with WechatEcommerce(sandbox.pay_config(receiver.url)) as adapter:
        yield adapter


@pytest.fixture
async def gateway(sandbox: Sandbox, receiver: Receiver) -> AsyncIterator[Gateway]:
    """For calls that no adapter has a verb for."""
    config = sandbox.pay_config(receiver.url)
    async with open_gateway(config, wall_clock_ms, random.Random()) as opened:
        yield opened


@pytest.fixture
def mall(pay: WechatEcommerce, phone: Phone) -> Mall:
    return Mall(pay, phone)


@pytest.fixture
async def owner(mall: Mall) -> str:
    """A sub-merchant's number."""
    return await mall.owner()
