"""What is posted as WeChat's and is not, or is WeChat's and not about this: refused with its code, counted, and nothing moves."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from infra.process import now_ms
from market.kernel.errors import Conflict
from market.payments import actions, payouts
from market.payments.books import ALERTS
from market.payments.commands import Prepay
from market.payments.rules import division
from market.payments.wing import Payments
from sandbox.server.crypto import platform_headers, seal
from sandbox.server.keys import Identity, ensure
from tests.integration.payments.conftest import Deal, Ear, Phone, asks, hear, new_deal
from tests.integration.payments.test_settlement import paid_deal


@pytest.fixture(scope="module")
def wechat(environment: Mapping[str, str]) -> Identity:
    """WeChat's own keys, to say what WeChat never would."""
    return ensure(Path(environment["SHAREHUB_WECHATPAY_KEY_FILE"]).parent)


class Forger:
    def __init__(self, wechat: Identity, ear: Ear) -> None:
        self.wechat = wechat
        self._ear = ear

    async def trade_of(self, deal: Deal, **changes: Any) -> dict[str, Any]:
        """What WeChat would say of the deal's payment, with some of it changed."""
        account, payment = self.wechat.account, await deal.payment()
        return {
            "sp_appid": account.appid, "sp_mchid": account.mchid, "sub_mchid": payment.sub_mchid,
            "out_trade_no": payment.out_trade_no, "trade_state": "SUCCESS",
            "transaction_id": f"4200{secrets.token_hex(10)}",
            "success_time": datetime.now(UTC).isoformat(timespec="seconds"),
            "payer": {"sp_openid": payment.openid},
            "amount": {"total": payment.amount_fen, "currency": "CNY"},
        } | changes  # fmt: skip

    def envelope(self, trade: dict[str, Any]) -> bytes:
        nonce, ciphertext = seal(
            self.wechat.account.apiv3_key, json.dumps(trade).encode(), "transaction"
        )
        resource = {
            "algorithm": "AEAD_AES_256_GCM", "original_type": "transaction",
            "associated_data": "transaction", "nonce": nonce, "ciphertext": ciphertext,
        }  # fmt: skip
        told = {
            "id": f"EV-{secrets.token_hex(8)}", "event_type": "TRANSACTION.SUCCESS",
            "resource_type": "encrypt-resource", "resource": resource,
        }  # fmt: skip
        return json.dumps(told).encode()

    def signed(self, body: bytes, at_s: float | None = None) -> dict[str, str]:
        account = self.wechat.account
        at = int(time.time() if at_s is None else at_s)
        return platform_headers(self.wechat.platform_key, account.platform_key_id, body, at)

    async def post(self, body: bytes, headers: dict[str, str]) -> int:
        async with (
            aiohttp.ClientSession() as http,
            http.post(self._ear.url, data=body, headers=headers) as answer,
        ):
            return answer.status

    async def tell(self, trade: dict[str, Any]) -> int:
        body = self.envelope(trade)
        return await self.post(body, self.signed(body))


@pytest.fixture
def forger(wechat: Identity, ear: Ear) -> Forger:
    return Forger(wechat, ear)


async def unpaid(payments: Payments) -> Deal:
    deal = await new_deal(payments)
    await actions.prepay(payments, asks(deal.buyer), Prepay(order_id=deal.order_id))
    return deal


async def nothing_moved(deal: Deal) -> bool:
    return (await deal.payment()).status == "waiting" and await deal.balances() == {}


def alerts(kind: str) -> float:
    return float(ALERTS.labels(kind)._value.get())


@pytest.mark.parametrize(
    ("changes", "status", "alert"),
    [
        ({"amount": {"total": 11_999, "currency": "CNY"}}, 409, "mismatch"),
        ({"amount": {"total": 2**62, "currency": "CNY"}}, 409, "mismatch"),
        ({"amount": {"total": -12_000, "currency": "CNY"}}, 401, "bad_signature"),
        ({"amount": {"total": 12_000.5, "currency": "CNY"}}, 401, "bad_signature"),
        ({"amount": {"total": "12000", "currency": "CNY"}}, 401, "bad_signature"),
        ({"amount": {"total": True, "currency": "CNY"}}, 401, "bad_signature"),
        ({"amount": {"total": 12_000, "currency": "USD"}}, 401, "bad_signature"),
        ({"sub_mchid": "1699999999"}, 409, "mismatch"),
        ({"sp_mchid": "1900000009"}, 401, "bad_signature"),
        ({"sp_appid": "wx0000000000000000"}, 401, "bad_signature"),
        ({"out_trade_no": "P9999999999999999999"}, 404, "mismatch"),
        ({"transaction_id": ""}, 401, "bad_signature"),
    ],
)
async def test_what_is_well_signed_and_not_our_payment(
    payments: Payments, forger: Forger, changes: dict[str, Any], status: int, alert: str
) -> None:
    deal, before = await unpaid(payments), alerts(alert)
    assert await forger.tell(await forger.trade_of(deal, **changes)) == status
    assert alerts(alert) == before + 1
    assert await nothing_moved(deal)


