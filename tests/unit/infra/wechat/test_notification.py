from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.wechat.notification import FRESH_S, Addressee, opened
from infra.wechat.trades import Refund, Trade
from market.kernel.errors import BadSignature
from tests.unit.infra.wechat.conftest import KEY_ID, NOW_MS, Pair, envelope, signed_headers

PAID = {
    "sp_appid": "wx1",
    "sp_mchid": "190",
    "sub_mchid": "160",
    "out_trade_no": "T-1",
    "transaction_id": "42",
    "trade_state": "SUCCESS",
    "success_time": "2026-06-24T16:00:00+08:00",
    "payer": {"sp_openid": "alice"},
    "amount": {"total": 1250, "payer_total": 1250, "currency": "CNY"},
}
REFUNDED = {
    "sp_mchid": "190",
    "sub_mchid": "160",
    "out_trade_no": "T-1",
    "out_refund_no": "R-1",
    "refund_id": "50",
    "refund_status": "SUCCESS",
    "amount": {"total": 1250, "refund": 1250},
}
few = settings(max_examples=60, deadline=None)


def test_a_payment(addressee: Addressee, platform: Pair) -> None:
    body = envelope("TRANSACTION.SUCCESS", PAID)
    notification = opened(addressee, signed_headers(platform.private, body), body, NOW_MS)
    assert (notification.id, notification.nonce, notification.refund) == ("EV-1", "n1", None)
    assert notification.trade == Trade(
        out_trade_no="T-1",
        transaction_id="42",
        state="SUCCESS",
        amount_fen=1250,
        payer_openid="alice",
        paid_at_ms=1_782_288_000_000,
        sub_mchid="160",
    )


def test_a_refund_and_an_event_of_the_future(addressee: Addressee, platform: Pair) -> None:
    body = envelope("REFUND.SUCCESS", REFUNDED)
    notification = opened(addressee, signed_headers(platform.private, body), body, NOW_MS)
    assert notification.trade is None
    assert notification.refund == Refund(out_refund_no="R-1", refund_id="50", state="SUCCESS")
    body = envelope("PAYSCORE.USER_PAID", {"anything": 1})
    notification = opened(addressee, signed_headers(platform.private, body), body, NOW_MS)
    assert (notification.trade, notification.refund) == (None, None)


@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title])
def test_headers_in_any_case(addressee: Addressee, platform: Pair, spell: object) -> None:
    assert callable(spell)
    body = envelope("TRANSACTION.SUCCESS", PAID)
    headers = {spell(k): v for k, v in signed_headers(platform.private, body).items()}
    headers.pop(spell("Wechatpay-Signature-Type"))
    assert opened(addressee, headers, body, NOW_MS).trade is not None


@pytest.mark.parametrize("side", [-1, 1])
def test_the_age_is_bounded_on_both_sides(addressee: Addressee, platform: Pair, side: int) -> None:
    body = envelope("TRANSACTION.SUCCESS", PAID)
    headers = signed_headers(platform.private, body)
    assert opened(addressee, headers, body, NOW_MS + side * FRESH_S * 1000).trade is not None
    with pytest.raises(BadSignature):
        opened(addressee, headers, body, NOW_MS + side * (FRESH_S * 1000 + 1))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Wechatpay-Serial", "PUB_KEY_ID_other"),
        ("Wechatpay-Serial", "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"),
        ("Wechatpay-Signature-Type", "WECHATPAY2-SM2-WITH-SM3"),
        ("Wechatpay-Timestamp", "1782288001"),
        ("Wechatpay-Timestamp", "-1782288000"),
        ("Wechatpay-Timestamp", "١٧٨٢٢٨٨٠٠٠"),
        ("Wechatpay-Timestamp", "9" * 5000),
        ("Wechatpay-Timestamp", ""),
        ("Wechatpay-Nonce", ""),
        ("Wechatpay-Nonce", "n2"),
        ("Wechatpay-Signature", ""),
        ("Wechatpay-Signature", "WECHATPAY/SIGNTEST/AAAA"),
    ],
)
def test_a_wrong_or_missing_header_is_refused(
    addressee: Addressee, platform: Pair, name: str, value: str
) -> None:
    body = envelope("TRANSACTION.SUCCESS", PAID)
    headers = signed_headers(platform.private, body)
    with pytest.raises(BadSignature):
        opened(addressee, headers | {name: value}, body, NOW_MS)
    if name != "Wechatpay-Signature-Type":
        del headers[name]
        with pytest.raises(BadSignature):
            opened(addressee, headers, body, NOW_MS)


