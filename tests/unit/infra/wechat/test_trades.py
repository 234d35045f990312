from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.wechat.fields import Malformed
from infra.wechat.trades import refund_from, rfc3339, trade_from

UNPAID = {
    "sp_appid": "wx1",
    "sp_mchid": "190",
    "sub_mchid": "160",
    "out_trade_no": "T-1",
    "trade_state": "NOTPAY",
    "payer": {},
    "amount": {"total": 1, "payer_currency": "CNY"},
}


def read_state(state: str) -> str:
    return trade_from(UNPAID | {"trade_state": state}, appid="wx1", mchid="190").state


def test_an_unpaid_trade_has_no_payer_and_no_time() -> None:
    trade = trade_from(UNPAID, appid="wx1", mchid="190")
    assert (trade.transaction_id, trade.payer_openid, trade.paid_at_ms) == (None, None, None)


@pytest.mark.parametrize("state", ["NOTPAY", "CLOSED"])
@pytest.mark.parametrize("amount", [{}, {"amount": None}, {"amount": {}}])
def test_an_unpaid_trade_may_lack_its_amount_and_a_paid_one_may_not(
    state: str, amount: dict[str, object]
) -> None:
    answer = {name: value for name, value in UNPAID.items() if name != "amount"} | amount
    unpaid = trade_from(answer | {"trade_state": state}, appid="wx1", mchid="190")
    assert (unpaid.state, unpaid.amount_fen) == (state, 0)
    paid = answer | {"trade_state": "SUCCESS", "transaction_id": "42"}
    with pytest.raises(Malformed):
        trade_from(paid, appid="wx1", mchid="190")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("CLOSED", "CLOSED"), ("USERPAYING", "NOTPAY"), ("PAYERROR", "NOTPAY"), ("REVOKED", "CLOSED")],
)
def test_states_that_only_tills_have_become_ours(theirs: str, ours: str) -> None:
    assert read_state(theirs) == ours


def test_times_are_written_for_beijing_in_whole_seconds() -> None:
    assert rfc3339(1_782_288_000_999) == "2026-06-24T16:00:00+08:00"


@given(st.integers(0, 4_000_000_000))
def test_times_come_back(second: int) -> None:
    paid = UNPAID | {
        "trade_state": "SUCCESS",
        "transaction_id": "42",
        "success_time": rfc3339(second * 1000),
    }
    assert trade_from(paid, appid="wx1", mchid="190").paid_at_ms == second * 1000


@pytest.mark.parametrize("answer", [None, [], "x", {}, {"status": "SUCCESS"}, {"status": 1}])
def test_what_is_no_refund_is_malformed(answer: object) -> None:
    with pytest.raises(Malformed):
        refund_from(answer)


@pytest.mark.parametrize("answer", [None, [], "x", {}])
def test_what_is_no_trade_is_malformed(answer: object) -> None:
    with pytest.raises(Malformed):
        trade_from(answer, appid="wx1", mchid="190")
