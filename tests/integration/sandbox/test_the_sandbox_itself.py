"""Keys that stay, trades that survive a restart, messages, faults, another library's opinion."""

from __future__ import annotations

import importlib
import json
import secrets
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from infra.wechat.applyments import applyment_request
from infra.wechat.ecommerce import WechatEcommerce
from infra.wechat.gateway import wall_clock_ms
from sandbox.server.faults import CALL_KINDS, Faults
from tests.integration.sandbox.conftest import (
    OWNER,
    ROOT,
    Mall,
    Phone,
    Receiver,
    Sandbox,
    running_sandbox,
)

pytestmark = pytest.mark.timeout(40)

FILES = {
    "merchant_key.pem",
    "merchant_pub.pem",
    "platform_key.pem",
    "platform_pub.pem",
    "sandbox.json",
}


def test_keys_only_makes_the_files_once(tmp_path: Path) -> None:
    run_dir = tmp_path / "deep" / "wechat"
    command = [sys.executable, "-m", "sandbox.server", "--run-dir", str(run_dir), "--keys-only"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=30)
    first = {path.name: path.read_bytes() for path in run_dir.iterdir()}
    subprocess.run(command, cwd=ROOT, check=True, timeout=30)
    assert set(first) == FILES
    assert first == {path.name: path.read_bytes() for path in run_dir.iterdir()}
    account = json.loads(first["sandbox.json"])
    assert len(account["apiv3_key"]) == 32
    assert account["platform_key_id"].startswith("PUB_KEY_ID_")