async def test_one_transaction_pays_one_order(
    payments: Payments, phone: Phone, ear: Ear, forger: Forger
) -> None:
    """A payment that was made for another order, told of this one."""
    other, deal = await paid_deal(payments, phone, ear), await unpaid(payments)
    before = alerts("mismatch")
    crossed = await forger.trade_of(deal, transaction_id=(await other.payment()).transaction_id)
    assert await forger.tell(crossed) == 409
    assert alerts("mismatch") == before + 1
    assert await nothing_moved(deal)
    again = await forger.trade_of(other)  # and an order is paid by one transaction
    assert await forger.tell(again) == 409
    assert (await other.balances())["wechat:clearing"] == -12_000


Spoil = Callable[[Forger, bytes], dict[str, str]]


def by_another_key(forger: Forger, body: bytes) -> dict[str, str]:
    account = forger.wechat.account
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return platform_headers(key, account.platform_key_id, body, int(time.time()))


def under_another_serial(forger: Forger, body: bytes) -> dict[str, str]:
    return forger.signed(body) | {"Wechatpay-Serial": "PUB_KEY_ID_0000000000000000000000000000"}


def of_another_body(forger: Forger, body: bytes) -> dict[str, str]:
    return forger.signed(body + b" ")


def too_old(forger: Forger, body: bytes) -> dict[str, str]:
    return forger.signed(body, time.time() - 301)


def from_the_future(forger: Forger, body: bytes) -> dict[str, str]:
    return forger.signed(body, time.time() + 310)


def redated(forger: Forger, body: bytes) -> dict[str, str]:
    """An old signature under a new timestamp."""
    old = forger.signed(body, time.time() - 3600)
    return old | {"Wechatpay-Timestamp": str(int(time.time()))}


def unsigned(forger: Forger, body: bytes) -> dict[str, str]:
    return {n: v for n, v in forger.signed(body).items() if n != "Wechatpay-Signature"}


def a_probe(forger: Forger, body: bytes) -> dict[str, str]:
    return forger.signed(body) | {"Wechatpay-Signature": "WECHATPAY/SIGNTEST/abc"}


@pytest.mark.parametrize(
    "headers",
    [by_another_key, under_another_serial, of_another_body, too_old, from_the_future, redated, unsigned, a_probe],
)  # fmt: skip
async def test_what_wechat_has_not_signed_now(
    payments: Payments, forger: Forger, headers: Spoil
) -> None:
    deal, before = await unpaid(payments), alerts("bad_signature")
    body = forger.envelope(await forger.trade_of(deal))
    assert await forger.post(body, headers(forger, body)) == 401
    assert alerts("bad_signature") == before + 1
    assert await nothing_moved(deal)


async def test_a_notification_counts_once_however_it_comes_again(
    payments: Payments, forger: Forger
) -> None:
    deal = await unpaid(payments)
    trade = await forger.trade_of(deal)
    body = forger.envelope(trade)
    headers = forger.signed(body)
    assert await forger.post(body, headers) == 200
    paid = await deal.payment()
    assert paid.status == "paid"
    assert await forger.post(body, headers) == 200  # the same bytes
    assert await forger.post(body, forger.signed(body)) == 200  # signed anew
    assert await forger.tell(trade) == 200  # told under another id
    assert await deal.payment() == paid
    assert await deal.kinds() == ["payment.received"]
    assert (await deal.balances())["wechat:clearing"] == -12_000


@pytest.mark.parametrize(
    "wrong",
    [
        {"owner_fen": 1_801},
        {"refund_fen": 12_001, "refund_deposit_fen": 10_000, "owner_fen": -201},
        {"refund_fen": 10_001, "refund_deposit_fen": 10_001, "owner_fen": 1_799},
    ],
    ids=["more than was paid", "refund above the payment", "deposit above the deposit"],
)
@pytest.mark.parametrize("paid_first", [True, False])
async def test_an_order_whose_parts_do_not_add_up_moves_nothing(
    payments: Payments, forger: Forger, wrong: dict[str, int], paid_first: bool
) -> None:
    deal = await unpaid(payments)
    ended = replace(deal.moved("completed"), **wrong)  # type: ignore[arg-type]
    trade, before = await forger.trade_of(deal), alerts("mismatch")
    if paid_first:
        assert await forger.tell(trade) == 200
        with pytest.raises(Conflict):  # and so the fact waits, and alerts, in the inbox
            await hear(payments, ended, "order.completed")
    else:
        await hear(payments, ended, "order.completed")
        assert await forger.tell(trade) == 200
        assert alerts("mismatch") == before + 1
        # Nor does it when WeChat is about to let go of it, and it stops nobody else's guard.
        await payouts.guard(payments, now_ms() + division.DEADLINE_MS)
        assert alerts("mismatch") >= before + 2
    assert await deal.balances() == {"wechat:clearing": -12_000, "escrow": 2_000, "deposit": 10_000}
    assert await deal.refunds() == []
    assert await deal.payout() is None