@pytest.mark.parametrize(
    "change",
    [
        {"sp_appid": "wx2"},
        {"sp_mchid": "191"},
        {"sp_mchid": None},
        {"sub_mchid": ""},
        {"amount": {"total": "1250"}},
        {"amount": {"total": True}},
        {"amount": {"total": 1250, "currency": "USD"}},
        {"amount": None},
        {"trade_state": "SPLENDID"},
        {"transaction_id": None},
        {"success_time": "yesterday"},
        {"success_time": "2026-06-24T16:00:00"},
        {"payer": "alice"},
        {"out_trade_no": 7},
    ],
)
def test_well_signed_nonsense_is_refused(
    addressee: Addressee, platform: Pair, change: dict[str, object]
) -> None:
    body = envelope("TRANSACTION.SUCCESS", PAID | change)
    with pytest.raises(BadSignature):
        opened(addressee, signed_headers(platform.private, body), body, NOW_MS)


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"id": 1, "event_type": 2}'],
)
def test_well_signed_bodies_that_are_no_envelope(
    addressee: Addressee, platform: Pair, body: bytes
) -> None:
    with pytest.raises(BadSignature):
        opened(addressee, signed_headers(platform.private, body), body, NOW_MS)


@pytest.mark.parametrize("name", ["algorithm", "nonce", "ciphertext", "associated_data"])
@pytest.mark.parametrize("value", [None, "", "x", 5, "AAAAAAAAAAAA"])
def test_a_broken_resource_is_refused(
    addressee: Addressee, platform: Pair, name: str, value: object
) -> None:
    content = json.loads(envelope("TRANSACTION.SUCCESS", PAID))
    content["resource"][name] = value
    body = json.dumps(content).encode()
    with pytest.raises(BadSignature):
        opened(addressee, signed_headers(platform.private, body), body, NOW_MS)


def test_the_wrong_apiv3_key_opens_nothing(addressee: Addressee, platform: Pair) -> None:
    body = envelope("TRANSACTION.SUCCESS", PAID)
    other = dataclasses.replace(addressee, apiv3_key=b"x" * 32)
    with pytest.raises(BadSignature):
        opened(other, signed_headers(platform.private, body), body, NOW_MS)


names = st.sampled_from(
    ["Wechatpay-Serial", "Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Signature", "X"]
)


@few
@given(
    st.dictionaries(names, st.one_of(st.text(max_size=30), st.just(KEY_ID), st.just("1782288000"))),
    st.binary(max_size=60),
    st.integers(0, 2**63),
)
def test_whatever_is_posted_there_is_one_error(
    addressee: Addressee, headers: dict[str, str], body: bytes, now_ms: int
) -> None:
    with pytest.raises(BadSignature):
        opened(addressee, headers, body, now_ms)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@few
@given(st.sampled_from([*PAID, "amount"]), json_values)
def test_whatever_the_platform_signs_is_a_trade_or_that_error(
    addressee: Addressee, platform: Pair, name: str, value: object
) -> None:
    body = envelope("TRANSACTION.SUCCESS", PAID | {name: value})
    try:
        trade = opened(addressee, signed_headers(platform.private, body), body, NOW_MS).trade
    except BadSignature:
        return
    assert trade is not None
    assert trade.amount_fen >= 0