async def test_a_restart_forgets_nothing(
    tmp_path: Path, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    receiver.answers.append(500)  # the first notification is not heard; the next server must go on
    slow = ("--time-factor", "0.2")
    with running_sandbox(tmp_path, *slow) as before:
        async with WechatEcommerce(before.pay_config(receiver.url)) as pay:
            mall = Mall(pay, Phone(http, before.url))
            owner = await mall.owner()
            unpaid = await mall.order(owner, "T-unpaid")
            paid = await mall.paid_order(owner)
            first = await receiver.next()
    with running_sandbox(tmp_path, *slow) as after:
        assert after.account == before.account
        async with WechatEcommerce(after.pay_config(receiver.url)) as pay:
            mall = Mall(pay, Phone(http, after.url))
            assert (await pay.query(sub_mchid=owner, out_trade_no=paid)).state == "SUCCESS"
            assert await mall.order(owner, "T-unpaid") == unpaid
            assert await mall.balance(owner) == (mall.amount_fen, 0)
            second = await receiver.next()
            one, two = (
                pay.open_notification(n.headers, n.body, wall_clock_ms()) for n in (first, second)
            )
            assert one.id == two.id


async def test_fault_plans(phone: Phone, mall: Mall, owner: str) -> None:
    for bad in ({"rate": 2}, {"rate": "x"}, {"kinds": ["nonsense"]}, {"next": "delay"}):
        status, _ = await phone.faults(**bad)
        assert status == 400
    before = (await phone.get("/sandbox/faults"))["injected"].get("error_after", 0)
    _, report = await phone.faults(next=["error_after", "notify_drop"])
    assert report["next"] == ["error_after", "notify_drop"]
    await mall.order(owner, mall.number())
    report = await phone.get("/sandbox/faults")
    assert report["injected"]["error_after"] == before + 1
    assert report["next"] == ["notify_drop"]


def test_the_same_seed_spoils_the_same_calls() -> None:
    one, two, other = (Faults(0.2, seed) for seed in (7, 7, 8))
    drawn = [one.for_call() for _ in range(500)]
    assert drawn == [two.for_call() for _ in range(500)]
    assert drawn != [other.for_call() for _ in range(500)]
    assert 60 < sum(kind is not None for kind in drawn) < 140
    assert {kind for kind in drawn if kind} == set(CALL_KINDS)


async def test_a_page_from_elsewhere_may_call_the_phone(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    async with http.options(f"{sandbox.url}/sandbox/pay") as answer:
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    async with http.get(f"{sandbox.url}/v3/pay/partner/transactions/id/4?sp_mchid=1") as answer:
        assert answer.status == 401
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_the_payment_sheet_knows_nothing_of_what_is_not_to_be_paid(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    for query in ({}, {"prepay_id": "wx-unknown"}):
        async with http.get(f"{sandbox.url}/sandbox/prepay", params=query) as answer:
            assert answer.status == 404


async def test_bad_requests_of_the_tester_are_explained(phone: Phone) -> None:
    for path, fields, status in (
        ("/sandbox/login-code", {}, 400),
        ("/sandbox/pay", {"prepay_id": "wx-unknown"}, 404),
        ("/sandbox/pay", {"prepay_id": "wx-unknown", "delay_ms": -1}, 400),
        ("/sandbox/notify", {"out_trade_no": "T-unknown", "mode": "replay"}, 404),
        ("/sandbox/notify", {"out_trade_no": "T-unknown", "mode": "odd"}, 400),
    ):
        got, answer = await phone.post(path, **fields)
        assert (got, bool(answer["code"])) == (status, True), path


async def test_the_front_page_speaks_two_languages(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    async with http.get(sandbox.url) as answer:
        page = await answer.text()
    assert "微信沙箱" in page
    assert "the money is not" in page
    assert sandbox.account["secret"] not in page


async def test_tokens_and_the_text_check(sandbox: Sandbox, phone: Phone) -> None:
    asked = {
        "grant_type": "client_credential",
        "appid": sandbox.account["appid"],
        "secret": sandbox.account["secret"],
    }
    _, token = await phone.post("/cgi-bin/stable_token", **asked)
    _, again = await phone.post("/cgi-bin/stable_token", **asked)
    assert again["access_token"] == token["access_token"]
    _, refused = await phone.post("/cgi-bin/stable_token", **(asked | {"secret": "x"}))
    assert refused["errcode"] == 40125
    access = f"?access_token={token['access_token']}"

    text = {"version": 2, "openid": "mia", "scene": 2}
    for content, suggest in (("你好", "pass"), ("可疑", "review"), ("违禁", "risky")):
        _, answer = await phone.post(f"/wxa/msg_sec_check{access}", content=content, **text)
        assert answer["result"]["suggest"] == suggest


async def test_another_library_agrees(
    sandbox: Sandbox, phone: Phone, pay: WechatEcommerce, owner: str, receiver: Receiver
) -> None:
    """The sandbox was written beside our client; wechatpayv3 was not, and agrees."""
    library = pytest.importorskip("wechatpayv3.async_")
    account, run_dir = sandbox.account, sandbox.run_dir
    client = library.AsyncWeChatPay(
        wechatpay_type=library.WeChatPayType.MINIPROG,
        mchid=account["mchid"],
        private_key=(run_dir / "merchant_key.pem").read_text(),
        cert_serial_no=account["merchant_serial"],
        apiv3_key=account["apiv3_key"],
        appid=account["appid"],
        notify_url=receiver.url,
        public_key=(run_dir / "platform_pub.pem").read_text(),
        public_key_id=account["platform_key_id"],
        partner_mode=True,
    )
    client._core._gate_way = sandbox.url
    number = f"L-{secrets.token_hex(8)}"
    async with client:
        status, answer = await client.pay(
            description="工具",
            out_trade_no=number,
            amount={"total": 99},
            payer={"sp_openid": "carol"},
            sub_mchid=owner,
        )
        assert status == 200, answer
        prepay_id = json.loads(answer)["prepay_id"]
        await phone.post("/sandbox/pay", prepay_id=prepay_id)
        received = await receiver.next()
        event = client.callback(
            {name.lower(): value for name, value in received.headers.items()}, received.body
        )
        assert event["resource"]["amount"]["total"] == 99
        status, answer = await client.query(out_trade_no=number, sub_mchid=owner)
        assert json.loads(answer)["trade_state"] == "SUCCESS"
        # It has no call for an application, but signs and seals one as well as any.
        application = applyment_request(f"A-{number}", OWNER, client._core.encrypt)
        post = importlib.import_module("wechatpayv3.async_.type").RequestType.POST
        status, answer = await client._core.request(
            "/v3/ecommerce/applyments/", method=post, data=application, cipher_data=True
        )
        assert status == 200, answer
        assert (await pay.query_applyment(f"A-{number}")).state == "FINISH"
    found = await pay.query(sub_mchid=owner, out_trade_no=number)
    assert found.payer_openid == "carol"


async def test_subscribe_messages_as_documented(sandbox: Sandbox, phone: Phone) -> None:
    asked = {
        "grant_type": "client_credential",
        "appid": sandbox.account["appid"],
        "secret": sandbox.account["secret"],
    }
    _, token = await phone.post("/cgi-bin/stable_token", **asked)
    chat, booking = (sandbox.account["templates"][name] for name in ("chat", "booking"))
    said = {
        "thing1": {"value": "阿宝"},
        "thing2": {"value": "到了"},
        "time3": {"value": "2026年1月31日 08:05"},
    }
    message = {"touser": "mia", "template_id": chat["id"], "page": "pages/a/a?b=1", "data": said}

    async def send(**fields: object) -> int:
        path = f"/cgi-bin/message/subscribe/send?access_token={token['access_token']}"
        _, answer = await phone.post(path, **(message | fields))
        return int(answer["errcode"])

    async def answer(said: str, template: str = chat["id"], **more: object) -> int:
        status, _ = await phone.post(
            "/sandbox/subscriptions", openid="mia", answers={template: said}, **more
        )
        return status

    assert await send() == 43101  # nobody has allowed it
    assert await answer("reject") == 200
    assert await send() == 43101
    assert await answer("maybe") == 400
    assert await answer("accept", "no-such-template") == 400
    assert await answer("accept") == await answer("accept", booking["id"], always=True) == 200
    assert await send(template_id="bad") == 40037
    assert await send(touser="") == 40003
    assert await send(page="/pages/a/a") == 41030
    for field, value in (
        ("thing1", "长" * 21), ("thing1", ""), ("thing2", "两\n行"), ("time3", "明天"), ("time3", "31/1/2026"),
    ):  # fmt: skip
        assert await send(data={**said, field: {"value": value}}) == 47003, value
    assert await send(data={"thing1": {"value": "阿宝"}}) == 47003
    assert await send(data={**said, "thing9": {"value": "x"}}) == 47003
    assert await send() == 0  # what was refused has cost nothing
    assert await send() == 43101  # and one yes is good for one
    assert await send(touser="refuses-mia") == 43101

    kept = (await phone.get("/sandbox/subscriptions?openid=mia"))["answers"]
    assert kept == {
        chat["id"]: {"remaining": 0, "always": ""},
        booking["id"]: {"remaining": 1, "always": "accept"},
    }
    sent = await phone.get("/sandbox/messages?touser=mia")
    (shown,) = sent["messages"]
    assert [row["value"] for row in shown["rows"]] == [value["value"] for value in said.values()]
    assert (shown["title"], shown["page"]) == (chat["title"], "pages/a/a?b=1")
    assert (await phone.get(f"/sandbox/messages?after={sent['last']}"))["messages"] == []
    _, refused = await phone.post("/cgi-bin/message/subscribe/send?access_token=x", **message)
    assert refused["errcode"] == 40001
