"""How the money goes out: in which order, in which parts, and what happens when nobody decides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from market.kernel.errors import Conflict
from market.kernel.ids import Id
from market.payments.rules import division
from tests.unit.market.payments.test_rules import NOW, paid, payable


def test_the_buyers_part_goes_first_then_the_platforms_then_the_owners() -> None:
    done = paid(payable())
    effect = division.divide(payable("completed"), done, Id(700), Id(701), NOW)
    assert effect is not None
    assert effect.refund is not None
    payout = effect.payout
    assert payout is not None
    assert payout.status == "waiting"
    assert division.carried_out(done, payout, NOW) is None
    payout = division.begun(payout, NOW)
    share = division.carried_out(done, payout, NOW)
    assert (payout.status, share is not None) == ("sharing", True)
    assert share is not None
    assert share.payout is not None
    assert (share.payout.status, share.payout.out_order_no[0]) == ("finishing", "F")
    assert payout.out_order_no != share.payout.out_order_no
    finish = division.carried_out(done, share.payout, NOW)
    assert finish is not None
    assert finish.payout is not None
    assert finish.payout.status == "done"
    assert division.carried_out(done, finish.payout, NOW) is None


def test_part_of_the_deposit_stays_with_the_owner() -> None:
    """A damage of 30.00: the deposit comes back less that, and the platform has no share of it."""
    done = paid(payable())
    ended = replace(
        payable("completed"),
        refund_fen=7_000,
        refund_deposit_fen=7_000,
        owner_fen=4_800,
        fee_fen=200,
    )
    effect = division.divide(ended, done, Id(700), Id(701), NOW)
    assert effect is not None
    assert effect.posting is not None
    assert {line.account: line.amount_fen for line in effect.posting.lines} == {
        "escrow:7": -2_000, "deposit:7": -3_000, "owner:2": 4_800, "platform:fees": 200,
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"owner_fen": 1_801},
        {"owner_fen": -1, "fee_fen": 2_001},
        {"refund_deposit_fen": 10_001, "refund_fen": 10_001, "owner_fen": 1_799},
        {"refund_fen": 12_001, "refund_deposit_fen": 10_000, "owner_fen": -201},
    ],
)
def test_numbers_that_do_not_add_up_to_the_payment_move_nothing(wrong: dict[str, int]) -> None:
    ended = replace(payable("completed"), **wrong)  # type: ignore[arg-type]
    with pytest.raises(Conflict):
        division.divide(ended, paid(payable()), Id(700), Id(701), NOW)


def test_what_nobody_decides_goes_back_before_wechat_lets_it_go() -> None:
    done, order = paid(payable()), payable("disputed")
    last = done.paid_at_ms + division.DEADLINE_MS
    assert division.divide(order, done, Id(700), Id(701), last - 1) is None
    effect = division.divide(order, done, Id(700), Id(701), last)
    assert effect is not None
    assert effect.refund is not None
    assert (effect.refund.amount_fen, effect.refund.reason) == (12_000, division.DEADLINE)
    assert effect.payout is None
    # whatever the order says afterwards, the money has been divided
    assert division.divide(payable("completed"), effect.payment, Id(702), Id(703), last) is None
    assert division.DEADLINE_MS < 180 * division.DAY_MS


def test_a_closed_refund_gets_another_number_a_few_times() -> None:
    effect = division.divide(payable("expired"), paid(payable()), Id(700), Id(701), NOW)
    assert effect is not None
    assert effect.refund is not None
    refund, numbers = effect.refund, {effect.refund.out_refund_no}
    for _ in range(division.ROUNDS - 1):
        refund = division.given_up(refund, "CLOSED", "503", NOW)
        assert refund.status == "wanted"
        assert refund.due_ms > NOW
        assert division.refund_id_of(refund.out_refund_no) == Id(700)
        numbers.add(refund.out_refund_no)
    assert len(numbers) == division.ROUNDS
    assert division.given_up(refund, "CLOSED", "503", NOW).status == "stuck"
    assert division.given_up(effect.refund, "ABNORMAL", "503", NOW).status == "stuck"
    assert division.refund_id_of("X1") is None
