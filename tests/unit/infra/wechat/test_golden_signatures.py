"""Requests against what openssl computes from WeChat's documents, by a key that is in this file.

The messages are written out as the documents print them, signed here by the openssl program, and compared byte
for byte: PKCS#1 v1.5 is deterministic. Nothing of ours takes part in the expectation.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from infra.wechat.ecommerce import WechatEcommerce
from infra.wechat.signing import seal
from market.kernel.errors import PaymentProviderError
from tests.unit.infra.wechat.conftest import NOW_MS, Pair, PayConfig
from tests.unit.infra.wechat.test_adapters_and_odd_servers import server

OPENSSL = shutil.which("openssl")
pytestmark = [
    pytest.mark.timeout(30),
    pytest.mark.skipif(OPENSSL is None, reason="needs the openssl program"),
]


def openssl(*arguments: str | Path, given: bytes) -> bytes:
    assert OPENSSL is not None
    command = [OPENSSL, *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout


def signed_by_openssl(key: Pair, message: str) -> str:
    raw = openssl("dgst", "-sha256", "-sign", key.private_file, given=message.encode())
    return base64.b64encode(raw).decode()


SIGNATURE = re.compile(
    r'WECHATPAY2-SHA256-RSA2048 mchid="190",nonce_str="(?P<nonce>[0-9a-f]{32})",timestamp="1782288000",'
    r'serial_no="5F",signature="(?P<signature>[A-Za-z0-9+/=]+)"'
)


class Listens:
    """Refuses every request, and keeps it: 401 is not tried again."""

    def __init__(self) -> None:
        self.method = self.target = self.authorization = self.serial = ""
        self.body = b""

    async def __call__(self, request: web.Request) -> web.Response:
        self.method, self.target = request.method, request.raw_path
        self.authorization = request.headers["Authorization"]
        self.serial = request.headers["Wechatpay-Serial"]
        self.body = await request.read()
        return web.Response(status=401)


PREPAY = {
    "sp_appid": "wx1",
    "sp_mchid": "190",
    "sub_mchid": "1600000001",
    "description": "梯子 3 天",
    "out_trade_no": "T-1|*x",
    "time_expire": "2026-06-24T16:15:00+08:00",
    "notify_url": "https://example.org/notify",
    "settle_info": {"profit_sharing": True},
    "amount": {"total": 1250, "currency": "CNY"},
    "payer": {"sp_openid": "alice"},
}
REFUND = {
    "sub_mchid": "1600000001",
    "sp_appid": "wx1",
    "out_trade_no": "T-1|*x",
    "out_refund_no": "R-1",
    "notify_url": "https://example.org/notify",
    "amount": {"refund": 1, "total": 1250, "currency": "CNY"},
}
SHARE = {
    "appid": "wx1",
    "sub_mchid": "1600000001",
    "transaction_id": "42000",
    "out_order_no": "S-1",
    "receivers": [
        {
            "type": "MERCHANT_ID",
            "receiver_account": "190",
            "amount": 100,
            "description": "服务费",
        }
    ],
    "finish": False,
}
FINISH = {
    "sub_mchid": "1600000001",
    "transaction_id": "42000",
    "out_order_no": "F-1",
    "description": "完成",
}
OWNER = "1600000001"
Ask = Callable[[WechatEcommerce], Awaitable[object]]
CALLS: dict[str, tuple[Ask, str, str, object]] = {
    "prepay": (
        lambda pay: pay.prepay(
            sub_mchid=OWNER, out_trade_no="T-1|*x", description="梯子 3 天", amount_fen=1250,
            openid="alice", expires_at_ms=NOW_MS + 900_999,
        ),
        "POST", "/v3/pay/partner/transactions/jsapi", PREPAY,
    ),
    "query": (
        lambda pay: pay.query(sub_mchid=OWNER, out_trade_no="T-1|*x"),
        "GET",
        "/v3/pay/partner/transactions/out-trade-no/T-1%7C%2Ax?sp_mchid=190&sub_mchid=1600000001",
        None,
    ),
    "close": (
        lambda pay: pay.close(sub_mchid=OWNER, out_trade_no="T-1"),
        "POST", "/v3/pay/partner/transactions/out-trade-no/T-1/close",
        {"sp_mchid": "190", "sub_mchid": "1600000001"},
    ),
    "refund": (
        lambda pay: pay.refund(
            sub_mchid=OWNER, out_trade_no="T-1|*x", out_refund_no="R-1", refund_fen=1,
            total_fen=1250, reason="",
        ),
        "POST", "/v3/ecommerce/refunds/apply", REFUND,
    ),
    "query_refund": (
        lambda pay: pay.query_refund(sub_mchid=OWNER, out_refund_no="R-1@"),
        "GET", "/v3/ecommerce/refunds/out-refund-no/R-1%40?sub_mchid=1600000001", None,
    ),
    "share": (
        lambda pay: pay.share(
            sub_mchid=OWNER, transaction_id="42000", out_order_no="S-1", commission_fen=100,
            description="服务费",
        ),
        "POST", "/v3/ecommerce/profitsharing/orders", SHARE,
    ),
    "query_share": (
        lambda pay: pay.query_share(sub_mchid=OWNER, transaction_id="42000", out_order_no="S-1"),
        "GET",
        "/v3/ecommerce/profitsharing/orders?sub_mchid=1600000001&transaction_id=42000&out_order_no=S-1",
        None,
    ),
    "finish": (
        lambda pay: pay.finish(
            sub_mchid=OWNER, transaction_id="42000", out_order_no="F-1", description="完成"
        ),
        "POST", "/v3/ecommerce/profitsharing/finish-order", FINISH,
    ),
    "query_applyment": (
        lambda pay: pay.query_applyment("A-1"),
        "GET", "/v3/ecommerce/applyments/out-request-no/A-1", None,
    ),
    "trade bill": (
        lambda pay: pay.bill(day="2026-06-23", kind="trade"),
        "GET", "/v3/bill/tradebill?bill_date=2026-06-23&tar_type=GZIP&bill_type=ALL", None,
    ),
    "fund bill": (
        lambda pay: pay.bill(day="2026-06-23", kind="fundflow"),
        "GET", "/v3/bill/fundflowbill?bill_date=2026-06-23&tar_type=GZIP&account_type=BASIC", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
async def test_a_request_is_what_the_documents_say(
    merchant: Pair, pay_config: PayConfig, name: str
) -> None:
    ask, method, target, content = CALLS[name]
    listens = Listens()
    async with server(listens) as url:
        async with WechatEcommerce(pay_config(url), clock_ms=lambda: NOW_MS) as pay:
            with pytest.raises(PaymentProviderError):
                await ask(pay)
    assert (listens.method, listens.target) == (method, target)
    assert listens.serial == "PUB_KEY_ID_0119"
    assert (json.loads(listens.body) if listens.body else None) == content
    found = SIGNATURE.fullmatch(listens.authorization)
    assert found is not None, listens.authorization
    message = f"{method}\n{target}\n1782288000\n{found['nonce']}\n{listens.body.decode()}\n"
    expected = await asyncio.to_thread(signed_by_openssl, merchant, message)
    assert found["signature"] == expected


async def test_the_phone_gets_what_the_documents_say(merchant: Pair, pay_config: PayConfig) -> None:
    async with WechatEcommerce(pay_config("http://127.0.0.1:1")) as pay:
        params = pay.client_params("wx2026", NOW_MS, "n1")
    message = "wx1\n1782288000\nn1\nprepay_id=wx2026\n"
    signature = await asyncio.to_thread(signed_by_openssl, merchant, message)
    assert params == {
        "appId": "wx1",
        "timeStamp": "1782288000",
        "nonceStr": "n1",
        "package": "prepay_id=wx2026",
        "signType": "RSA",
        "paySign": signature,
    }


@pytest.mark.parametrize("text", ["欧阳娜娜", "11010519491231002X", "", "x" * 214])
def test_openssl_opens_what_we_seal(platform: Pair, text: str) -> None:
    sealed = base64.b64decode(seal(platform.public, text), validate=True)
    oaep = ("-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha1")
    opened = openssl("pkeyutl", "-decrypt", "-inkey", platform.private_file, *oaep, given=sealed)
    assert opened.decode() == text


async def test_openssls_signature_is_believed(
    merchant: Pair, platform: Pair, pay_config: PayConfig
) -> None:
    """A notification put together by hand, from the documents."""
    body = '{"code": "said by WeChat"}'
    message = f"1782288000\nn1\n{body}\n"
    signature = await asyncio.to_thread(signed_by_openssl, platform, message)

    async def answer(_: web.Request) -> web.Response:
        headers = {
            "Wechatpay-Serial": "PUB_KEY_ID_0119",
            "Wechatpay-Timestamp": "1782288000",
            "Wechatpay-Nonce": "n1",
            "Wechatpay-Signature": signature,
        }
        return web.Response(status=200, body=body.encode(), headers=headers)

    async with server(answer) as url:
        async with WechatEcommerce(pay_config(url), clock_ms=lambda: NOW_MS) as pay:
            await pay.close(sub_mchid=OWNER, out_trade_no="T-1")
