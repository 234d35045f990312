"""What a platform is told, read strictly: another's answer, or half an answer, is no answer."""

from __future__ import annotations

import json
import time

import pytest
from aiohttp import web

from infra.wechat.applyments import Applyment, applyment_from
from infra.wechat.ecommerce import WechatEcommerce
from infra.wechat.fields import Malformed
from infra.wechat.notification import Addressee, opened
from infra.wechat.shares import Share, SharePart, accepted_release_from, share_from
from infra.wechat.trades import Refund, accepted_refund_from, trade_from
from market.kernel.errors import BadSignature, PaymentProviderError
from tests.unit.infra.wechat.conftest import NOW_MS, Pair, PayConfig, envelope, signed_headers
from tests.unit.infra.wechat.test_adapters_and_odd_servers import server

pytestmark = pytest.mark.timeout(20)

TRADE = {
    "sp_appid": "wx1",
    "sp_mchid": "190",
    "sub_mchid": "160",
    "out_trade_no": "T-1",
    "trade_state": "SUCCESS",
    "transaction_id": "4200",
    "success_time": "2026-06-24T16:00:00+08:00",
    "amount": {"total": 1250, "currency": "CNY"},
    "payer": {"sp_openid": "alice"},
}
REFUND = {
    "sp_mchid": "190",
    "sub_mchid": "160",
    "out_trade_no": "T-1",
    "out_refund_no": "R-1",
    "refund_id": "503",
    "refund_status": "SUCCESS",
}
PART = {"receiver_account": "190", "amount": 100, "result": "SUCCESS"}
SHARE = {"out_order_no": "S-1", "order_id": "3008", "status": "FINISHED", "receivers": [PART]}


def test_a_sub_merchants_trade() -> None:
    trade = trade_from(TRADE, appid="wx1", mchid="190")
    assert (trade.sub_mchid, trade.payer_openid, trade.paid_at_ms) == ("160", "alice", NOW_MS)
    for wrong in (
        {"sp_mchid": "191"},
        {"sp_appid": "wx2"},
        {"sub_mchid": ""},
        {"trade_state": "?"},
        {"amount": {"total": 12.5}},
        {"amount": {"total": 1, "currency": "USD"}},
        {"transaction_id": None},
    ):
        with pytest.raises(Malformed):
            trade_from(TRADE | wrong, appid="wx1", mchid="190")


@pytest.mark.parametrize(
    "changed", [{"sub_mchid": "161"}, {"out_trade_no": "T-2"}, {"sp_mchid": "1"}]
)
async def test_anothers_answer_is_no_answer(
    platform: Pair, pay_config: PayConfig, changed: dict[str, str]
) -> None:
    async def answer(_: web.Request) -> web.Response:
        body = json.dumps(TRADE | changed).encode()
        headers = signed_headers(platform.private, body, time.time_ns() // 1_000_000)
        return web.Response(body=body, headers=headers)

    async with server(answer) as url, WechatEcommerce(pay_config(url)) as pay:
        with pytest.raises(PaymentProviderError) as refused:
            await pay.query(sub_mchid="160", out_trade_no="T-1")
    assert "malformed" in str(refused.value.data["reason"])


def test_notifications_of_a_platform(platform: Pair, addressee: Addressee) -> None:
    def told(event: str, content: object) -> object:
        body = envelope(event, content)
        found = opened(addressee, signed_headers(platform.private, body), body, NOW_MS)
        return found.trade or found.refund

    trade = told("TRANSACTION.SUCCESS", TRADE)
    assert trade == trade_from(TRADE, appid="wx1", mchid="190")
    assert told("REFUND.SUCCESS", REFUND) == Refund(
        out_refund_no="R-1", refund_id="503", state="SUCCESS"
    )
    for event, content in (
        ("TRANSACTION.SUCCESS", TRADE | {"sp_mchid": "191"}),
        ("TRANSACTION.SUCCESS", ["sp_mchid"]),
        ("REFUND.SUCCESS", REFUND | {"sp_mchid": "191"}),
        ("REFUND.SUCCESS", REFUND | {"sp_mchid": None, "mchid": "190"}),
        ("REFUND.SUCCESS", REFUND | {"refund_status": "DONE"}),
    ):
        with pytest.raises(BadSignature):
            told(event, content)


def test_an_accepted_refund_has_no_state_yet() -> None:
    answer = {"out_refund_no": "R-1", "refund_id": "503"}
    assert accepted_refund_from(answer).state == "PROCESSING"
    assert accepted_refund_from(answer | {"status": "SUCCESS"}).state == "SUCCESS"
    with pytest.raises(Malformed):
        accepted_refund_from([])


def test_finished_is_not_paid() -> None:
    done = share_from(SHARE)
    part = SharePart(account="190", amount_fen=100, result="SUCCESS", reason="")
    assert done == Share(out_order_no="S-1", order_id="3008", state="FINISHED", parts=(part,))
    assert done.paid
    failed = PART | {"result": "CLOSED", "fail_reason": "ACCOUNT_ABNORMAL"}
    half = share_from(SHARE | {"receivers": [PART, failed]})
    assert not half.paid
    assert half.parts[1].reason == "ACCOUNT_ABNORMAL"
    assert not share_from(SHARE | {"status": "PROCESSING"}).paid
    assert accepted_release_from({"out_order_no": "F-1", "order_id": "3"}).state == "PROCESSING"
    released = share_from(SHARE | {"receivers": [], "finish_amount": 0})
    assert (released.paid, released.released_fen) == (True, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": "CLOSED"},
        {"order_id": None},
        {"receivers": {}},
        {"receivers": ["190"]},
        {"receivers": [PART | {"amount": True}]},
        {"receivers": [PART | {"result": "?"}]},
        {"finish_amount": -1},
    ],
)
def test_what_is_no_share(wrong: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        share_from(SHARE | wrong)


def test_an_application_as_it_stands() -> None:
    said = {"out_request_no": "A-1", "applyment_state": "FINISH", "sub_mchid": "160"}
    assert applyment_from(said) == Applyment(
        out_request_no="A-1", state="FINISH", sub_mchid="160", sign_url=None, reason=""
    )
    # Before it is finished, the number is nobody's yet.
    frozen = said | {"applyment_state": "NEED_SIGN", "sign_url": "https://pay.weixin.qq.com/s"}
    assert applyment_from(frozen).sub_mchid is None
    rejected = {
        "out_request_no": "A-1",
        "applyment_state": "REJECTED",
        "audit_detail": [
            {"param_name": "id_card_copy", "reject_reason": "照片模糊"},
            {"param_name": "account_number", "reject_reason": "账号有误"},
        ],
    }
    assert applyment_from(rejected).reason == "id_card_copy: 照片模糊；account_number: 账号有误"
    for wrong in (
        {},
        {"applyment_state": "FINISH"},
        said | {"sub_mchid": ""},
        said | {"applyment_state": "?"},
    ):
        with pytest.raises(Malformed):
            applyment_from(wrong)
